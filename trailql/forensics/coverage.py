"""
Where the logs have holes: what was delivered per account, Region and day, and which silences want an explanation.

Deliveries come from the ledger; `trailql.forensics.silences` says which silences chance does not explain. An hour also
counts as heard when the lake holds events of its first 45 minutes: they came late, or in files whose names tell no
delivery minute, but they came.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StopLogging.html
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from trailql.errors import UsageError, some_of
from trailql.forensics.silences import (
    LEAST_DAYS_HEARD,
    LEAST_HOURS_AROUND,
    REACH_DAYS,
    STEADY,
    add_long_silence,
    make_gaps,
)
from trailql.forensics.trail_changes import AFTER, BEFORE, TrailChange, changes_near, trail_changes
from trailql.lake.lake import Lake
from trailql.lake.parquet import sql_text
from trailql.query.engine import OpenLake, window
from trailql.sources.keys import EVENT_FOLDERS

LOOKBACK = timedelta(days=REACH_DAYS)
"""How far before `since` the events of an opened lake should be seen."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Gap:
    """
    A silence that chance does not explain.

    Args:
        account: None when nothing at all was delivered: most likely not ingested.
        region: None when nothing was delivered from any Region of the account.
        since, until: From the first to after the last hour without a delivery; full hours, UTC.
        hours: How many of them count: those in which others were heard, all for a whole lake's silence.
        heard_share: In which share of the hours of four weeks before and after there were deliveries, 0 to 1.
        basis: `hours` or `days`, see `trailql.forensics.silences`; `length` for a lake that was silent for four weeks
            or always, whatever its habits.
        chance: How many such silences chance would bring, in the whole lake; None by `length`.
        last_delivery: The last one before; None where it is not known.
        next_delivery: The first one after.
        ongoing: It lasts to the end of the time looked at.
        digest_files: Digest files CloudTrail delivered meanwhile: logging was on, the log files are missing or empty.
        changes: Changes to trails that may explain it, those of the account first.
    """

    account: str | None
    region: str | None
    since: datetime
    until: datetime
    hours: int
    heard_share: float
    basis: str
    chance: float | None
    last_delivery: datetime | None
    next_delivery: datetime | None
    ongoing: bool
    digest_files: int
    changes: tuple[TrailChange, ...]

    @property
    def scope(self) -> str:
        """`lake`, `account` or `region`."""
        if self.account is None:
            return "lake"
        return "account" if self.region is None else "region"

    @property
    def is_explained(self) -> bool:
        """Whether the account itself (anyone, for the lake) turned logging off or changed it."""
        return any(change.same_account and change.name != "StartLogging" for change in self.changes)


@dataclass(frozen=True, slots=True)
class Coverage:
    """
    What was delivered and what was not.

    Args:
        since, until: The time looked at; None for a lake without a single time.
        gaps: The largest first.
        regions: A row per account and Region: account, region (null where names do not tell), days, files, bytes,
            events, first_delivery, last_delivery, rejected, gap_hours, judged (`by hour`, `by day` or `too few`).
        days: A row per account, Region and day: account, region, day (null where nothing tells), files, bytes, events,
            first_delivery, last_delivery, rejected, hours_delivered, gap_hours.
        never_delivered: By account, the Regions that others deliver from and it never did.
        changes: All changes to trails in that time, in order of time; those of other accounts as well.
        undated_files: Files whose names tell no delivery minute, among `files`.
    """

    since: datetime | None
    until: datetime | None
    gaps: tuple[Gap, ...]
    regions: pa.Table
    days: pa.Table
    never_delivered: dict[str, tuple[str, ...]]
    changes: tuple[TrailChange, ...]
    undated_files: int

    @property
    def is_complete(self) -> bool:
        """Whether there was something to look at, and no hole in it."""
        return self.since is not None and not self.gaps

    def total(self, column: str) -> int:
        """The sum of one of the numbers of `regions`."""
        return sum(value or 0 for value in self.regions.column(column).to_pylist())


def open_for_coverage(lake: Lake, since: datetime | None = None, until: datetime | None = None) -> OpenLake:
    """
    Open a lake with the events that `find_coverage` wants to see.

    Habits are those of the weeks before a silence: where the whole lake has been silent since before `since`, these
    lie further back.
    """
    end = until and until + _HOUR
    opened = OpenLake(lake, window(since, LOOKBACK), end)
    if since is None:
        return opened
    last = _instant(opened.connection.execute(_LAST_HEARD, {"until": until}).fetchall()[0][0])
    if last is None or last >= since:
        return opened
    opened.close()
    return OpenLake(lake, last - LOOKBACK, end)


def find_coverage(
    opened: OpenLake,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    accounts: Collection[str] = (),
    regions: Collection[str] = (),
    least_hours: int = 3,
    chance: float = 0.001,
    now: datetime | None = None,
) -> Coverage:
    """
    Look for holes.

    Args:
        opened: The lake, from `open_for_coverage` or with all of its events.
        since: Where to begin; the first delivery when absent.
        until: Where to end; when absent, now if `since` is given, else the last delivery. The hour it lies in is not
            judged.
        accounts, regions: Report these only. All are compared with.
        least_hours: Leave shorter silences alone.
        chance: How many silences may be reported that are chance, in the whole lake.
        now: For tests.

    Raises:
        UsageError: An account or Region that the lake holds nothing of, although it holds others.
    """
    # A cursor of its own: temporary tables are gone with it.
    con = opened.connection.cursor()
    try:
        _make_deliveries(con, since, until)
        begin, end = _window(con, since, until, now or datetime.now(UTC))
        if begin is None or end is None:
            con.execute("CREATE TEMP TABLE heard (account VARCHAR, region VARCHAR, hour BIGINT)")
        else:
            _make_heard(con, _hour(_quiet_since(con, begin, end) - LOOKBACK) if since else _hour(begin), _hour(end))
        _refuse_strangers(con, accounts, regions)
        make_gaps(con, end_hour=_hour(end) if end else 0, least_hours=least_hours, chance=chance)
        if begin is not None and end is not None:
            add_long_silence(con, begin_hour=_hour(begin), end_hour=_hour(end), least_hours=least_hours)
        con.execute("DELETE FROM gap WHERE until_hour <= $begin", {"begin": _hour(begin) if begin else 0})
        con.execute(_GAP_DAYS, {"begin": _hour(begin) if begin else 0})
        chosen = _chosen(accounts, regions)
        return Coverage(
            since=begin,
            until=end,
            gaps=_gaps(con, opened, f"level = 'lake' OR {_chosen(accounts, regions, or_all_regions=True)}"),
            regions=_table(con, _REGIONS.format(chosen=chosen)),
            days=_table(con, _DAYS.format(chosen=chosen)),
            never_delivered=_never_delivered(con, chosen),
            changes=_changes(opened, begin, end, accounts),
            undated_files=_one(
                con, f"SELECT coalesce(sum(undated), 0)::BIGINT FROM delivery WHERE in_window AND {chosen}"
            ),
        )
    finally:
        con.close()


def _possible(time: str) -> str:
    """SQL: whether CloudTrail can have written that time; the hours up to the year 9999 would fill the memory."""
    return f"({time} >= TIMESTAMPTZ '2013-01-01 00:00:00+00' AND {time} < TIMESTAMPTZ '2100-01-01 00:00:00+00')"


_EVENT_FOLDERS = ", ".join(map(sql_text, sorted(EVENT_FOLDERS)))

# A URI has a row for each time it was read: what it is now says the newest, what it brought say all together.
_DELIVERIES = f"""
CREATE TEMP TABLE delivery AS
WITH file AS (
    SELECT max_by({{
               'account': account, 'region': region, 'bytes': size_bytes, 'status': status,
               'at': CASE WHEN {_possible("delivered_at")} THEN delivered_at END,
               'last': CASE WHEN {_possible("last_event_time")} THEN last_event_time END
           }}, coalesce(ingested_at, TIMESTAMPTZ '1970-01-01 00:00:00+00')) AS newest,
           sum(rows_added) AS events
    FROM files
    WHERE (folder IS NULL OR folder IN ({_EVENT_FOLDERS})) AND status <> 'skipped'
    GROUP BY uri
)
SELECT newest.account, newest.region, epoch_us(coalesce(newest.at, newest.last)) // 3600000000 AS hour,
       coalesce(coalesce(newest.at, newest.last) >= $since::TIMESTAMPTZ, $since IS NULL)
           AND coalesce(coalesce(newest.at, newest.last) < $until::TIMESTAMPTZ, $until IS NULL) AS in_window,
       count(*) AS files, sum(newest.bytes)::BIGINT AS bytes, sum(events)::BIGINT AS events,
       min(newest.at) AS first_at, max(newest.at) AS last_at,
       count(*) FILTER (WHERE newest.status = 'rejected') AS rejected,
       count(*) FILTER (WHERE newest.at IS NULL) AS undated
FROM file
GROUP BY ALL
"""

_LAST_HEARD = f"""
SELECT epoch_us(max(coalesce(delivered_at, last_event_time)))
FROM files
WHERE (folder IS NULL OR folder IN ({_EVENT_FOLDERS})) AND status <> 'skipped'
    AND {_possible("coalesce(delivered_at, last_event_time)")}
    AND coalesce(coalesce(delivered_at, last_event_time) < $until::TIMESTAMPTZ, $until IS NULL)
"""

_ENDS = f"""
SELECT epoch_us(min(first_at)), epoch_us(max(last_at)), NULL, NULL FROM delivery
UNION ALL
SELECT NULL, NULL, epoch_us(min(eventTime)), epoch_us(max(eventTime)) FROM events
WHERE {_possible("eventTime")}
"""

_HEARD = f"""
CREATE TEMP TABLE heard AS
SELECT account, region, hour, min(first_at) AS first_at, max(last_at) AS last_at
FROM (
    SELECT account, region, hour, first_at, last_at FROM delivery WHERE first_at IS NOT NULL
    UNION ALL BY NAME
    SELECT DISTINCT recipientAccountId AS account, awsRegion AS region, epoch_us(eventTime) // 3600000000 AS hour
    FROM events
    WHERE epoch_us(eventTime) % 3600000000 < 2700000000 AND {_possible("eventTime")}
)
WHERE account IS NOT NULL AND region IS NOT NULL AND hour >= $begin AND hour < $end
GROUP BY account, region, hour
"""

_GAP_DAYS = """
CREATE TEMP TABLE gap_day AS
WITH gap_region AS (
    SELECT account, region, from_hour, until_hour FROM gap WHERE level = 'region'
    UNION ALL
    SELECT account, series.region, from_hour, until_hour
    FROM gap JOIN (SELECT DISTINCT account, region FROM heard) AS series USING (account) WHERE level = 'account'
),
hourly AS (
    SELECT account, region, unnest(range(greatest(from_hour, $begin), until_hour)) // 24 AS day FROM gap_region
)
SELECT account, region, day, count(*) AS gap_hours FROM hourly GROUP BY ALL
"""

_DAYS = """
WITH daily AS (
    SELECT account, region, hour // 24 AS day, sum(files)::BIGINT AS files, sum(bytes)::BIGINT AS bytes,
           sum(events)::BIGINT AS events, min(first_at) AS first_delivery, max(last_at) AS last_delivery,
           sum(rejected)::BIGINT AS rejected,
           count(DISTINCT hour) FILTER (WHERE first_at IS NOT NULL) AS hours_delivered
    FROM delivery WHERE in_window GROUP BY ALL
)
SELECT account, region, DATE '1970-01-01' + day::INTEGER AS day, coalesce(files, 0) AS files,
       coalesce(bytes, 0) AS bytes, coalesce(events, 0) AS events, first_delivery, last_delivery,
       coalesce(rejected, 0) AS rejected, coalesce(hours_delivered, 0) AS hours_delivered,
       coalesce(gap_hours, 0) AS gap_hours
FROM daily FULL JOIN gap_day USING (account, region, day)
WHERE {chosen}
ORDER BY ALL
"""

_REGIONS = f"""
WITH whole AS (
    SELECT account, region, count(DISTINCT hour // 24) FILTER (WHERE first_at IS NOT NULL) AS days,
           sum(files)::BIGINT AS files, sum(bytes)::BIGINT AS bytes, sum(events)::BIGINT AS events,
           min(first_at) AS first_delivery, max(last_at) AS last_delivery, sum(rejected)::BIGINT AS rejected
    FROM delivery WHERE in_window GROUP BY account, region
),
series AS (
    SELECT account, region,
           CASE WHEN count(*) >= {STEADY} * (max(hour) - min(hour) + 1)
                     AND max(hour) - min(hour) >= {LEAST_HOURS_AROUND}
                THEN 'by hour'
                WHEN count(DISTINCT hour // 24) >= {LEAST_DAYS_HEARD} THEN 'by day'
                ELSE 'too few' END AS judged
    FROM heard GROUP BY account, region
),
lost AS (SELECT account, region, sum(gap_hours)::BIGINT AS gap_hours FROM gap_day GROUP BY account, region)
SELECT account, region, coalesce(days, 0) AS days, coalesce(files, 0) AS files, coalesce(bytes, 0) AS bytes,
       coalesce(events, 0) AS events, first_delivery, last_delivery, coalesce(rejected, 0) AS rejected,
       coalesce(gap_hours, 0) AS gap_hours, coalesce(judged, 'too few') AS judged
FROM whole FULL JOIN lost USING (account, region) LEFT JOIN series USING (account, region)
WHERE {{chosen}}
ORDER BY account, region
"""

_NEVER_DELIVERED = """
WITH seen AS (
    SELECT DISTINCT account, region FROM delivery WHERE account IS NOT NULL AND region IS NOT NULL
),
lacking AS (
    SELECT accounts.account, regions.region
    FROM (SELECT DISTINCT account FROM seen) AS accounts, (SELECT DISTINCT region FROM seen) AS regions
    WHERE (accounts.account, regions.region) NOT IN (SELECT (account, region) FROM seen)
)
SELECT account, list(region ORDER BY region) AS regions FROM lacking WHERE {chosen} GROUP BY account ORDER BY account
"""

_DIGESTS = """
SELECT gap.level, gap.account, gap.region, gap.from_hour, count(DISTINCT files.uri) AS digest_files
FROM gap JOIN files ON files.folder = 'CloudTrail-Digest'
    AND (gap.level = 'lake' OR files.account = gap.account) AND (gap.level <> 'region' OR files.region = gap.region)
    AND epoch_us(files.delivered_at) // 3600000000 >= gap.from_hour
    AND epoch_us(files.delivered_at) // 3600000000 < gap.until_hour
GROUP BY ALL
"""


def _make_deliveries(con: duckdb.DuckDBPyConnection, since: datetime | None, until: datetime | None) -> None:
    con.execute(_DELIVERIES, {"since": since, "until": until})


def _window(
    con: duckdb.DuckDBPyConnection, since: datetime | None, until: datetime | None, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """The time looked at; by events alone where no file's name tells a delivery minute."""
    (first, last, *_), (*_, first_event, last_event) = con.execute(_ENDS).fetchall()
    begin, end = (
        (_instant(first), _instant(last)) if first is not None else (_instant(first_event), _instant(last_event))
    )
    latest = max(now, end or now)  # what is still to come is no silence
    return since or begin, min(until, latest) if until else latest if since else end


def _quiet_since(con: duckdb.DuckDBPyConnection, begin: datetime, end: datetime) -> datetime:
    """`begin`, or the last delivery in the lake when nothing has come since."""
    last = _one(con, f"SELECT max(hour) FROM delivery WHERE hour < {_hour(end)}")
    return begin if last is None else min(begin, _time(last))


def _refuse_strangers(con: duckdb.DuckDBPyConnection, accounts: Collection[str], regions: Collection[str]) -> None:
    """A misspelt account is no quiet one."""
    for column, asked in (("account", accounts), ("region", regions)):
        names = f"SELECT {column} FROM delivery UNION SELECT {column} FROM heard"
        there = {name for (name,) in con.execute(names).fetchall() if name} if asked else set()
        strangers = set(asked) - there
        if there and strangers:
            raise UsageError(
                f"--{column} {some_of(strangers)}: this lake holds nothing of it", hint=f"there are {some_of(there)}"
            )


def _changes(
    opened: OpenLake, begin: datetime | None, end: datetime | None, accounts: Collection[str]
) -> tuple[TrailChange, ...]:
    found = trail_changes(opened, begin, end) if begin and end else []
    return tuple(change for change in found if not accounts or change.account in accounts)


def _make_heard(con: duckdb.DuckDBPyConnection, begin: int, end: int) -> None:
    con.execute(_HEARD, {"begin": begin, "end": end})


def _gaps(con: duckdb.DuckDBPyConnection, opened: OpenLake, chosen: str) -> tuple[Gap, ...]:
    rows = _table(con, f"SELECT * FROM gap WHERE {chosen}").to_pylist()
    if not rows:
        return ()
    digests = {tuple(row[:4]): row[4] for row in con.execute(_DIGESTS).fetchall()}
    changes = trail_changes(
        opened,
        min(_time(row["from_hour"]) for row in rows) - BEFORE,
        max(_time(row["until_hour"]) for row in rows) + AFTER,
    )
    found = [
        Gap(
            account=row["account"] or None,
            region=row["region"] or None,
            since=_time(row["from_hour"]),
            until=_time(row["until_hour"]),
            hours=row["hours"],
            heard_share=row["heard_share"],
            basis=row["basis"],
            chance=row["chance"],
            last_delivery=row["last_at"],
            next_delivery=row["next_at"],
            ongoing=row["ongoing"],
            digest_files=digests.get((row["level"], row["account"], row["region"], row["from_hour"]), 0),
            changes=changes_near(changes, row["account"] or None, _time(row["from_hour"]), _time(row["until_hour"])),
        )
        for row in rows
    ]
    return tuple(
        sorted(
            found, key=lambda g: (g.scope != "lake", -g.hours * g.heard_share, g.since, g.account or "", g.region or "")
        )
    )


def _never_delivered(con: duckdb.DuckDBPyConnection, chosen: str) -> dict[str, tuple[str, ...]]:
    rows = con.execute(_NEVER_DELIVERED.format(chosen=chosen)).fetchall()
    return {account: tuple(regions) for account, regions in rows}


def _chosen(accounts: Collection[str], regions: Collection[str], *, or_all_regions: bool = False) -> str:
    """SQL over `account` and `region`."""
    terms = [f"account IN ({', '.join(map(sql_text, accounts))})"] if accounts else []
    if regions:
        listed = [*regions, ""] if or_all_regions else regions
        terms.append(f"region IN ({', '.join(map(sql_text, listed))})")
    return f"({' AND '.join(terms) or 'true'})"


def _table(con: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """Rows whose times are UTC, whatever this connection's own zone is."""
    rows = con.sql(sql).to_arrow_table()
    utc = [
        pa.field(each.name, pa.timestamp("us", tz="UTC")) if pa.types.is_timestamp(each.type) else each
        for each in rows.schema
    ]
    return rows.cast(pa.schema(utc))


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> Any:
    return con.execute(sql).fetchall()[0][0]


def _hour(moment: datetime) -> int:
    """Whole hours since 1970."""
    return int(moment.timestamp() // 3600)


def _time(hour: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + hour * _HOUR


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
