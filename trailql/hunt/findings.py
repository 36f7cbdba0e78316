"""
Findings that stay: what was found again is the same finding, grown; what has been told is not told again.

The lake has a row for each change. The content of a finding is its newest row with `times_seen`, its status the newest
with `status`, so that a round and a person may write at the same time and neither undoes the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import duckdb

from trailql.detect.finding import Finding
from trailql.hunt.state import Row
from trailql.hunt.stored import CLOSED, OPEN, Stored, stored_findings
from trailql.lake.lake import Lake
from trailql.report.text import iso, json_text, plain

_MOST_EVENT_IDS = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """
    A finding that is new, has grown, or is over.

    Args:
        stored: As it stands from now on.
        alert: Why it is to be told: `new`, `raised:high`, `again:TIME,EVENTS`, `over:TIME`; None where it is not.
        is_new: It was not there before.
        reopened: Its status changes with it.
        is_over: It is closed, and nothing else of it changes.
    """

    stored: Stored
    alert: str | None
    is_new: bool
    reopened: bool
    is_over: bool = False


def known_for(con: duckdb.DuckDBPyConnection, lake: Lake, found: Sequence[Finding]) -> dict[str, Stored]:
    """The findings of the lake that these may be: by fingerprint, or of the same detection around the same time."""
    if not found:
        return {}
    parameters = {
        "fingerprints": sorted({each.fingerprint for each in found}),
        "detections": sorted({each.id for each in found}),
        "begin": min(each.first_event_time for each in found),
        "end": max(each.last_event_time for each in found),
    }
    condition = (
        "fingerprint IN (SELECT unnest($fingerprints::VARCHAR[])) OR (detection IN (SELECT unnest("
        "$detections::VARCHAR[])) AND last_event_time >= $begin AND first_event_time <= $end)"
    )
    return {each.finding.fingerprint: each for each in stored_findings(con, lake, condition, parameters)}


def merged(
    found: Sequence[Finding],
    known: Mapping[str, Stored],
    *,
    exceptions: Mapping[str, str],
    hunt: str,
    again_after: timedelta,
    now: datetime,
) -> list[Change]:
    """
    What is new in what was found.

    Args:
        found: Findings of one run of the detections.
        known: See `known_for`.
        exceptions: Why a finding is excepted, by fingerprint.
        hunt: Name of the hunt.
        again_after: See `HuntSettings.alert_again_after`.
        now: The time.

    Returns:
        New findings and those that have grown.
    """
    here = {each.fingerprint for each in found}
    changes = []
    for each in found:
        before = known.get(each.fingerprint) or _same_events(each, known.values(), here)
        change = _change(each, before, exceptions.get(each.fingerprint), hunt, again_after, now)
        if change:
            changes.append(change)
    return changes


def ended(stored: Stored, reason: str, now: datetime, *, is_told: bool) -> Change:
    """A trouble that is over: the finding is closed, and whoever was told of it may be told so."""
    closed = replace(stored, status=CLOSED, reason=reason, status_at=now)
    return Change(closed, f"over:{iso(now)}" if is_told else None, is_new=False, reopened=False, is_over=True)


def rows_of(changes: Iterable[Change], *, round: str) -> list[Row]:
    """The rows of `findings` that say so."""
    return [_row(each, round) for each in changes]


def _change(
    found: Finding, before: Stored | None, exception: str | None, hunt: str, again_after: timedelta, now: datetime
) -> Change | None:
    events = _events(found)
    if before is None:
        stored = Stored(found, hunt, events, 1, OPEN, None, now, exception, None, None, now)
        return _told(stored, None if exception else "new", now, is_new=True)
    old = before.finding
    ids = _together(old.event_ids, found.event_ids)
    grown = replace(
        found,
        fingerprint=old.fingerprint,
        first_event_time=min(old.first_event_time, found.first_event_time),
        last_event_time=max(old.last_event_time, found.last_event_time),
        event_ids=ids,
        numbers=found.numbers if events >= before.events else old.numbers,
    )
    has_grown = (
        grown.last_event_time > old.last_event_time
        or max(events, len(ids)) > before.events
        or len(ids) > len(old.event_ids)
    )
    is_raised = before.alerted_severity is not None and found.severity > before.alerted_severity
    was_untold = before.alerted_at is None and not exception
    if not (has_grown or is_raised or was_untold or (exception and not before.exception)):
        return None
    alert = None
    quiet = grown.last_event_time - old.last_event_time
    if exception:
        alert = None
    elif was_untold:
        alert = "new"
    elif is_raised:
        alert = f"raised:{found.severity.name.lower()}"
    elif has_grown and (before.status == CLOSED or (before.status == OPEN and quiet >= again_after)):
        # Time and number: what is closed again and again is told again and again, each with a key of its own.
        alert = f"again:{iso(grown.last_event_time)},{max(events, len(ids))}"
    stored = replace(
        before,
        finding=grown,
        events=max(events, len(ids), before.events),
        times_seen=before.times_seen + 1,
        exception=exception,
        recorded_at=now,
    )
    return _told(stored, alert, now, is_new=False)


def _told(stored: Stored, alert: str | None, now: datetime, *, is_new: bool) -> Change:
    reopened = bool(alert) and stored.status == CLOSED
    if alert:
        severity = max(filter(None, (stored.alerted_severity, stored.finding.severity)))
        stored = replace(stored, alerted_at=stored.alerted_at or now, alerted_severity=severity)
    if reopened:
        stored = replace(stored, status=OPEN, reason="it was found again", status_at=now)
    return Change(stored, alert, is_new, reopened)


def _same_events(found: Finding, known: Collection[Stored], here: Collection[str]) -> Stored | None:
    """
    The finding this one is although its fingerprint differs: late events can change which event is the first.

    One that was found in the same run under its own fingerprint is another one.
    """
    ids = set(found.event_ids)
    for each in known:
        old = each.finding
        same = (old.id, old.account, old.actor) == (found.id, found.account, found.actor)
        if same and old.fingerprint not in here and (ids.intersection(old.event_ids) or _same_series(found, old)):
            return each
    return None


def _same_series(found: Finding, old: Finding) -> bool:
    """Whether two insights are about one API at one time; they name no events."""
    names = ("eventSource", "eventName", "errorCode")
    return (
        found.id.startswith("insights.")
        and found.region == old.region
        and all(found.numbers.get(name) == old.numbers.get(name) for name in names)
        and found.first_event_time <= old.last_event_time
        and old.first_event_time <= found.last_event_time
    )


def _events(found: Finding) -> int:
    calls = found.numbers.get("calls")
    return max(len(found.event_ids), calls if isinstance(calls, int) else 0)


def _together(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*old, *new)))[:_MOST_EVENT_IDS]


def _row(change: Change, round: str) -> Row:
    stored, finding = change.stored, change.stored.finding
    alert = change.alert.partition(":")[0] if change.alert else None
    if change.is_over:
        return {
            "fingerprint": finding.fingerprint,
            "recorded_at": stored.status_at,
            "hunt": stored.hunt,
            "round": round,
            "status": stored.status,
            "reason": stored.reason,
            "alert": alert,
        }
    return {
        "fingerprint": finding.fingerprint,
        "recorded_at": stored.recorded_at,
        "hunt": stored.hunt,
        "round": round,
        "status": OPEN if change.is_new or change.reopened else None,
        "reason": stored.reason if change.reopened else None,
        "times_seen": stored.times_seen,
        "detection": finding.id,
        "title": finding.title,
        "severity": finding.severity.name.lower(),
        "attack": json_text(list(finding.attack)),
        "first_event_time": finding.first_event_time,
        "last_event_time": finding.last_event_time,
        "events": stored.events,
        "account": finding.account,
        "region": finding.region,
        "actor": finding.actor,
        "source_ip": finding.source_ip,
        "event_ids": json_text(list(finding.event_ids)),
        "numbers": json_text(plain(finding.numbers)),
        "enrichment": json_text(plain(finding.enrichment)),
        "exception": stored.exception,
        "alert": alert,
        "alerted_at": stored.alerted_at,
        "alerted_severity": stored.alerted_severity.name.lower() if stored.alerted_severity else None,
    }
