"""`trailql case`."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trailql.cli.choosing import (
    AccountNames,
    AwsRanges,
    Config,
    GeoIP,
    Networks,
    Packs,
    Rules,
    chosen_detections,
    enrichment,
    say_excepted,
)
from trailql.cli.options import Lake, Output, Quiet, Since, Until, chosen_accounts, span, span_in_words
from trailql.errors import UsageError
from trailql.report.text import count_of, visible


class _Form(StrEnum):
    HTML = "html"
    MD = "md"
    JSON = "json"


def case(
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    account: Annotated[list[str] | None, typer.Option("--account", help="Only this account; repeatable.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="What stands above it.")] = None,
    min_severity: Annotated[str, typer.Option("--min-severity", help="Of the findings.")] = "low",
    rules: Rules = None,
    pack: Packs = None,
    config: Config = None,
    geoip: GeoIP = None,
    aws_ranges: AwsRanges = None,
    accounts: AccountNames = None,
    networks: Networks = None,
    format: Annotated[
        _Form | None,
        typer.Option("--format", help="How it is written; by the file's ending, else md.", show_default=False),
    ] = None,
    output: Output = None,
    quiet: Quiet = False,
) -> None:
    """
    Put everything a lake tells about a time into one file: a page that opens anywhere, asks no network and prints.

    Findings, ATT&CK, the timeline with a search, session graphs of those whom findings name, source addresses,
    insights with their curves, coverage, integrity, and every log file with its hashes. Only reads the lake.

    Example: trailql case --lake case-17 --since 2026-10-14 --title "Stolen key" --output case.html
    """
    from trailql import __version__
    from trailql.cases.case import Scope
    from trailql.cases.gather import MOST_FILES, MOST_LINES, MOST_LINES_OF_TEXT, Seen, gather_case
    from trailql.detect.excepting import set_apart
    from trailql.detect.finding import Severity
    from trailql.detect.run import run_detections
    from trailql.detect.tuning import today
    from trailql.insights.find import Asked
    from trailql.insights.run import find_insights_and_history
    from trailql.report.rows import write_text
    from trailql.report.timeline import marks_of

    begin, end = span(since, until)
    wanted = chosen_accounts(account)
    form = _form(format, output)
    _check_place(output, lake)
    say = _silent if quiet else _tell
    made_at = datetime.now(UTC).replace(microsecond=0)
    command = shlex.join(["trailql", *sys.argv[1:]])
    name = title or f"CloudTrail case: {lake.rstrip('/').rsplit('/', 1)[-1]}"
    scope = Scope(name, lake, begin, end, tuple(sorted(wanted)), command, __version__, made_at)
    say("detections")
    chosen, tuning = chosen_detections(rules=rules, packs=pack, config=config, min_severity=Severity.read(min_severity))
    known = enrichment(config, geoip, aws_ranges, accounts, networks)
    found = run_detections(lake, since=begin, until=end, parameters=tuning.parameters_of(chosen), detections=chosen)
    findings, excepted = set_apart(known.applied(found), tuning.exceptions, lake, today())
    say("insights")
    insights, history = find_insights_and_history(lake, Asked(begin, end))
    if wanted:
        findings = [each for each in findings if each.account in wanted]
        insights = [each for each in insights if each.account in wanted]
    marks = marks_of(findings, insights)
    seen = Seen(chosen, findings, len(excepted), insights, history.enough > 0, marks, known)
    most_lines = {_Form.HTML: MOST_LINES, _Form.MD: MOST_LINES_OF_TEXT, _Form.JSON: None}[form]
    made = gather_case(
        scope,
        seen,
        most_files=None if form is _Form.JSON else MOST_FILES,
        most_lines=most_lines,
        on_progress=say,
    )
    if form is _Form.JSON:
        from trailql.report.case_json import case_json as write
    elif form is _Form.MD:
        from trailql.report.case_markdown import case_markdown as write
    else:
        from trailql.report.case_html import case_html as write
    write_text(write(made), output)
    say_excepted(excepted)
    if not quiet:
        events = count_of(made.timeline_events, "event")
        told = f"{count_of(len(findings), 'finding')}, {count_of(len(insights), 'insight')}, {events}"
        print(f"{told} {span_in_words(begin, end)}", file=sys.stderr)


def _form(format: _Form | None, output: Path | None) -> _Form:
    if format or output is None:
        return format or _Form.MD
    try:
        return {".html": _Form.HTML, ".htm": _Form.HTML, ".md": _Form.MD, ".json": _Form.JSON}[output.suffix.lower()]
    except KeyError as error:
        hint = "--output case.html, or --format html"
        raise UsageError(f"a case is .html, .md or .json, not {output.name!r}", at=str(output), hint=hint) from error


def _check_place(output: Path | None, lake: str) -> None:
    """A lake is evidence, and no place to write into."""
    if output and "://" not in lake and output.resolve().is_relative_to(Path(lake).resolve()):
        raise UsageError("that is inside the lake, which a case leaves alone", at=str(output))


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{visible(what)[:100]} …", end="\r\033[K" if not what else "", file=sys.stderr, flush=True)


def _silent(what: str) -> None:
    pass
