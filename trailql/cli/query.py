"""`trailql query`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trailql.cli.options import (
    Lake,
    Output,
    OutputFormat,
    Parameters,
    Quiet,
    Since,
    Until,
    Wide,
    pairs,
    span,
    span_in_words,
)
from trailql.errors import UsageError
from trailql.report.progress import query_progress
from trailql.report.rows import Format

if TYPE_CHECKING:
    from trailql.lake.lake import Lake as OpenedLake


def query(
    text: Annotated[
        str | None, typer.Argument(help="SQL, a .sql file, or the name of a bundled query.", metavar="QUERY")
    ] = None,
    lake: Lake = "lake",
    param: Parameters = None,
    since: Since = None,
    until: Until = None,
    format: OutputFormat = Format.TABLE,
    output: Output = None,
    limit: Annotated[int | None, typer.Option("--limit", help="At most so many rows.", min=0)] = None,
    wide: Wide = False,
    quiet: Quiet = False,
    list_: Annotated[bool, typer.Option("--list", help="List the bundled queries and their parameters.")] = False,
) -> None:
    """
    Ask the lake in SQL.

    The tables are events (one row per event, CloudTrail's own names), files (the ledger of log files) and set_aside.

    Example: trailql query "SELECT eventName, count(*) AS calls FROM events GROUP BY ALL ORDER BY calls DESC" --limit 10
    """
    from trailql.report.rows import write_rows

    if list_:
        _list(format, output)
        return
    if text is None:
        raise UsageError("no query given", hint='trailql query "SELECT count(*) FROM events", or trailql query --list')
    from trailql.query.engine import open_lake

    begin, end = span(since, until)
    sql, values = _statement(text, pairs(param))
    with open_lake(lake, since=begin, until=end) as opened:
        with query_progress(quiet) as on_progress:
            rows = opened.sql(sql, values, on_progress=on_progress).arrow()
        there = _days_there(opened.lake) if not rows.num_rows and (begin or end) else ""
    shown = rows.slice(0, limit) if limit is not None else rows
    write_rows(shown, format, output, wide=wide)
    if format is Format.TABLE and not output and not quiet:
        more = f" of {rows.num_rows:,}" if shown.num_rows < rows.num_rows else ""
        print(f"{shown.num_rows:,}{more} row{'' if rows.num_rows == 1 else 's'}", file=sys.stderr)
    if there and not quiet:
        print(f"asked {span_in_words(begin, end)}; {there}", file=sys.stderr)


def _days_there(lake: OpenedLake) -> str:
    """The days the lake has events of, by the names of its partitions alone."""
    days = [part.day for part in lake.snapshot("events").parts if part.day is not None]
    return f"the lake has events of {min(days)} to {max(days)}" if days else "the lake has no events"


def _statement(text: str, given: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """SQL and the values of its parameters: of a bundled query, a file, or the text itself."""
    from trailql.query.library import bundled_files, did_you_mean, find_bundled, read_sql_file

    if bundled := find_bundled(text.strip()):
        return bundled.sql, bundled.values_over_all(given)
    path = Path(text)
    if text.endswith(".sql") or (len(text) < 256 and "\n" not in text and path.is_file()):
        if not path.is_file():
            raise UsageError("no such file", at=text)
        file = read_sql_file(path, id=path.stem)
        return file.sql, file.values(given) if file.parameters else dict(given)
    if " " not in text.strip():
        near = did_you_mean(text.strip(), bundled_files())
        raise UsageError(f"no bundled query is called {text.strip()!r}", hint=f"{near}trailql query --list")
    return text, dict(given)


def _list(format: Format, output: Path | None) -> None:
    import pyarrow as pa

    from trailql.query.library import bundled_files
    from trailql.report.rows import write_rows

    rows = [
        {
            "name": file.id,
            "kind": "detection" if file.is_detection else "query",
            "parameters": ", ".join(f"{each.name}={each.default}" for each in file.parameters),
            "title": file.title,
        }
        for file in bundled_files()
    ]
    write_rows(pa.Table.from_pylist(rows), format, output)
