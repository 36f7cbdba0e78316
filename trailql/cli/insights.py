"""`trailql insights`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trailql.cli.options import Lake, Output, OutputFormat, Since, Until, span
from trailql.errors import UsageError
from trailql.report.rows import Format

if TYPE_CHECKING:
    from trailql.insights.find import History


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

    The baseline is the calls per minute usual on the days before; the p-value is the chance of such a day by itself.
    json and jsonl print AWS's own record shape, a Start and an End record for each insight.

    Example: trailql insights --since 7d --format jsonl
    """
    from trailql.insights.anomaly import insight_records
    from trailql.insights.baseline import LEAST_DAYS
    from trailql.insights.run import find_insights_and_history
    from trailql.report.findings import insight_rows
    from trailql.report.rows import write_objects, write_values

    if not format.is_text:
        raise UsageError("insights are printed as table, json, jsonl, csv or md")
    begin, end = span(since, until)
    found, history = find_insights_and_history(
        lake, since=begin, until=end, baseline_days=baseline, false_per_account_week=false_rate
    )
    if format in (Format.JSON, Format.JSONL):
        records: list[dict[str, Any]] = [record for insight in found for record in insight_records(insight)]
        write_objects(records, format, output)
    else:
        write_values(*insight_rows(found), format, output)
    if format is Format.TABLE and not output:
        print(f"{len(found):,} insight{'' if len(found) == 1 else 's'}", file=sys.stderr)
    if history.accounts > history.enough:
        print(_too_little(history, LEAST_DAYS), file=sys.stderr)
    elif not history.accounts:
        print("no events in that time", file=sys.stderr)


def _too_little(history: History, needed: int) -> str:
    """What could not be tested, and why."""
    days = f"{history.most_days} day{'' if history.most_days == 1 else 's'}"
    rule = f"{needed} are needed (days with events before the day that is tested, the first one not counted)"
    if not history.enough:
        return f"too little history, nothing was tested: there are {days} of baseline, {rule}"
    short = history.accounts - history.enough
    return f"{short:,} of {history.accounts:,} accounts have too little history and were not tested: {rule}"
