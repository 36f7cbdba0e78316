"""Findings as they stand in the lake, and the status that people give them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from trailql.detect.finding import Finding, Severity
from trailql.errors import UsageError
from trailql.hunt.state import Row, append, utc
from trailql.lake.lake import Lake
from trailql.lake.parquet import rows_sql
from trailql.lake.session import working_connection
from trailql.lake.writer import writing

OPEN, ACKNOWLEDGED, CLOSED = "open", "acknowledged", "closed"
STATUSES = (OPEN, ACKNOWLEDGED, CLOSED)
_SHORTEST_PREFIX = 4


@dataclass(frozen=True, slots=True)
class Stored:
    """
    A finding of the lake as it stands.

    Args:
        finding: Its content.
        hunt: Which hunt found it.
        events: Events behind it.
        times_seen: Rounds that saw it grow, the first included.
        status, reason, status_at: `open`, `acknowledged` or `closed`, why, and since when.
        exception: Why trailql.toml excepts it.
        alerted_at, alerted_severity: When it was told first, and with which severity at most.
        recorded_at: When it grew last.
    """

    finding: Finding
    hunt: str
    events: int
    times_seen: int
    status: str
    reason: str | None
    status_at: datetime | None
    exception: str | None
    alerted_at: datetime | None
    alerted_severity: Severity | None
    recorded_at: datetime


_STORED = """
WITH told AS ({rows}),
wanted AS (SELECT DISTINCT fingerprint FROM told WHERE {condition}),
content AS (
    SELECT fingerprint, max_by(told, (times_seen, recorded_at)) AS newest
    FROM told SEMI JOIN wanted USING (fingerprint) WHERE times_seen IS NOT NULL GROUP BY fingerprint
),
state AS (
    SELECT fingerprint, max_by({{'status': status, 'reason': reason, 'at': recorded_at}}, recorded_at) AS newest
    FROM told SEMI JOIN wanted USING (fingerprint) WHERE status IS NOT NULL GROUP BY fingerprint
)
SELECT unnest(content.newest), state.newest.status AS now_status, state.newest.reason AS now_reason,
       state.newest.at AS now_at
FROM content LEFT JOIN state USING (fingerprint)
"""


def stored_findings(
    con: duckdb.DuckDBPyConnection, lake: Lake, condition: str = "true", parameters: Mapping[str, Any] | None = None
) -> list[Stored]:
    """
    Findings of the lake, the latest first.

    Args:
        con: A connection that may read the lake.
        lake: The lake.
        condition: SQL over the columns of `findings`; a finding is given when one of its rows meets it.
        parameters: Of the condition.
    """
    snapshot = lake.snapshot("findings")
    if not snapshot.parts:
        return []
    table = con.sql(_STORED.format(rows=rows_sql(snapshot), condition=condition), params=dict(parameters or {}))
    found = [_stored(row) for row in table.to_arrow_table().to_pylist()]
    return sorted(found, key=lambda each: (each.finding.last_event_time, each.finding.fingerprint), reverse=True)


_OPEN = """
WITH told AS ({rows}),
content AS (
    SELECT fingerprint, max_by({{'severity': severity, 'exception': exception}}, (times_seen, recorded_at)) AS newest
    FROM told WHERE times_seen IS NOT NULL GROUP BY fingerprint
),
state AS (
    SELECT fingerprint, max_by(status, recorded_at) AS status FROM told WHERE status IS NOT NULL GROUP BY fingerprint
)
SELECT newest.severity, count(*) FROM content LEFT JOIN state USING (fingerprint)
WHERE newest.exception IS NULL AND coalesce(status, 'open') = 'open' GROUP BY ALL
"""


def count_open(con: duckdb.DuckDBPyConnection, lake: Lake) -> dict[str, int]:
    """How many findings are open and not excepted, by severity."""
    snapshot = lake.snapshot("findings")
    return dict(con.execute(_OPEN.format(rows=rows_sql(snapshot))).fetchall()) if snapshot.parts else {}


def find_by_prefix(con: duckdb.DuckDBPyConnection, lake: Lake, prefix: str) -> Stored:
    """
    The finding whose fingerprint begins so.

    Raises:
        UsageError: None does, or several do.
    """
    text = prefix.strip().lower()
    if len(text) < _SHORTEST_PREFIX or not all(each in "0123456789abcdef" for each in text):
        raise UsageError(f"{prefix!r} is no fingerprint", hint="trailql findings list")
    found = stored_findings(con, lake, "starts_with(fingerprint, $prefix)", {"prefix": text})
    if not found:
        raise UsageError(f"no finding's fingerprint begins with {text}", at=lake.root, hint="trailql findings list")
    if len(found) > 1:
        raise UsageError(f"{len(found)} findings begin with {text}", at=lake.root, hint="give more of its digits")
    return found[0]


def set_status(
    lake: Lake, prefixes: Sequence[str], status: str, reason: str, now: datetime
) -> list[tuple[Stored, str]]:
    """
    Change the status of findings.

    Args:
        lake: The lake.
        prefixes: Beginnings of fingerprints.
        status: `open`, `acknowledged` or `closed`.
        reason: Why.
        now: The time.

    Returns:
        The findings, and the status they had.

    Raises:
        UsageError: A fingerprint that is none; nothing is changed then.
    """
    if not reason.strip():
        raise UsageError("a reason is needed: whoever looks next wants to know", hint='--reason "the bastion\'s group"')
    with writing(lake) as writer, working_connection(lake) as con:
        found = {each.finding.fingerprint: each for each in (find_by_prefix(con, lake, prefix) for prefix in prefixes)}
        rows = [
            {"fingerprint": fingerprint, "recorded_at": now, "status": status, "reason": reason.strip()}
            for fingerprint, each in found.items()
        ]
        append(lake, writer, "findings", rows)
    return [(each, each.status) for each in found.values()]


def _stored(row: Row) -> Stored:
    row = {name: utc(value) for name, value in row.items()}
    finding = Finding(
        id=row["detection"],
        title=row["title"],
        severity=Severity.read(row["severity"]),
        attack=tuple(json.loads(row["attack"] or "[]")),
        first_event_time=row["first_event_time"],
        last_event_time=row["last_event_time"],
        account=row["account"],
        region=row["region"],
        actor=row["actor"],
        source_ip=row["source_ip"],
        event_ids=tuple(json.loads(row["event_ids"] or "[]")),
        numbers=json.loads(row["numbers"] or "{}"),
        fingerprint=row["fingerprint"],
        enrichment=json.loads(row["enrichment"] or "{}"),
    )
    return Stored(
        finding=finding,
        hunt=row["hunt"] or "",
        events=row["events"] or 0,
        times_seen=row["times_seen"],
        status=row["now_status"] or OPEN,
        reason=row["now_reason"],
        status_at=row["now_at"],
        exception=row["exception"],
        alerted_at=row["alerted_at"],
        alerted_severity=Severity.read(row["alerted_severity"]) if row["alerted_severity"] else None,
        recorded_at=row["recorded_at"],
    )
