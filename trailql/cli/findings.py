"""`trailql findings`: what hunts have found, and what became of it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trailql.cli.options import Lake, Output, OutputFormat, Since, Until, span
from trailql.cli.streams import as_far_as_read
from trailql.errors import UsageError
from trailql.report.rows import Format
from trailql.report.text import count_of, visible

if TYPE_CHECKING:
    from trailql.hunt.stored import Stored

app = typer.Typer(no_args_is_help=True, help="What hunts have found: list and show it, acknowledge and close it.")
_Fingerprints = Annotated[
    list[str], typer.Argument(help="Beginnings of fingerprints, four digits or more.", metavar="FINGERPRINT…")
]
_Reason = Annotated[str, typer.Option("--reason", help="Why; whoever looks next wants to know.")]
_EVENTS = """
SELECT eventTime, eventName, errorCode, awsRegion, sourceIPAddress, userAgent, eventSource, requestParameters, eventID
FROM events WHERE eventID IN (SELECT unnest($ids::VARCHAR[])) ORDER BY eventTime, eventID
"""


@app.command("list")
def list_(
    lake: Lake = "lake",
    status: Annotated[
        list[str] | None, typer.Option("--status", help="open, acknowledged or closed; again for another.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are closed or excepted.")] = False,
    min_severity: Annotated[str, typer.Option("--min-severity", help="info, low, medium, high or critical.")] = "info",
    detection: Annotated[str | None, typer.Option("--detection", help="Only of this one: an id or a glob.")] = None,
    round: Annotated[
        str | None, typer.Option("--round", help="Only what this round has found, or seen grow.", metavar="NAME")
    ] = None,
    since: Since = None,
    until: Until = None,
    format: OutputFormat = Format.TABLE,
    output: Output = None,
) -> None:
    """
    List findings, the latest first: those that are neither closed nor excepted.

    Example: trailql findings list --status open --min-severity high
    """
    from fnmatch import fnmatchcase

    from trailql.detect.finding import Severity
    from trailql.hunt.stored import CLOSED, STATUSES
    from trailql.report.rows import write_values

    least = Severity.read(min_severity)
    begin, end = span(since, until)
    for each in status or ():
        if each not in STATUSES:
            raise UsageError(f"no status is called {each!r}", hint=f"one of {', '.join(STATUSES)}")
    found = [
        each
        for each in _stored(lake, round)
        if each.finding.severity >= least
        and (each.status in status if status else all_ or each.status != CLOSED)
        and (all_ or not each.exception)
        and (detection is None or fnmatchcase(each.finding.id, detection))
        and (begin is None or each.finding.last_event_time >= begin)
        and (end is None or each.finding.last_event_time < end)
    ]
    names, rows = _rows(found, format)
    with as_far_as_read():
        write_values(names, rows, format, output, whole=("fingerprint", "detection"))
    if format is Format.TABLE and not output:
        print(count_of(len(found), "finding"), file=sys.stderr)


@app.command()
def show(
    fingerprint: Annotated[str, typer.Argument(help="The beginning of a fingerprint, four digits or more.")],
    lake: Lake = "lake",
    format: OutputFormat = Format.TABLE,
    output: Output = None,
) -> None:
    """
    Show a finding and the events behind it.

    Example: trailql findings show 3f2a9c41d0e7
    """
    from trailql.hunt.stored import find_by_prefix
    from trailql.lake.lake import open_lake_folder
    from trailql.lake.session import working_connection
    from trailql.query.engine import OpenLake
    from trailql.report.rows import render_values, terminal_width, write_objects, write_text
    from trailql.report.table import records_text
    from trailql.report.text import plain

    opened = open_lake_folder(lake)
    with working_connection(opened) as con:
        found = find_by_prefix(con, opened, fingerprint)
    first, last = found.finding.first_event_time, found.finding.last_event_time
    events: list[dict[str, Any]] = []
    if found.finding.event_ids:
        with OpenLake(opened, first, last + timedelta(seconds=1)) as seen:
            events = seen.sql(_EVENTS, {"ids": list(found.finding.event_ids)}, dialect="duckdb").dicts()
    names, [row] = _rows([found], Format.JSON)
    if format in (Format.JSON, Format.JSONL):
        write_objects([plain({**dict(zip(names, row, strict=True)), "event_list": events})], format, output)
        return
    if format is not Format.TABLE:
        raise UsageError("a finding is shown as table, json or jsonl")
    width = None if output else terminal_width()
    shown = [(name, value) for name, value in zip(names, row, strict=True) if name != "event_ids" and value is not None]
    text = records_text([name for name, _ in shown], [[value for _, value in shown]], width=width)
    if events:
        columns = list(events[0])
        text += "\n" + render_values(
            columns, [list(each.values()) for each in events], Format.TABLE, width=width, terminal=True
        )
    with as_far_as_read():
        write_text(text, output)


@app.command()
def ack(fingerprints: _Fingerprints, reason: _Reason, lake: Lake = "lake") -> None:
    """
    Acknowledge findings: somebody looks after them; they are told again only if their severity rises.

    Example: trailql findings ack 3f2a9c41d0e7 --reason "asked the platform team"
    """
    _set(fingerprints, "acknowledged", reason, lake)


@app.command()
def close(fingerprints: _Fingerprints, reason: _Reason, lake: Lake = "lake") -> None:
    """
    Close findings: they are dealt with; what is found anew opens them again, and is told.

    Example: trailql findings close 3f2a9c41d0e7 --reason "planned maintenance"
    """
    _set(fingerprints, "closed", reason, lake)


@app.command()
def reopen(fingerprints: _Fingerprints, reason: _Reason, lake: Lake = "lake") -> None:
    """
    Open findings again that were acknowledged or closed.

    Example: trailql findings reopen 3f2a9c41d0e7 --reason "it was no maintenance"
    """
    _set(fingerprints, "open", reason, lake)


def _set(fingerprints: list[str], status: str, reason: str, lake: str) -> None:
    from trailql.hunt.stored import set_status
    from trailql.lake.lake import open_lake_folder

    for each, before in set_status(open_lake_folder(lake), fingerprints, status, reason, datetime.now(UTC)):
        finding = each.finding
        print(visible(f"{finding.fingerprint[:12]} {before} → {status}: {finding.title}"), file=sys.stderr)


def _stored(lake: str, round: str | None) -> list[Stored]:
    from trailql.hunt.stored import stored_findings
    from trailql.lake.lake import open_lake_folder
    from trailql.lake.session import working_connection

    opened = open_lake_folder(lake)
    with working_connection(opened) as con:
        if round is not None:
            return stored_findings(con, opened, "round = $round", {"round": round})
        return stored_findings(con, opened)


def _rows(found: list[Stored], format: Format) -> tuple[list[str], list[list[Any]]]:
    from trailql.report.findings import finding_rows

    form = format if format in (Format.TABLE, Format.MD) else Format.JSON
    names, rows = finding_rows([each.finding for each in found], form)
    if form is not Format.JSON:
        more = ["fingerprint", "status", "events"]
        behind = [[each.finding.fingerprint[:12], each.status, each.events] for each in found]
        return [*more, *names], [[*left, *right] for left, right in zip(behind, rows, strict=True)]
    more = ["hunt", "status", "reason", "status_at", "events", "times_seen", "alerted_at", "exception", "recorded_at"]
    behind = [
        [
            each.hunt,
            each.status,
            each.reason,
            each.status_at,
            each.events,
            each.times_seen,
            each.alerted_at,
            each.exception,
            each.recorded_at,
        ]
        for each in found
    ]
    return [*names, *more], [[*left, *right] for left, right in zip(rows, behind, strict=True)]
