"""What somebody usually does, and what of it is new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from trailql.forensics.asking import told_in_words
from trailql.forensics.sessions import BEGINNING, END
from trailql.forensics.start import CONDITIONS, kind_of, values_of
from trailql.lake.lake import open_lake_folder
from trailql.query.engine import OpenLake

MOST = 1000
"""Values kept of each dimension; how many there are in all is counted."""

_NETWORK = """
CASE WHEN regexp_matches(ip, '^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$')
     THEN array_to_string(string_split(ip, '.')[1:2], '.') || '.0.0/16'
     WHEN ip LIKE '%:%' THEN array_to_string(string_split(ip, ':')[1:3], ':') || '::/48' ELSE ip END
"""
DIMENSIONS = {
    "APIs": "replace(service, '.amazonaws.com', '') || ':' || name",
    "Regions": "region",
    "networks": _NETWORK,
    "addresses": "ip",
    "user agents": "agent",
    "errors": "error",
    "accounts": "account",
    "access keys": "access_key",
    "principals": "principal",
}
"""Name and value, in SQL over the temporary table `chosen`."""

_CHOSEN = """
CREATE OR REPLACE TEMP TABLE chosen AS
SELECT eventTime, coalesce(eventSource, '') AS service, coalesce(eventName, '') AS name,
       coalesce(awsRegion, '') AS region, coalesce(sourceIPAddress, '') AS ip, coalesce(userAgent, '') AS agent,
       coalesce(errorCode, CASE WHEN eventName = 'ConsoleLogin' AND responseElements LIKE '%Failure%'
                                THEN coalesce(errorMessage, 'Failure') END, '') AS error,
       coalesce(recipientAccountId, userIdentity.accountId, '') AS account,
       coalesce(userIdentity.accessKeyId, '') AS access_key,
       coalesce(userIdentity.arn, userIdentity.principalId, '') AS principal,
       coalesce(readOnly, false) AS is_read, resources
FROM events
WHERE {which} AND eventTime < $until
"""

_TOTALS = """
SELECT count(*) FILTER (eventTime >= $since) AS calls, count(*) FILTER (eventTime < $since) AS before,
       min(eventTime) FILTER (eventTime >= $since) AS first, max(eventTime) FILTER (eventTime >= $since) AS last,
       min(eventTime) AS first_ever,
       count(*) FILTER (eventTime >= $since AND error <> '') AS errors,
       count(*) FILTER (eventTime < $since AND error <> '') AS errors_before,
       count(*) FILTER (eventTime >= $since AND NOT is_read) AS changes
FROM chosen
"""

_SHARES = """
SELECT value, calls, before, first, last, count(*) OVER () AS values_in_all,
       count(*) FILTER (before = 0) OVER () AS new_in_all
FROM (
    SELECT {value} AS value, count(*) FILTER (eventTime >= $since) AS calls,
           count(*) FILTER (eventTime < $since) AS before, min(eventTime) AS first, max(eventTime) AS last
    FROM chosen GROUP BY value
)
WHERE value <> '' AND calls > 0
ORDER BY before = 0 DESC, calls DESC, value
LIMIT {most}
"""

_RESOURCES = """
SELECT value, calls, before, first, last, count(*) OVER () AS values_in_all,
       count(*) FILTER (before = 0) OVER () AS new_in_all
FROM (
    SELECT value, count(*) FILTER (eventTime >= $since) AS calls, count(*) FILTER (eventTime < $since) AS before,
           min(eventTime) AS first, max(eventTime) AS last
    FROM (
        SELECT eventTime, unnest(json_extract_string(resources, '$[*].ARN')) AS value
        FROM (SELECT eventTime, CASE WHEN json_valid(resources) THEN resources END AS resources FROM chosen)
        WHERE resources IS NOT NULL
    )
    GROUP BY value
)
WHERE value <> '' AND calls > 0
ORDER BY before = 0 DESC, calls DESC, value
LIMIT {most}
"""

_HOURS = """
SELECT hour(eventTime AT TIME ZONE $zone) AS hour, count(*) FILTER (eventTime >= $since) AS calls,
       count(*) FILTER (eventTime < $since) AS before
FROM chosen GROUP BY hour ORDER BY hour
"""


@dataclass(frozen=True, slots=True)
class Share:
    """
    One value of a dimension.

    Args:
        value: Such as `iam:CreateAccessKey`, or `203.0.0.0/16`.
        calls: In the window.
        before: Before it.
        first, last: First and last time ever, up to the window's end.
    """

    value: str
    calls: int
    before: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Dimension:
    """
    How calls divide.

    Args:
        name: One of `DIMENSIONS`, or `resources`.
        shares: New ones first, then the most frequent.
        count: How many values there are in the window; a thousand are kept.
        new: How many of them were never seen before the window.
    """

    name: str
    shares: tuple[Share, ...]
    count: int
    new: int


@dataclass(frozen=True, slots=True)
class Profile:
    """
    What `profile_of` found.

    Args:
        asked, kind: What was asked for, and what that was taken for.
        since, until: The window; None where it is open.
        first, last: Of its events; None without any.
        first_ever: Of all events up to the window's end.
        calls, changes, errors: In the window.
        before, errors_before: Before it.
        dimensions: Without `resources` where no event names any.
        hours, hours_before: Calls by hour of the day, 24 numbers.
    """

    asked: str
    kind: str
    since: datetime | None
    until: datetime | None
    first: datetime | None
    last: datetime | None
    first_ever: datetime | None
    calls: int
    changes: int
    errors: int
    before: int
    errors_before: int
    dimensions: tuple[Dimension, ...]
    hours: tuple[int, ...]
    hours_before: tuple[int, ...]

    @property
    def has_past(self) -> bool:
        """Whether there is anything to call new."""
        return self.before > 0


def profile_of(
    lake: str | Path,
    asked: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    zone: str = "UTC",
) -> Profile:
    """
    Sum up what somebody did in a window, and compare it with all that came before.

    Args:
        lake: The lake's folder.
        asked: A principal's ARN or name, an access key, an address or network, an instance id.
        since, until: The window; without `since` there is nothing before it.
        zone: Time zone of the hours of the day.

    Raises:
        LakeError: No lake there.
        UsageError: Nothing was asked for.
    """
    kind = kind_of(asked)
    window = {"since": since or BEGINNING}
    with OpenLake(open_lake_folder(lake), None, until) as opened, told_in_words(opened.lake.root):
        con = opened.connection
        con.execute(_CHOSEN.format(which=CONDITIONS[kind]), {**values_of(asked, kind), "until": until or END})
        (totals,) = _dicts(con, _TOTALS, window)
        dimensions = [
            _dimension(name, _dicts(con, _SHARES.format(value=value, most=MOST), window))
            for name, value in DIMENSIONS.items()
        ]
        dimensions.append(_dimension("resources", _dicts(con, _RESOURCES.format(most=MOST), window)))
        by_hour = {row["hour"]: row for row in _dicts(con, _HOURS, {**window, "zone": zone})}
    return Profile(
        asked=asked,
        kind=kind,
        since=since,
        until=until,
        dimensions=tuple(each for each in dimensions if each.count),
        hours=tuple(by_hour.get(hour, {}).get("calls", 0) for hour in range(24)),
        hours_before=tuple(by_hour.get(hour, {}).get("before", 0) for hour in range(24)),
        **totals,
    )


def _dimension(name: str, rows: list[dict[str, Any]]) -> Dimension:
    count, new = (rows[0]["values_in_all"], rows[0]["new_in_all"]) if rows else (0, 0)
    shares = tuple(Share(row["value"], row["calls"], row["before"], row["first"], row["last"]) for row in rows)
    return Dimension(name, shares, count, new)


def _dicts(con: duckdb.DuckDBPyConnection, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = con.sql(sql, params=values).to_arrow_table().to_pylist()
    return found
