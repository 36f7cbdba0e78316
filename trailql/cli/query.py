"""`trailql query`."""

from __future__ import annotations

import sys
from enum import StrEnum
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
    days_there,
    pairs,
    seconds,
    span,
    span_in_words,
)
from trailql.errors import UsageError
from trailql.report.progress import query_progress
from trailql.report.rows import Format

if TYPE_CHECKING:
    from trailql.query.engine import OpenLake


class Dialect(StrEnum):
    """How a query is written: DuckDB's SQL over our tables, CloudTrail Lake's, or Athena's over its table."""

    DUCKDB = "duckdb"
    LAKE = "lake"
    ATHENA = "athena"


_DIALECTS = {"duckdb": "DuckDB SQL", "lake": "a query for CloudTrail Lake", "athena": "a query for Athena"}


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
    dialect: Annotated[
        Dialect | None,
        typer.Option("--dialect", help="How the query is written; found out by itself without.", show_default=False),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the SQL that would run, in DuckDB's dialect, and do not run it.")
    ] = False,
    timeout: Annotated[str, typer.Option("--timeout", help="Cancel the query after so long: 90s, 10m, 2h.")] = "1h",
    memory: Annotated[
        str | None,
        typer.Option("--memory", help="Most memory before it spills to disk: 8GB. Half of the machine's without."),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the bundled queries and their parameters.")] = False,
) -> None:
    """
    Ask the lake in SQL.

    The tables are events (one row per event, CloudTrail's own names), files (the ledger of log files) and set_aside.
    Queries written for CloudTrail Lake, or for Athena's CloudTrail table, run as they are.

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
    limit_seconds = seconds(timeout, "--timeout")
    chosen = dialect.value if dialect else None
    with open_lake(lake, since=begin, until=end, memory=memory) as opened:
        if explain:
            _explain(opened, sql, values, chosen, output)
            return
        with query_progress(quiet) as on_progress:
            found = opened.sql(sql, values, dialect=chosen, timeout=limit_seconds, on_progress=on_progress)
        rows = found.arrow()
        there = days_there(opened.lake) if not rows.num_rows and (begin or end) else ""
    shown = rows.slice(0, limit) if limit is not None else rows
    write_rows(shown, format, output, wide=wide)
    if found.dialect != "duckdb" and not quiet:
        print(f"read as {_DIALECTS[found.dialect]}; its table is the lake", file=sys.stderr)
    if format is Format.TABLE and not output and not quiet:
        more = f" of {rows.num_rows:,}" if shown.num_rows < rows.num_rows else ""
        print(f"{shown.num_rows:,}{more} row{'' if rows.num_rows == 1 else 's'}", file=sys.stderr)
    if there and not quiet:
        print(f"asked {span_in_words(begin, end)}; {there}", file=sys.stderr)


def _explain(opened: OpenLake, sql: str, values: dict[str, Any], dialect: str | None, output: Path | None) -> None:
    """The SQL that would run, and what it was taken for."""
    from trailql.report.rows import write_text
    from trailql.report.text import visible

    statement = opened.understood(sql, values, dialect)
    print(f"read as {_DIALECTS[statement.dialect]}", file=sys.stderr)
    lines = (visible(line) for line in statement.text.splitlines())
    write_text("\n".join(lines) + "\n", output)


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
