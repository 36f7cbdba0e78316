"""`trailql detect`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from trailql.cli.options import Lake, Output, OutputFormat, Parameters, Since, Until, Wide, pairs, span, span_in_words
from trailql.cli.streams import as_far_as_read
from trailql.errors import UsageError
from trailql.report.rows import Format
from trailql.report.text import count_of


def detect(
    detections: Annotated[
        list[str] | None, typer.Argument(help="Only these detections, by id or short name.", metavar="[ID…]")
    ] = None,
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    param: Parameters = None,
    min_severity: Annotated[str, typer.Option("--min-severity", help="info, low, medium, high or critical.")] = "low",
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", help="Exit with code 1 when a finding has this severity or a higher one.")
    ] = None,
    format: OutputFormat = Format.TABLE,
    output: Output = None,
    wide: Wide = False,
    profile: Annotated[bool, typer.Option("--profile", help="Say on stderr how long each detection took.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the detections.")] = False,
) -> None:
    """
    Run the bundled detections over the lake.

    Example: trailql detect --since 24h --fail-on high --format jsonl
    """
    from trailql.detect.catalog import bundled_detections
    from trailql.detect.finding import Severity
    from trailql.detect.run import Timing, run_detections
    from trailql.report.findings import finding_rows
    from trailql.report.rows import write_values

    if not format.is_text:
        raise UsageError("findings are printed as table, json, jsonl, csv or md")
    if list_:
        names = ["id", "severity", "attack", "title"]
        rows = [[d.id, d.severity.name.lower(), " ".join(d.attack), d.file.title] for d in bundled_detections()]
        write_values(names, rows, format, output, whole=("id",))
        return
    begin, end = span(since, until)
    least, failing = Severity.read(min_severity), Severity.read(fail_on) if fail_on else None
    ran: list[str] = []
    timings: list[Timing] = []
    findings = run_detections(
        lake,
        since=begin,
        until=end,
        ids=detections or (),
        min_severity=least,
        parameters=pairs(param),
        on_progress=ran.append,
        timings=timings,
    )
    if profile:
        for each in sorted(timings, key=lambda each: -each.seconds):
            what = each.what if each.detections == 1 else f"{each.what}: {each.detections} detections"
            print(f"{each.seconds:8.3f} s  {each.findings:7,} findings  {what}", file=sys.stderr)
    with as_far_as_read():
        write_values(*finding_rows(findings, format), format, output, whole=("detection",), wide=wide)
    if format is Format.TABLE and not output:
        print(
            f"{count_of(len(findings), 'finding')} of {count_of(len(ran), 'detection')} {span_in_words(begin, end)}",
            file=sys.stderr,
        )
    if failing and any(finding.severity >= failing for finding in findings):
        raise typer.Exit(1)
