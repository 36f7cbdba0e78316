"""
Alerts on their way: committed before they are sent, tried until they are taken, each once as far as that can be.

A sink that is down delays its own alerts: each sink has a thread, and after a failure that is not about one alert it
is left alone for the round. Between an alert's delivery and the commit that says so lies a moment in which a crash
makes it come twice, with the same key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import random
from typing import Any

import duckdb

from trailql.detect.finding import Severity
from trailql.errors import SinkError, SourceError, UsageError
from trailql.hunt.config import HuntSettings, SinkSettings
from trailql.hunt.findings import Change
from trailql.hunt.flood import summed_up
from trailql.hunt.state import Row, append
from trailql.lake.lake import Lake
from trailql.lake.parquet import rows_sql
from trailql.lake.writer import Writer
from trailql.report.findings import FINDING_COLUMNS, finding_rows
from trailql.report.rows import Format
from trailql.report.text import plain
from trailql.sinks.alert import Alert, alert_key, alert_of, as_json, next_step
from trailql.sinks.kinds import KINDS

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
_SECONDS_A_ROUND = 60.0
_SECOND_TRY_SECONDS = 1.0
_COMMIT_EVERY = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert that no sent row speaks of, how often it was tried, and its severity."""

    alert: Alert
    sink: str
    attempts: int
    severity: Severity
    fingerprint: str
    reason: str


@dataclass(slots=True)
class Delivered:
    """What became of a round's deliveries: alerts sent, and left, by sink; what the sinks said."""

    sent: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def queue_rows(
    changes: Sequence[Change],
    settings: HuntSettings,
    said: Mapping[str, Mapping[str, str]],
    *,
    round: str,
    now: datetime,
    heard: Mapping[str, frozenset[str]],
) -> list[Row]:
    """
    Rows of `outbox` for what is to be told, for each sink that wants to hear of it.

    Args:
        changes: Findings that are new, have grown, or are over.
        settings: The hunt.
        said: By detection, what its header says: `description`, `false positives`, `source`.
        round, now: Which round, and the time.
        heard: Of findings that are over, which sinks were told of them; see `sinks_told`.
    """
    rows = []
    for sink in settings.sinks:
        alerts = [
            _alert(change, settings, sink.name, said, now)
            for change in changes
            if change.alert is not None and _wants(sink, change, heard)
        ]
        if KINDS[sink.kind].is_for_people:
            alerts = summed_up(alerts, settings, sink.name, round=round, now=now)
        rows += [_queued(each, sink.name, settings.name, round, now) for each in alerts]
    return rows


def sinks_told(
    con: duckdb.DuckDBPyConnection, lake: Lake, hunt: str, fingerprints: Sequence[str]
) -> dict[str, frozenset[str]]:
    """Which sinks alerts of findings went to, as far as the outbox remembers."""
    snapshot = lake.snapshot("outbox")
    if not fingerprints or not snapshot.parts:
        return {}
    asked = con.execute(
        f"SELECT fingerprint, list(DISTINCT sink) FROM ({rows_sql(snapshot)}) WHERE hunt = $hunt AND fingerprint IN "
        "(SELECT unnest($fingerprints::VARCHAR[])) GROUP BY fingerprint",
        {"hunt": hunt, "fingerprints": list(fingerprints)},
    )
    return {fingerprint: frozenset(sinks) for fingerprint, sinks in asked.fetchall()}


def _wants(sink: SinkSettings, change: Change, heard: Mapping[str, frozenset[str]]) -> bool:
    finding = change.stored.finding
    if change.is_over and finding.fingerprint in heard:
        return sink.name in heard[finding.fingerprint]
    return finding.severity >= sink.min_severity


def _alert(
    change: Change, settings: HuntSettings, sink: str, said: Mapping[str, Mapping[str, str]], now: datetime
) -> Alert:
    finding = change.stored.finding
    key = alert_key(finding.fingerprint, sink, change.alert or "")
    return Alert(key, _told(change, settings, said.get(finding.id, {}), key, now))


def _queued(alert: Alert, sink: str, hunt: str, round: str, now: datetime) -> Row:
    return {
        "key": alert.key,
        "sink": sink,
        "fingerprint": alert.fingerprint,
        "reason": alert.told["reason"],
        "severity": alert.severity.name.lower(),
        "state": "queued",
        "attempts": 0,
        "recorded_at": now,
        "next_at": now,
        "alert": as_json(alert),
        "hunt": hunt,
        "round": round,
    }


_WAITING = """
WITH told AS ({rows}),
alerts AS (
    SELECT key, bool_or(state = 'sent') AS is_sent, max(attempts) AS attempts,
           max_by(next_at, (attempts, recorded_at)) AS next_at, any_value(alert) AS alert, any_value(sink) AS sink,
           any_value(severity) AS severity, any_value(fingerprint) AS fingerprint, any_value(reason) AS reason,
           min(recorded_at) AS queued_at
    FROM told WHERE hunt = $hunt GROUP BY key
)
SELECT sink, alert, attempts, severity, fingerprint, reason, next_at <= $now AS is_due
FROM alerts WHERE NOT is_sent AND alert IS NOT NULL ORDER BY queued_at, key
"""


def waiting(
    con: duckdb.DuckDBPyConnection, lake: Lake, hunt: str, now: datetime
) -> tuple[list[Waiting], dict[str, int]]:
    """The alerts to be tried now, the most severe first; and how many there are in all, by sink."""
    snapshot = lake.snapshot("outbox")
    if not snapshot.parts:
        return [], {}
    asked = con.execute(_WAITING.format(rows=rows_sql(snapshot)), {"hunt": hunt, "now": now}).fetchall()
    left: dict[str, int] = {}
    due = []
    for sink, alert, attempts, severity, fingerprint, reason, is_due in asked:
        left[sink] = left.get(sink, 0) + 1
        if is_due:
            due.append(Waiting(alert_of(alert), sink, attempts, Severity.read(severity), fingerprint, reason))
    return sorted(due, key=lambda each: -each.severity), left


def deliver(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    writer: Writer,
    settings: HuntSettings,
    clock: Callable[[], datetime],
    *,
    round: str,
) -> Delivered:
    """Send what is due; what does not get through stays, and is tried again in growing pauses."""
    due, left = waiting(con, lake, settings.name, clock())
    done = Delivered(left=dict(left))
    sinks = {sink.name: sink for sink in settings.sinks}
    for name in left:
        if name not in sinks:
            done.errors[name] = "there is no such sink any more; its alerts wait"
    groups = {name: [each for each in due if each.sink == name] for name in sinks}
    groups = {name: group for name, group in groups.items() if group}
    if not groups:
        return done
    with ThreadPoolExecutor(len(groups), thread_name_prefix="trailql-sink") as pool:
        # In slices, so that a crash forgets few deliveries; slices of one sink follow each other.
        runs = {pool.submit(_Run(sinks[name], group, clock).slice): name for name, group in groups.items()}
        running = {name: future for future, name in runs.items()}
        while running:
            future = next(iter(as_completed(running.values())))
            name = next(name for name, each in running.items() if each is future)
            del running[name]
            run, outcomes = future.result()
            append(lake, writer, "outbox", [_outcome(each, settings.name, round, clock()) for each in outcomes])
            sent = sum(error is None for _, error in outcomes)
            done.sent[name] = done.sent.get(name, 0) + sent
            done.left[name] = done.left.get(name, 0) - sent
            for _, error in outcomes:
                if error is not None:
                    done.errors[name] = str(error)
            if run.is_going_on:
                running[name] = pool.submit(run.slice)
    done.left = {name: count for name, count in done.left.items() if count}
    return done


_Outcome = tuple[Waiting, SinkError | None]


class _Run:
    """One sink's deliveries in one round."""

    def __init__(self, sink: SinkSettings, alerts: Sequence[Waiting], clock: Callable[[], datetime]) -> None:
        self._settings = sink
        self._alerts = list(alerts)
        self._ends_at = time.monotonic() + _SECONDS_A_ROUND
        self.is_going_on = True

    def slice(self) -> tuple[_Run, list[_Outcome]]:
        outcomes: list[_Outcome] = []
        sink = KINDS[self._settings.kind].make(self._settings.name, self._settings.values)
        try:
            while self._alerts and len(outcomes) < _COMMIT_EVERY and time.monotonic() < self._ends_at:
                each = self._alerts.pop(0)
                error = self._sent(sink, each.alert)
                outcomes.append((each, error))
                if error and not error.is_alert:
                    self._alerts.clear()  # they keep their turn, and are tried with the next round that is due
        finally:
            sink.close()
        self.is_going_on = bool(self._alerts) and time.monotonic() < self._ends_at
        return self, outcomes

    def _sent(self, sink: Any, alert: Alert) -> SinkError | None:
        for attempt in range(2):
            try:
                sink.send(alert)
                return None
            except (SinkError, SourceError, UsageError) as error:
                found = error if isinstance(error, SinkError) else SinkError(str(error), at=self._settings.name)
            except Exception as error:  # a sink's bug must not stop the others
                found = SinkError(f"failed: {type(error).__name__}", at=self._settings.name)
            if found.is_alert or found.retry_after:
                break
            if not attempt:
                time.sleep(_SECOND_TRY_SECONDS * (0.5 + random()))  # noqa: S311
        return found


def _outcome(outcome: _Outcome, hunt: str, round: str, now: datetime) -> Row:
    each, error = outcome
    attempts = each.attempts + 1
    row = {
        "key": each.alert.key,
        "sink": each.sink,
        "fingerprint": each.fingerprint,
        "reason": each.reason,
        "severity": each.severity.name.lower(),
        "state": "sent" if error is None else "failed",
        "attempts": attempts,
        "recorded_at": now,
        "hunt": hunt,
        "round": round,
    }
    if error is not None:
        row |= {"next_at": now + pause(attempts, error.retry_after), "error": error.message}
    return row


def pause(attempts: int, asked: float | None = None) -> timedelta:
    """How long a sink is left alone with an alert it did not take: from a minute to six hours, half of it by chance."""
    usual: timedelta = min(_FIRST_PAUSE * 2 ** min(attempts - 1, 20), _LONGEST_PAUSE)
    return max(usual * (0.5 + random() / 2), timedelta(seconds=min(asked or 0, 86400)))  # noqa: S311


def _told(change: Change, settings: HuntSettings, said: Mapping[str, str], key: str, now: datetime) -> dict[str, Any]:
    stored = change.stored
    names, [row] = finding_rows([stored.finding], Format.JSONL)
    assert tuple(names) == FINDING_COLUMNS
    told = {name: plain(value) for name, value in zip(names, row, strict=True)}
    for name in ("first_event_time", "last_event_time"):
        told[name] = getattr(stored.finding, name).isoformat()
    return {
        **told,
        "key": key,
        "reason": change.alert,
        "hunt": settings.name,
        "status": stored.status,
        "events": stored.events,
        "times_seen": stored.times_seen,
        "found_at": now.isoformat(),
        "description": said.get("description", ""),
        "false_positives": said.get("false positives", ""),
        "source": said.get("source", ""),
        "lake": settings.lake,
        "next_step": next_step(stored.finding.fingerprint, settings.lake),
    }
