"""`trailql profile`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from trailql.cli.options import Lake, Output, OutputFormat, Since, Until, span, span_in_words
from trailql.cli.timeline import time_zone
from trailql.errors import UsageError
from trailql.report.rows import Format
from trailql.report.text import visible


def profile(
    asked: Annotated[
        str,
        typer.Argument(
            help="A principal's ARN or name, an access key, address, network or instance id.",
            metavar="WHO",
            show_default=False,
        ),
    ],
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    tz: Annotated[str, typer.Option("--tz", help="Time zone of the hours of the day.")] = "UTC",
    top: Annotated[int, typer.Option("--top", help="How many values of each kind to show.", min=1)] = 8,
    format: OutputFormat = Format.TABLE,
    output: Output = None,
) -> None:
    """
    Sum up what somebody does: APIs, Regions, networks, user agents, errors, resources, hours.

    With --since, what is new from then on, compared with all that came before.

    Example: trailql profile build-bot --since 2026-10-15
    """
    from trailql.forensics.profile import profile_of
    from trailql.report.profile import write_profile
    from trailql.report.timeline import zone_name

    if not format.is_text:
        raise UsageError("a profile is printed as table, json, jsonl, csv or md")
    begin, end = span(since, until)
    zone = zone_name(time_zone(tz))
    found = profile_of(lake, asked.strip(), since=begin, until=end, zone=zone)
    write_profile(found, format, output, top=top, zone=zone)
    if not found.calls:
        said = f"trailql: no events of {asked} ({found.kind}) {span_in_words(begin, end)}"
        print(visible(said), file=sys.stderr)
        if found.before:
            print("  try: an earlier --since: there are events before", file=sys.stderr)
