"""`trailql insights`."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from trailql.cli.options import Lake, Output, OutputFormat, Since, Until, span
from trailql.errors import UsageError
from trailql.report.rows import Format


def insights(
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    baseline: Annotated[int, typer.Option("--baseline", help="Days of history to compare with.", min=7)] = 28,
    false_rate: Annotated[
        float, typer.Option("--false-rate", help="Insights to expect per account and week where nothing is unusual.")
    ] = 0.5,
    format: OutputFormat = Format.TABLE,
    output: Output = None,
) -> None:
    """
    Find unusual API call rates and error rates, as CloudTrail Insights does, over any past window.

    json and jsonl print AWS's own record shape, a Start and an End record for each insight.

    Example: trailql insights --since 7d --format jsonl
    """
    from trailql.insights.anomaly import insight_records
    from trailql.insights.run import find_insights
    from trailql.report.findings import insight_rows
    from trailql.report.rows import write_objects, write_values

    if format is Format.PARQUET:
        raise UsageError("insights are printed as table, json, jsonl, csv or md")
    begin, end = span(since, until)
    found = find_insights(lake, since=begin, until=end, baseline_days=baseline, false_per_account_week=false_rate)
    if format in (Format.JSON, Format.JSONL):
        records: list[dict[str, Any]] = [record for insight in found for record in insight_records(insight)]
        write_objects(records, format, output)
    else:
        write_values(*insight_rows(found), format, output)
    if format is Format.TABLE and not output:
        print(f"{len(found):,} insight{'' if len(found) == 1 else 's'}", file=sys.stderr)
