"""Gather a case from a lake: reads the lake, writes nothing anywhere."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from trailql.cases.case import Activity, Address, Case, Figures, FileCount, Scope, Unread
from trailql.detect.catalog import Detection
from trailql.detect.enrich import Enrichment
from trailql.detect.finding import Finding, Severity
from trailql.forensics.asking import told_in_words
from trailql.forensics.coverage import Coverage, find_coverage, open_for_coverage
from trailql.forensics.graph import Trace
from trailql.forensics.timeline import Choice, Entry, Mark, entry_of, timeline_of
from trailql.forensics.trace import trace_from
from trailql.insights.anomaly import Insight
from trailql.insights.curve import Curve
from trailql.insights.run import curves_in
from trailql.lake.lake import Lake, open_lake_folder
from trailql.lake.manifest import manifest_lines
from trailql.lake.parquet import rows_sql
from trailql.lake.session import working_connection
from trailql.query.engine import OpenLake

MOST_FILES = 20_000
MOST_LINES = 10_000
MOST_LINES_OF_TEXT = 1000
MOST_EVENTS = 1_000_000
"""Beyond these the timeline shows the actors of findings alone."""
_MOST_ACTORS = 10
_MOST_SESSIONS = 200
_MOST_CURVES = 12
_MOST_ADDRESSES = 2000
_MOST_UNREAD = 2000
_MOST_STEPS = 160
_STEPS = (60, 300, 900, 3600, 10800, 21600, 86400, 7 * 86400, 30 * 86400)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What detections and insights have said.

    Args:
        detections: Those that ran.
        findings: Of this time.
        excepted: How many more are set apart.
        insights: Of this time.
        insights_tested: Whether there was a baseline to test against.
        marks: Findings and insights as a timeline takes them.
        known: What is known beside the logs.
    """

    detections: Sequence[Detection]
    findings: Sequence[Finding]
    excepted: int
    insights: Sequence[Insight]
    insights_tested: bool
    marks: Sequence[Mark]
    known: Enrichment = field(default_factory=Enrichment)


def gather_case(
    scope: Scope,
    seen: Seen,
    *,
    most_files: int | None = MOST_FILES,
    most_lines: int | None = MOST_LINES,
    on_progress: Callable[[str], None] | None = None,
) -> Case:
    """
    Gather all that belongs to a case.

    Args:
        scope: The lake, the time, the accounts.
        seen: Findings and insights of them.
        most_files, most_lines: Where the evidence and the timeline end; None for all.
        on_progress: Called with what comes next.

    Raises:
        LakeError: No lake there, or it is damaged.
        UsageError: An account that the lake holds nothing of.
    """
    say = on_progress or (lambda what: None)
    lake = open_lake_folder(scope.lake)
    say("coverage")
    coverage = _coverage(lake, scope)
    say("figures")
    named = {each.source_ip for each in seen.findings if each.source_ip}
    with OpenLake(lake, scope.since, scope.until) as opened, told_in_words(lake.root):
        con = opened.connection
        con.execute(_CHOSEN, {"accounts": list(scope.accounts)})
        figures = _figures(con)
        activity = _activity(con, figures)
        addresses = _addresses(con, named, seen.known)
    say("timeline")
    lines, events, notes = _timeline(scope, seen, figures.events)
    kept = _kept(lines, seen.findings, most_lines)
    actors = _actors(seen.findings)
    traces = []
    for actor in actors[:_MOST_ACTORS]:
        say(f"trace of {actor}")
        traces.append(_trace(scope, actor))
    say("curves of insights")
    insights = _with_curves(lake.root, seen.insights)
    say("evidence")
    digest, files, total = _manifest(lake, most_files)
    counts, unread = _ledger(lake)
    return Case(
        scope=scope,
        figures=figures,
        detections=tuple(seen.detections),
        findings=tuple(seen.findings),
        excepted=seen.excepted,
        insights=insights,
        insights_tested=seen.insights_tested,
        activity=activity,
        timeline=tuple(kept),
        timeline_events=events,
        timeline_left_out=len(lines) - len(kept),
        traces=tuple(each for each in traces if each.nodes),
        actors_left_out=max(len(actors) - _MOST_ACTORS, 0),
        addresses=addresses,
        coverage=coverage,
        file_counts=counts,
        unread=unread,
        manifest_sha256=digest,
        files=files,
        files_total=total,
        notes=notes,
        account_names=dict(seen.known.accounts or {}),
    )


_CHOSEN = """
CREATE TEMP TABLE chosen AS
SELECT
    eventTime AS time, coalesce(recipientAccountId, userIdentity.accountId) AS account, awsRegion AS region,
    coalesce(userIdentity.arn, userIdentity.principalId, userIdentity.invokedBy) AS principal,
    sourceIPAddress AS address, userAgent AS agent,
    coalesce(errorCode IS NOT NULL OR (eventName = 'ConsoleLogin' AND responseElements LIKE '%Failure%'), false)
        AS failed
FROM events
WHERE len($accounts) = 0 OR list_contains($accounts, coalesce(recipientAccountId, userIdentity.accountId))
"""

_FIGURES = """
SELECT count(*), count(*) FILTER (failed), list_sort(list(DISTINCT account)), list_sort(list(DISTINCT region)),
       count(DISTINCT principal), count(DISTINCT address), epoch_us(min(time)), epoch_us(max(time))
FROM chosen
"""

_ACTIVITY = """
SELECT epoch_us(time) // ($step::BIGINT * 1000000) AS step, count(*), count(*) FILTER (failed) FROM chosen GROUP BY ALL
"""

_ADDRESSES = """
SELECT address, count(*) AS events, count(*) FILTER (failed) AS failed, epoch_us(min(time)), epoch_us(max(time)),
       list_sort(list(DISTINCT principal))[:6], count(DISTINCT principal),
       list_sort(list(DISTINCT agent))[:4], count(DISTINCT agent), list_contains($named, address) AS is_named
FROM chosen
WHERE address IS NOT NULL
GROUP BY address
ORDER BY is_named DESC, events DESC, address
LIMIT $most
"""


def _coverage(lake: Lake, scope: Scope) -> Coverage:
    with open_for_coverage(lake, scope.since, scope.until) as opened:
        return find_coverage(opened, scope.since, scope.until, accounts=scope.accounts)


def _figures(con: Any) -> Figures:
    row = con.execute(_FIGURES).fetchall()[0]
    events, failed, accounts, regions, principals, addresses, first, last = row
    return Figures(
        events,
        failed,
        tuple(filter(None, accounts or ())),
        tuple(filter(None, regions or ())),
        principals,
        addresses,
        None if first is None else _time(first),
        None if last is None else _time(last),
    )


def _activity(con: Any, figures: Figures) -> Activity | None:
    if figures.first is None or figures.last is None:
        return None
    length = (figures.last - figures.first).total_seconds()
    step = next((each for each in _STEPS if length / each < _MOST_STEPS), _STEPS[-1])
    counts = {at: (events, failed) for at, events, failed in con.execute(_ACTIVITY, {"step": step}).fetchall()}
    steps = range(min(counts), max(counts) + 1)
    return Activity(
        _EPOCH + timedelta(seconds=steps[0] * step),
        step,
        tuple(counts.get(at, (0, 0))[0] for at in steps),
        tuple(counts.get(at, (0, 0))[1] for at in steps),
    )


def _addresses(con: Any, named: set[str], known: Enrichment) -> tuple[Address, ...]:
    rows = con.execute(_ADDRESSES, {"named": sorted(named), "most": _MOST_ADDRESSES}).fetchall()
    return tuple(
        Address(
            address,
            events,
            failed,
            _time(first),
            _time(last),
            tuple(filter(None, principals or ())),
            principal_count,
            tuple(filter(None, agents or ())),
            agent_count,
            is_named,
            known.of_address(address),
        )
        for address, events, failed, first, last, principals, principal_count, agents, agent_count, is_named in rows
    )


def _timeline(scope: Scope, seen: Seen, events: int) -> tuple[list[Entry], int, tuple[str, ...]]:
    """All lines, how many events they stand for, and what was narrowed."""
    notes: tuple[str, ...] = ()
    choice = Choice(accounts=scope.accounts)
    if events > MOST_EVENTS:
        actors = _actors(seen.findings, Severity.INFO)
        choice = Choice(accounts=scope.accounts, principals=tuple(actors))
        notes = (f"{events:,} events are too many for one timeline: it shows those of the actors of findings alone.",)
        if not actors:
            return sorted(map(entry_of, seen.marks), key=_by_time), 0, notes
    told = timeline_of(scope.lake, choice, since=scope.since, until=scope.until, limit=0)
    return sorted([*told.entries, *map(entry_of, seen.marks)], key=_by_time), told.events, notes


def _by_time(entry: Entry) -> tuple[Any, ...]:
    return entry.first, entry.kind != "event", entry.last, entry.principal or "", entry.id or ""


def _kept(lines: list[Entry], findings: Sequence[Finding], most: int | None) -> list[Entry]:
    """Where there are too many: findings and insights, then events behind findings, then changes, then the rest."""
    if most is None or len(lines) <= most:
        return lines
    rank = ranks(findings)
    return sorted(sorted(lines, key=rank)[:most], key=_by_time)


def ranks(findings: Sequence[Finding]) -> Callable[[Entry], int]:
    """What a line is worth: 0 findings and insights, 1 events behind findings, 2 other changes, 3 reads."""
    behind = {id for each in findings for id in each.event_ids}

    def rank(entry: Entry) -> int:
        if entry.kind != "event":
            return 0
        return 1 if behind.intersection(entry.event_ids) else 3 if entry.is_read else 2

    return rank


def _actors(findings: Sequence[Finding], least: Severity = Severity.MEDIUM) -> list[str]:
    """Whom findings name, those of the most severe first."""
    severe = sorted((each for each in findings if each.severity >= least), key=lambda each: -each.severity)
    return list(dict.fromkeys(_arn(each.actor) for each in severe if each.actor and each.actor.strip()))


def _arn(actor: str) -> str:
    """Records of sign-ins may name a user without an ARN: `user:444455556666:web-developer`."""
    found = re.fullmatch(r"user:(\d{12}):(.+)", actor)
    return f"arn:aws:iam::{found[1]}:user/{found[2]}" if found else actor


def _trace(scope: Scope, actor: str) -> Trace:
    return trace_from(scope.lake, actor, since=scope.since, until=scope.until, most_sessions=_MOST_SESSIONS)


def _with_curves(lake: str, insights: Sequence[Insight]) -> tuple[tuple[Insight, Curve | None], ...]:
    """Curves for the most unusual ones alone: each needs the minutes of the four weeks before."""
    drawn = sorted(insights, key=lambda each: each.false_per_week)[:_MOST_CURVES]
    curves = dict(zip((each.id for each in drawn), curves_in(lake, drawn), strict=True))
    return tuple((each, curves.get(each.id)) for each in insights)


def _manifest(lake: Lake, most: int | None) -> tuple[str, tuple[dict[str, Any], ...], int]:
    """The SHA-256 of what `trailql lake manifest` writes, its sources, and how many there are."""
    digest = hashlib.sha256()
    files: list[dict[str, Any]] = []
    total = 0
    for number, line in enumerate(manifest_lines(lake)):
        digest.update(line.encode() + b"\n")
        text = line.removeprefix(",")
        if number and text.startswith("{"):
            total += 1
            if most is None or total <= most:
                files.append(json.loads(text))
    return digest.hexdigest(), tuple(files), total


def _ledger(lake: Lake) -> tuple[tuple[FileCount, ...], tuple[Unread, ...]]:
    with working_connection(lake) as con:
        con.execute(f"""
            CREATE VIEW newest AS
            SELECT * FROM ({rows_sql(lake.snapshot("files"))})
            QUALIFY row_number() OVER (PARTITION BY uri, version_tag ORDER BY ingested_at DESC) = 1
        """)
        counts = con.execute("""
            SELECT status, integrity, count(*), coalesce(sum(size_bytes), 0)::BIGINT,
                   coalesce(sum(records_set_aside), 0)::BIGINT
            FROM newest GROUP BY ALL ORDER BY count(*) DESC, status, integrity
        """).fetchall()
        unread = con.execute(
            """
            SELECT uri, status, integrity, coalesce(CASE WHEN status IN ('rejected', 'damaged') THEN reason END,
                                                    integrity_reason, reason)
            FROM newest
            WHERE status IN ('rejected', 'damaged') OR integrity IN ('modified', 'unlisted')
            ORDER BY uri LIMIT $most
            """,
            {"most": _MOST_UNREAD},
        ).fetchall()
    return tuple(FileCount(*row) for row in counts), tuple(Unread(*row) for row in unread)


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
