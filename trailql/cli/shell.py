"""`trailql shell`."""

from __future__ import annotations

import sys

import typer

from trailql.cli.options import Lake, Since, Until, span, span_in_words


def shell(lake: Lake = "lake", since: Since = None, until: Until = None) -> None:
    """
    Ask the lake question after question: history, completion, paging; .help says more.

    Statements from a file or a pipe run one after another; the exit code is that of the first that failed.

    Example: trailql shell --lake lake --since 30d

    Example: trailql shell --lake lake < questions.sql
    """
    from trailql.query.engine import open_lake
    from trailql.shell.session import Session

    begin, end = span(since, until)
    is_interactive = sys.stdin.isatty()
    with Session(
        lambda: open_lake(lake, since=begin, until=end),
        is_interactive=is_interactive,
        span=span_in_words(begin, end) if begin or end else "",
    ) as session:
        if is_interactive:
            from trailql.shell.prompt import talk

            code = talk(session)
        else:
            from trailql.shell.script import run_lines

            code = run_lines(session, sys.stdin)
    raise typer.Exit(code)
