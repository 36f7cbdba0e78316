"""Statements from a file or a pipe, without a prompt."""

from __future__ import annotations

from collections.abc import Iterable

from trailql.shell.session import Leave, Session
from trailql.shell.statements import Reader


def run_lines(session: Session, lines: Iterable[str]) -> int:
    """
    Run what the lines hold, one after another; a failure does not keep the rest from running.

    Returns:
        The exit code of the first failure, or 0.
    """
    reader = Reader()
    first = 0
    try:
        for line in lines:
            for text in reader.feed(line.rstrip("\r\n")):
                first = _first(first, session.run(text))
        for text in reader.rest():
            first = _first(first, session.run(text))
    except Leave:
        pass
    return first


def _first(code: int, later: int) -> int:
    return code or later
