"""`trailql resource`."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Annotated

import typer

from trailql.cli.options import Lake, Output, OutputFormat, Since, Until, seconds, span, span_in_words
from trailql.cli.timeline import time_zone
from trailql.errors import UsageError
from trailql.report.rows import Format
from trailql.report.text import visible


def resource(
    asked: Annotated[str, typer.Argument(help="A resource's ARN, id or name.", metavar="RESOURCE", show_default=False)],
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    fold: Annotated[str, typer.Option("--fold", help="The longest pause within a line of reads: 5m, 1h.")] = "1h",
    tz: Annotated[str, typer.Option("--tz", help="Time zone of table and md, such as Europe/Berlin.")] = "UTC",
    format: OutputFormat = Format.TABLE,
    output: Output = None,
) -> None:
    """
    Show a resource's history: who changed what, what was set before, who looked at it.

    Every event that names it in resources, request or answer, by its whole name.

    Example: trailql resource arn:aws:iam::111122223333:user/build-bot --since 7d
    """
    from trailql.forensics.resource import resource_history
    from trailql.report.resource import write_history

    if not format.is_text:
        raise UsageError("a history is printed as table, json, jsonl, csv or md")
    begin, end = span(since, until)
    zone = time_zone(tz)
    pause = timedelta(seconds=seconds(fold, "--fold") or 0)
    found = resource_history(lake, asked.strip(), since=begin, until=end, fold=pause)
    write_history(found, format, output, zone=zone)
    if not found.changes and not found.reads:
        said = f"trailql: no event names {asked} {span_in_words(begin, end)}"
        print(visible(said), file=sys.stderr)
        print("  try: the whole name or id, as the request has it", file=sys.stderr)
