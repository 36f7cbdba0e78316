"""`trailql detect`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trailql.cli.choosing import (
    AccountNames,
    AwsRanges,
    Config,
    GeoIP,
    Networks,
    Only,
    Packs,
    Rules,
    Skip,
    chosen_detections,
    enrichment,
    say_excepted,
)
from trailql.cli.options import Lake, Output, Parameters, Since, Until, Wide, nothing_there, pairs, span, span_in_words
from trailql.cli.streams import as_far_as_read
from trailql.errors import UsageError
from trailql.report.rows import Format
from trailql.report.text import count_of

if TYPE_CHECKING:
    from trailql.detect.catalog import Detection
    from trailql.detect.finding import Finding

_PAGE = 120
"""Columns of a matrix that goes to no terminal."""


class FindingFormat(StrEnum):
    """Forms of findings; `ocsf` is one Detection Finding a line."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    MD = "md"
    OCSF = "ocsf"


def detect(
    detections: Annotated[
        list[str] | None, typer.Argument(help="Only these detections: as --only.", metavar="[ID…]")
    ] = None,
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    param: Parameters = None,
    min_severity: Annotated[str, typer.Option("--min-severity", help="info, low, medium, high or critical.")] = "low",
    rules: Rules = None,
    pack: Packs = None,
    only: Only = None,
    skip: Skip = None,
    config: Config = None,
    show_excepted: Annotated[
        bool, typer.Option("--show-excepted", help="Print what trailql.toml excepts as well, with the reason.")
    ] = False,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", help="Exit with code 1 when a finding has this severity or a higher one.")
    ] = None,
    format: Annotated[
        FindingFormat, typer.Option("--format", help="How to print the findings; ocsf is one Detection Finding a line.")
    ] = FindingFormat.TABLE,
    output: Output = None,
    wide: Wide = False,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Print the ATT&CK cloud matrix: what is looked for, and what was found.")
    ] = False,
    geoip: GeoIP = None,
    aws_ranges: AwsRanges = None,
    accounts: AccountNames = None,
    networks: Networks = None,
    profile: Annotated[bool, typer.Option("--profile", help="Say on stderr how long each detection took.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the detections.")] = False,
) -> None:
    """
    Run the detections over the lake: the bundled ones, and those of --rules.

    Example: trailql detect --since 24h --fail-on high --format jsonl
    """
    from trailql.detect.excepting import set_apart
    from trailql.detect.finding import Severity
    from trailql.detect.run import Timing, run_detections
    from trailql.detect.tuning import today
    from trailql.lake.lake import open_lake_folder
    from trailql.report.findings import finding_rows, ocsf_findings, with_excepted
    from trailql.report.matrix import summary_lines
    from trailql.report.rows import write_objects, write_values

    if matrix and format is FindingFormat.OCSF:
        raise UsageError("a matrix is no OCSF finding", hint="--matrix --format json")
    is_ocsf = format is FindingFormat.OCSF
    form = Format.JSONL if is_ocsf else Format(format.value)
    begin, end = span(since, until)
    least, failing = Severity.read(min_severity), Severity.read(fail_on) if fail_on else None
    chosen, tuning = chosen_detections(
        rules=rules,
        packs=pack,
        only=[*(detections or ()), *(only or ())],
        skip=skip,
        config=config,
        min_severity=None if list_ else least,
    )
    if list_:
        names = ["id", "severity", "attack", "title"]
        listed = [[d.id, d.severity.name.lower(), " ".join(d.attack), d.file.title] for d in chosen]
        write_values(names, listed, form, output, whole=("id",))
        return
    known = enrichment(config, geoip, aws_ranges, accounts, networks)
    ran: list[str] = []
    timings: list[Timing] = []
    found = run_detections(
        lake,
        since=begin,
        until=end,
        parameters={**tuning.parameters_of(chosen), **pairs(param)},
        on_progress=ran.append,
        timings=timings,
        detections=chosen,
    )
    findings, excepted = set_apart(known.applied(found), tuning.exceptions, lake, today())
    rows = with_excepted(findings, excepted, form) if show_excepted else finding_rows(findings, form)
    if profile:
        for each in sorted(timings, key=lambda each: -each.seconds):
            what = each.what if each.detections == 1 else f"{each.what}: {each.detections} detections"
            print(f"{each.seconds:8.3f} s  {each.findings:7,} findings  {what}", file=sys.stderr)
    with as_far_as_read():
        if matrix:
            _write_matrix(chosen, findings, form, output)
        elif is_ocsf:
            write_objects(ocsf_findings(findings, chosen), form, output)
        else:
            write_values(*rows, form, output, whole=("detection",), wide=wide)
    say_excepted(excepted)
    if not found and (told := nothing_there(open_lake_folder(lake), begin, end)):
        print(told, file=sys.stderr)
    if form in (Format.TABLE, Format.MD) and not output:
        for line in summary_lines(findings):
            print(line, file=sys.stderr)
        print(
            f"{count_of(len(findings), 'finding')} of {count_of(len(ran), 'detection')} {span_in_words(begin, end)}",
            file=sys.stderr,
        )
    if failing and any(finding.severity >= failing for finding in findings):
        raise typer.Exit(1)


def _write_matrix(detections: list[Detection], findings: list[Finding], format: Format, output: Path | None) -> None:
    from trailql.report.matrix import attack_matrix, matrix_rows, matrix_text
    from trailql.report.rows import terminal_width, write_text, write_values

    found = attack_matrix(detections, findings)
    if format is Format.TABLE:
        write_text(matrix_text(found, (None if output else terminal_width()) or _PAGE), output)
    else:
        write_values(*matrix_rows(found), format, output)
