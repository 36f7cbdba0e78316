"""`trailql timeline`."""

from __future__ import annotations

import sys
from datetime import UTC, timedelta, tzinfo
from typing import Annotated

import typer

from trailql.cli.options import Lake, Output, OutputFormat, Since, Until, seconds, span, span_in_words
from trailql.errors import UsageError
from trailql.report.rows import Format
from trailql.report.text import count_of

Several = list[str] | None


def timeline(
    lake: Lake = "lake",
    principal: Annotated[Several, typer.Option("--principal", help="ARN or name of a user, role, session.")] = None,
    ip: Annotated[Several, typer.Option("--ip", help="Address or network.")] = None,
    key: Annotated[Several, typer.Option("--key", help="Access key.")] = None,
    session: Annotated[Several, typer.Option("--session", help="ARN or name of a role session.")] = None,
    resource: Annotated[Several, typer.Option("--resource", help="ARN, id or name that a call names.")] = None,
    account: Annotated[Several, typer.Option("--account", help="Account that recorded it.")] = None,
    region: Annotated[Several, typer.Option("--region", help="Region.")] = None,
    service: Annotated[Several, typer.Option("--service", help="iam, or iam.amazonaws.com.")] = None,
    since: Since = None,
    until: Until = None,
    all_: Annotated[bool, typer.Option("--all", help="Every event a line: nothing is folded.")] = False,
    fold: Annotated[str, typer.Option("--fold", help="The longest pause within a line: 5m, 1h.")] = "5m",
    findings: Annotated[
        bool, typer.Option("--findings/--no-findings", help="With the findings and insights of that time.")
    ] = True,
    min_severity: Annotated[str, typer.Option("--min-severity", help="Of the findings.")] = "low",
    tz: Annotated[str, typer.Option("--tz", help="Time zone of table and md, such as Europe/Berlin.")] = "UTC",
    limit: Annotated[int, typer.Option("--limit", help="Most lines; 0 for all.", min=0)] = 1000,
    format: OutputFormat = Format.TABLE,
    output: Output = None,
) -> None:
    """
    Show events in order, runs of them folded, findings and insights among them.

    Options may be repeated: one of the values of each must be met.

    Example: trailql timeline --principal web-developer --ip 203.0.113.0/24 --since 2026-10-14 --tz Europe/Berlin
    """
    from trailql.forensics.timeline import Choice, timeline_of
    from trailql.report.timeline import write_timeline

    if not format.is_text:
        raise UsageError("a timeline is printed as table, json, jsonl, csv or md")
    begin, end = span(since, until)
    zone = time_zone(tz)
    pause = timedelta(seconds=seconds(fold, "--fold") or 0)
    choice = Choice(*(tuple(each or ()) for each in (principal, ip, key, session, resource, account, region, service)))
    marks = []
    if findings:
        from trailql.detect.finding import Severity
        from trailql.detect.run import run_detections
        from trailql.insights.run import find_insights
        from trailql.report.timeline import marks_of

        found = run_detections(lake, since=begin, until=end, min_severity=Severity.read(min_severity))
        marks = marks_of(found, find_insights(lake, since=begin, until=end))
    told = timeline_of(lake, choice, since=begin, until=end, marks=marks, fold=pause, unfolded=all_, limit=limit)
    write_timeline(told, format, output, zone=zone)
    if format in (Format.TABLE, Format.MD) and not output:
        events = count_of(told.events, "event")
        print(f"{events} in {count_of(len(told.entries), 'line')} {span_in_words(begin, end)}", file=sys.stderr)
    if told.left_out:
        print(f"trailql: {count_of(told.left_out, 'line')} more: --limit 0, or a shorter time", file=sys.stderr)


def time_zone(name: str) -> tzinfo:
    """
    A time zone by name.

    Raises:
        UsageError: There is none of that name.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"--tz {name!r} is no time zone", hint="--tz Europe/Berlin") from error
