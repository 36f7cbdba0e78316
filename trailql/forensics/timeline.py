"""Events in order, for reading: chosen, runs folded, with findings and insights where they belong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from trailql.errors import UsageError
from trailql.forensics.asking import told_in_words
from trailql.forensics.named import mentions
from trailql.forensics.start import CONDITIONS, kind_of, values_of
from trailql.forensics.subject import subjects_of
from trailql.lake.lake import open_lake_folder
from trailql.query.engine import OpenLake

FOLD = timedelta(minutes=5)
LIMIT = 1000
_MOST_IDS = 100
_MOST_SUBJECTS = 4


@dataclass(frozen=True, slots=True)
class Choice:
    """
    Which events to show: all that is given must be met, by one of the values of each.

    Args:
        principals: ARNs or names of users, roles, sessions.
        ips: Addresses or networks.
        keys: Access keys.
        sessions: ARNs or names of role sessions.
        resources: ARNs, ids or names that requests, answers or `resources` name.
        accounts, regions: As recorded.
        services: `iam` or `iam.amazonaws.com`.
    """

    principals: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """
    A finding or an insight on its way into a timeline.

    Args:
        kind: `finding` or `insight`.
        first, last: When it began and ended.
        id, title, severity: What it is.
        actor, account, region, source_ip: Where it says so.
        event_ids: Of the events behind it; it is shown with any of them.
        service, name: The API behind it, where it has no event ids.
    """

    kind: str
    first: datetime
    last: datetime
    id: str
    title: str
    severity: str
    actor: str | None = None
    account: str | None = None
    region: str | None = None
    source_ip: str | None = None
    event_ids: tuple[str, ...] = ()
    service: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """
    A line of a timeline.

    Args:
        kind: `event` (one, or a run of them), `finding` or `insight`.
        first, last: Times of the first and last event.
        calls, errors: How many events, and how many of them failed.
        actor: Who is behind it; see docs/glossary.md.
        principal: The caller's ARN, for a role with its session.
        access_keys: The keys used.
        account, regions, source_ip: Where.
        apis: `(service, name, calls)`, the most frequent first.
        error_codes: The errors, in order of the alphabet.
        is_read: All of them were `readOnly`.
        subjects: Names and ids in the requests, a few; `subjects_left` more are not shown.
        event_ids: A hundred at most.
        id, title, severity: Of a finding or insight.
    """

    kind: str
    first: datetime
    last: datetime
    calls: int = 1
    errors: int = 0
    actor: str | None = None
    principal: str | None = None
    access_keys: tuple[str, ...] = ()
    account: str | None = None
    regions: tuple[str, ...] = ()
    source_ip: str | None = None
    apis: tuple[tuple[str, str, int], ...] = ()
    error_codes: tuple[str, ...] = ()
    is_read: bool = False
    subjects: tuple[str, ...] = ()
    subjects_left: int = 0
    event_ids: tuple[str, ...] = ()
    id: str | None = None
    title: str | None = None
    severity: str | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """
    What `timeline_of` found.

    Args:
        entries: By time.
        events: How many events were chosen.
        left_out: Lines beyond the limit.
    """

    entries: tuple[Entry, ...]
    events: int
    left_out: int = 0


_CHOSEN = """
CREATE OR REPLACE TEMP TABLE chosen AS
SELECT
    eventTime, coalesce(eventID, '') AS eventID, actor(userIdentity) AS actor,
    coalesce(userIdentity.arn, userIdentity.principalId, userIdentity.invokedBy, '') AS principal,
    coalesce(userIdentity.accessKeyId, '') AS access_key,
    coalesce(recipientAccountId, userIdentity.accountId, '') AS account, coalesce(awsRegion, '') AS region,
    coalesce(sourceIPAddress, '') AS ip, coalesce(eventSource, '') AS service, coalesce(eventName, '') AS name,
    coalesce(errorCode, CASE WHEN eventName = 'ConsoleLogin' AND responseElements LIKE '%Failure%'
                             THEN coalesce(errorMessage, 'Failure') END, '') AS error,
    coalesce(readOnly, false) AS is_read, requestParameters AS request
FROM events
WHERE {which}
"""

_RUNS = """
WITH ordered AS (
    SELECT *, CASE WHEN is_read THEN '' ELSE service END AS run_service,
           CASE WHEN is_read THEN '' ELSE name END AS run_name, CASE WHEN is_read THEN '' ELSE error END AS run_error,
           CASE WHEN is_read THEN count(*) FILTER (NOT is_read) OVER whose ELSE 0 END AS changes_before
    FROM chosen
    WINDOW whose AS (PARTITION BY principal, account, ip ORDER BY eventTime, eventID)
),
marked AS (
    SELECT *, ($unfolded OR coalesce(eventTime - lag(eventTime) OVER alike > to_seconds($gap), true))::INT AS begins
    FROM ordered
    WINDOW alike AS (
        PARTITION BY principal, account, ip, is_read, run_service, run_name, run_error, changes_before
        ORDER BY eventTime, eventID
    )
),
runs AS (
    SELECT *, sum(begins) OVER (
        PARTITION BY principal, account, ip, is_read, run_service, run_name, run_error, changes_before
        ORDER BY eventTime, eventID
    ) AS run
    FROM marked
)
SELECT
    count(*) OVER () AS lines,
    min(eventTime) AS first, max(eventTime) AS last, count(*) AS calls, count(*) FILTER (error <> '') AS errors,
    any_value(actor) AS actor, principal, list_sort(list(DISTINCT access_key)) AS access_keys, account,
    list_sort(list(DISTINCT region)) AS regions, ip,
    map_entries(histogram({'s': service, 'n': name})) AS apis,
    list_sort(list(DISTINCT error)) AS errors_seen, is_read,
    list(request ORDER BY eventTime, eventID)[:200] AS requests,
    list(eventID ORDER BY eventTime, eventID)[:$ids] AS event_ids
FROM runs
GROUP BY principal, account, ip, is_read, run_service, run_name, run_error, changes_before, run
ORDER BY first, last, principal, ip, event_ids[1]
LIMIT $most
"""


def timeline_of(
    lake: str | Path,
    choice: Choice,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    marks: Sequence[Mark] = (),
    fold: timedelta = FOLD,
    unfolded: bool = False,
    limit: int = LIMIT,
) -> Timeline:
    """
    The chosen events in order.

    Calls of one API by one principal from one address become a line while no more than `fold` lies between two of
    them; so do all its reads, until it changes something.

    Args:
        lake: The lake's folder.
        choice: Which events.
        since, until: Events of `since <= eventTime < until`.
        marks: Findings and insights of that time; those with one of the chosen events are kept.
        fold: The longest pause within a line.
        unfolded: Every event a line.
        limit: Most lines; 0 for all.

    Raises:
        LakeError: No lake there.
        UsageError: An address is none.
    """
    which, values = conditions_of(choice)
    with OpenLake(open_lake_folder(lake), since, until) as opened, told_in_words(opened.lake.root):
        con = opened.connection
        con.execute(_CHOSEN.format(which=which), values or None)
        events = _count(con, "SELECT count(*) FROM chosen")
        asked = {"unfolded": unfolded, "gap": fold.total_seconds(), "ids": _MOST_IDS, "most": limit or None}
        found = con.sql(_RUNS, params=asked).to_arrow_table().to_pylist()
        entries = [_entry(row) for row in found] + [entry_of(mark) for mark in _of_chosen(con, marks)]
    entries.sort(key=lambda e: (e.first, e.kind != "event", e.last, e.principal or "", e.id or ""))
    kept = entries[:limit] if limit else entries
    lines = (found[0]["lines"] if found else 0) + len(entries) - len(found)
    return Timeline(tuple(kept), events, lines - len(kept))


def conditions_of(choice: Choice) -> tuple[str, dict[str, Any]]:
    """
    A choice as SQL and the values bound into it.

    Raises:
        UsageError: An address is none.
    """
    values: dict[str, Any] = {}
    every: list[str] = []
    name = CONDITIONS["name"].replace("userIdentity.sessionContext.sourceIdentity", "userIdentity.invokedBy")

    def either(given: Sequence[str], sql_of: Any) -> None:
        if given:
            every.append("(" + " OR ".join(sql_of(value) for value in given) + ")")

    def bound(sql: str, given: Mapping[str, Any]) -> str:
        for key, value in given.items():
            if f"${key}" not in sql:
                continue
            place = f"v{len(values)}"
            values[place] = value
            sql = sql.replace(f"${key}", f"${place}")
        return sql

    def of_principal(value: str) -> str:
        kind = kind_of(value)
        sql = CONDITIONS[kind] if kind in ("ARN", "root", "instance") else name
        return bound(sql, values_of(value, kind if kind in ("ARN", "root", "instance") else "name"))

    def of_ip(value: str) -> str:
        kind = kind_of(value)
        if kind not in ("address", "network") and "." not in value and value != "AWS Internal":
            raise UsageError(f"--ip {value!r} is no address", hint="--ip 203.0.113.66, or --ip 203.0.113.0/24")
        return bound(CONDITIONS["network" if kind == "network" else "address"], values_of(value, kind))

    def same(column: str) -> Any:
        return lambda value: bound(f"{column} = $given", {"given": value})

    either(choice.principals, of_principal)
    either(choice.ips, of_ip)
    either(choice.keys, same("userIdentity.accessKeyId"))
    either(
        choice.sessions,
        lambda value: bound(
            "(userIdentity.arn = $given OR ends_with(userIdentity.arn, '/' || $given))", {"given": value}
        ),
    )
    either(choice.resources, lambda value: bound(*mentions(value)))
    either(choice.accounts, same("coalesce(recipientAccountId, userIdentity.accountId)"))
    either(choice.regions, same("awsRegion"))
    either(
        choice.services,
        lambda value: bound("eventSource = $given", {"given": value if "." in value else f"{value}.amazonaws.com"}),
    )
    return " AND ".join(every) or "true", values


def _of_chosen(con: duckdb.DuckDBPyConnection, marks: Sequence[Mark]) -> list[Mark]:
    """The marks that belong to a chosen event."""
    ids = sorted({id for mark in marks for id in mark.event_ids})
    there = {
        id
        for (id,) in con.execute(
            "SELECT eventID FROM chosen WHERE eventID IN (SELECT unnest($ids))", {"ids": ids}
        ).fetchall()
    }
    rates = """
        SELECT count(*) FROM chosen WHERE service = $service AND name = $name AND account = $account
        AND region = $region AND eventTime >= $first AND eventTime <= $last
    """
    kept = []
    for mark in marks:
        if mark.event_ids:
            if there.intersection(mark.event_ids):
                kept.append(mark)
            continue
        asked = {"service": mark.service, "name": mark.name, "account": mark.account, "region": mark.region}
        if _count(con, rates, {**asked, "first": mark.first, "last": mark.last}):
            kept.append(mark)
    return kept


def entry_of(mark: Mark) -> Entry:
    """A finding or insight as a line."""
    return Entry(
        kind=mark.kind,
        first=mark.first,
        last=mark.last,
        calls=len(mark.event_ids),
        actor=mark.actor,
        account=mark.account,
        regions=(mark.region,) if mark.region else (),
        source_ip=mark.source_ip,
        event_ids=mark.event_ids[:_MOST_IDS],
        id=mark.id,
        title=mark.title,
        severity=mark.severity,
    )


def _entry(row: dict[str, Any]) -> Entry:
    is_one_api = len(row["apis"]) == 1
    subjects = subjects_of(row["requests"]) if is_one_api else ()
    apis = sorted(((e["key"]["s"], e["key"]["n"], e["value"]) for e in row["apis"]), key=lambda a: (-a[2], a[0], a[1]))
    return Entry(
        kind="event",
        first=row["first"],
        last=row["last"],
        calls=row["calls"],
        errors=row["errors"],
        actor=row["actor"],
        principal=row["principal"],
        access_keys=tuple(filter(None, row["access_keys"])),
        account=row["account"] or None,
        regions=tuple(filter(None, row["regions"])),
        source_ip=row["ip"] or None,
        apis=tuple(apis),
        error_codes=tuple(filter(None, row["errors_seen"])),
        is_read=row["is_read"],
        subjects=subjects[:_MOST_SUBJECTS],
        subjects_left=max(len(subjects) - _MOST_SUBJECTS, 0),
        event_ids=tuple(row["event_ids"]),
    )


def _count(con: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any] | None = None) -> int:
    return int(con.execute(sql, dict(values) if values else None).fetchall()[0][0])
