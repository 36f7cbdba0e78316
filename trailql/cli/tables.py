"""`trailql tables` and `trailql describe`."""

from __future__ import annotations

from typing import Annotated

import typer

from trailql.cli.options import Lake, Output, OutputFormat, Since, Until, span
from trailql.report.progress import query_progress
from trailql.report.rows import Format, terminal_width, write_text, write_values


def tables(lake: Lake = "lake", format: OutputFormat = Format.TABLE, output: Output = None) -> None:
    """
    List the tables of the lake, what they hold and what they mean.

    Example: trailql tables --lake lake
    """
    from trailql.lake.lake import open_lake_folder
    from trailql.report.tables import table_rows

    _check(format)
    write_values(*table_rows(open_lake_folder(lake), format), format, output, whole=("table",))


def describe(
    table: Annotated[str, typer.Argument(help="One that trailql tables lists.")] = "events",
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    examples: Annotated[
        bool, typer.Option("--examples", help="With frequent values from the lake; reads the whole table.")
    ] = False,
    format: OutputFormat = Format.TABLE,
    output: Output = None,
) -> None:
    """
    List a table's columns and struct fields with their types and meanings; needs no lake, but for --examples.

    Example: trailql describe events --examples --since 7d
    """
    from trailql.query.describe import describe_table, frequent_values
    from trailql.report.tables import column_rows, columns_text

    _check(format)
    columns = describe_table(table)
    begin, end = span(since, until)
    values = None
    if examples:
        from trailql.query.engine import open_lake

        with open_lake(lake, since=begin, until=end) as opened, query_progress():
            values = frequent_values(opened, table)
    if format is Format.TABLE:
        write_text(columns_text(columns, values, None if output else terminal_width()), output)
    else:
        write_values(*column_rows(columns, values, format), format, output)


def _check(format: Format) -> None:
    if not format.is_text:
        from trailql.errors import UsageError

        raise UsageError("this is printed as table, json, jsonl, csv or md")
