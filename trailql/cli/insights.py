"""`trailql insights`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trailql.cli.options import Lake, Output, OutputFormat, Since, Until, span
from trailql.errors import UsageError
from trailql.report.rows import Format
from trailql.report.text import count_of

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
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="aws (CloudTrail's own two), all, or calls, errors, writes, reads, refusals (by principal), "
            "resources; again for another.",
        ),
    ] = None,
    from_rates: Annotated[
        Path | None,
        typer.Option("--from-rates", help="Parquet file of minute counts to look at instead of a lake's events."),
    ] = None,
    format: OutputFormat = Format.TABLE,
    output: Output = None,
) -> None:
    """
    Find unusual rates of API calls and errors, as CloudTrail Insights does, over any past window.

    "instead of" is what the days before allow for; "by chance" how often a week of the account would bring such an
    insight by itself. json and jsonl print AWS's own record shape, a Start and an End record for each insight.

    Example: trailql insights --since 7d --format jsonl
    """
    from trailql.cli.app import numbers_needed

    numbers_needed()
    from trailql.insights.anomaly import insight_records
    from trailql.insights.find import Asked, find_insights_in_rates, kinds_named
    from trailql.insights.run import find_insights_and_history
    from trailql.insights.surprise import LEAST_DAYS
    from trailql.report.findings import insight_rows
    from trailql.report.rows import write_objects, write_values

    if not format.is_text:
        raise UsageError("insights are printed as table, json, jsonl, csv or md")
    begin, end = span(since, until)
    asked = Asked(begin, end, baseline, false_rate, kinds_named(kind or ["aws"]))
    if from_rates:
        found, history = find_insights_in_rates(from_rates, asked)
    else:
        found, history = find_insights_and_history(lake, asked)
    if format in (Format.JSON, Format.JSONL):
        records: list[dict[str, Any]] = [record for insight in found for record in insight_records(insight)]
        write_objects(records, format, output)
    else:
        write_values(*insight_rows(found), format, output)
    if format is Format.TABLE and not output:
        print(count_of(len(found), "insight"), file=sys.stderr)
    if history.accounts > history.enough:
        print(_too_little(history, LEAST_DAYS), file=sys.stderr)
    elif not history.accounts:
        print("no events in that time", file=sys.stderr)


def _too_little(history: History, needed: int) -> str:
    """What could not be tested, and why."""
    rule = f"{needed} are needed (days with events before the day that is tested, the first one not counted)"
    if not history.enough:
        days = count_of(history.most_days, "day")
        return f"too little history, nothing was tested: there are {days} of baseline, {rule}"
    short = history.accounts - history.enough
    return f"{short:,} of {history.accounts:,} accounts have too little history and were not tested: {rule}"
