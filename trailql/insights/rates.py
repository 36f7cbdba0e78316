"""
Calls per minute, counted from a lake's events or read from a file, as series of one account after the other.

Write management calls per API, and all data calls, make the API call rate; calls with an error code the API error
rate, per API and error code: per account and Region, never per user, as CloudTrail Insights has it. Our own kinds
count by principal, and resources instead of calls.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-insights-events-with-cloudtrail.html
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from trailql.errors import QueryError, SourceError
from trailql.insights.kinds import AWS_KINDS, KINDS, PRINCIPAL_KINDS, REGION_KINDS
from trailql.insights.series import HOURS, Counts, Series
from trailql.lake.parquet import sql_text

MINUTE_OF = "(epoch_us(eventTime) // 60000000)"
"""SQL: whole minutes since 1970 of an event."""
IS_DATA = "(managementEvent IS FALSE OR eventCategory = 'Data')"
IS_COUNTED = f"""
    coalesce(eventCategory, 'Management') IN ('Management', 'Data')
    AND coalesce(eventType, '') <> 'AwsCloudTrailInsight'
    AND eventSource IS NOT NULL AND eventName IS NOT NULL AND eventTime IS NOT NULL
    AND (readOnly IS NOT NULL OR errorCode <> '' OR {IS_DATA})
"""
"""SQL: the events that rates count. Records before version 1.06 do not say whether they are management events."""
FILE_COLUMNS = {
    "account": "VARCHAR",
    "region": "VARCHAR",
    "eventSource": "VARCHAR",
    "eventName": "VARCHAR",
    "errorCode": "VARCHAR",
    "minute": "TIMESTAMPTZ",
    "count": "BIGINT",
}
"""Of a file of rates; other columns are passed over."""

_READS = "Get List Describe Head Lookup Search BatchGet Query Scan Select View Check Validate Estimate Simulate Preview"
_BY_NAME = f"NOT regexp_matches(eventName, '^({_READS.replace(' ', '|')})')"
_INSTANCES = """
    CASE WHEN eventSource = 'ec2.amazonaws.com' AND eventName IN ('RunInstances', 'TerminateInstances')
     AND errorCode IS NULL
    THEN json_array_length(responseElements, '$.instancesSet.items') END
"""
PRINCIPAL = """
    CASE WHEN userIdentity.type <> 'AWSService' AND userIdentity.invokedBy IS NULL THEN actor(userIdentity) END
"""

_COUNT_EVENTS = f"""
SELECT coalesce(recipientAccountId, userIdentity.accountId, '') AS account, coalesce(awsRegion, '') AS region,
       eventSource AS event_source, eventName AS event_name, nullif(errorCode, '') AS error_code,
       coalesce(readOnly, errorCode IS NOT NULL) AS is_read, {IS_DATA} IS TRUE AS is_data,
       {{principal}} AS principal, {MINUTE_OF} AS minute, count(*) AS calls, sum({{instances}})::BIGINT AS resources
FROM events
WHERE eventTime >= to_timestamp($since) AND eventTime < to_timestamp($until) AND {IS_COUNTED}
GROUP BY ALL
"""
_COUNT_FILE = f"""
SELECT account, coalesce(region, '') AS region, eventSource AS event_source, eventName AS event_name,
       nullif(errorCode, '') AS error_code, NOT {_BY_NAME} AS is_read, false AS is_data, NULL AS principal,
       epoch_us(minute) // 60000000 AS minute, count AS calls, NULL::BIGINT AS resources
FROM read_parquet({{path}})
WHERE count > 0 AND account IS NOT NULL AND eventSource IS NOT NULL AND eventName IS NOT NULL AND minute IS NOT NULL
  AND minute >= to_timestamp({{since}}) AND minute < to_timestamp({{until}})
"""
_LAB_MEMORY = "1500MB"
"""Of the database that sorts the counts; beyond it spills to disk."""

COUNTED_AS = {
    "calls": "is_data OR NOT is_read",
    "errors": "error_code IS NOT NULL",
    "writes": "NOT is_read AND NOT is_data",
    "reads": "is_read AND NOT is_data",
    "refusals": "error_code LIKE 'AccessDenied%' OR error_code LIKE '%UnauthorizedOperation'",
    "resources": "error_code IS NULL",
    "new_apis": "true",
    "regions": "true",
}
"""By kind: SQL of what it counts, over `is_read`, `is_data` and `error_code`."""
_API = "account, region, event_source, event_name"
_NO_API = "account, '' AS region, '' AS event_source, '' AS event_name"
_REGION = "account, region, '' AS event_source, '' AS event_name, '' AS subject"
_NEW_AFTER = 7 * 1440
"""Minutes of an account's events before what it calls first is new."""
_OF_REGIONS = {
    "new_apis": f"""
        SELECT 'new_apis' AS kind, {_REGION}, first AS minute, 1 AS calls
        FROM (SELECT {_API}, min(minute) AS first FROM counted GROUP BY ALL)
        JOIN (SELECT account, min(minute) AS began FROM counted GROUP BY ALL) USING (account)
        WHERE first >= began + {_NEW_AFTER}""",
    "regions": f"""
        SELECT 'regions' AS kind, {_REGION}, minute // 60 * 60 AS minute, sum(calls)::BIGINT AS calls
        FROM counted GROUP BY ALL""",
}
_LATE_HOURS = 2
"""Before an account's last event: what a Region had then may still be on its way."""


def _series_sql(kind: str) -> str:
    """A kind's minute counts under the names of its series."""
    if kind in REGION_KINDS:
        return _OF_REGIONS[kind]
    if kind in PRINCIPAL_KINDS:
        names, which = f"{_NO_API}, principal AS subject", "principal IS NOT NULL"
    else:
        subject = "error_code" if kind == "errors" else "''"
        names, which = f"{_API}, {subject} AS subject", "true"
    calls = "resources" if kind == "resources" else "calls"
    return f"""SELECT {sql_text(kind)} AS kind, {names}, minute, {calls} AS calls FROM counted
               WHERE {which} AND ({COUNTED_AS[kind]}) AND {calls} > 0"""


_WITHOUT = {"principal": "NULL::VARCHAR", "instances": "NULL::BIGINT"}
_LAST_SECOND = 253402300799  # the end of the year 9999


class Rates:
    """
    Minute counts, to be looked at account by account. Use it as a context manager.

    Args:
        counted: The minute counts, as `count_events` gives them, or the file of `open_file`.
        kinds: The kinds of series to make.
    """

    def __init__(self, counted: Any, kinds: tuple[str, ...]) -> None:
        self._scratch = tempfile.mkdtemp(prefix="trailql-")
        self._lab = duckdb.connect(config={"python_enable_replacements": False})
        try:
            self._fill(counted, kinds)
        except BaseException:
            self.close()
            raise

    def _fill(self, counted: Any, kinds: tuple[str, ...]) -> None:
        lab = self._lab
        lab.execute("SET TimeZone = 'UTC'")
        lab.execute("SET enable_progress_bar = false")
        lab.execute("SET preserve_insertion_order = false")
        lab.execute(f"SET memory_limit = '{_LAB_MEMORY}'")
        lab.execute(f"SET temp_directory = {sql_text(self._scratch)}")
        if isinstance(counted, FileOfRates):
            lab.execute(f"CREATE VIEW counted AS {counted.sql}")
        else:
            lab.register("counted", counted)
        parts = " UNION ALL ".join(map(_series_sql, kinds))
        names = "account, kind, region, event_source, event_name, subject"
        try:
            lab.execute(
                f"CREATE TABLE series AS SELECT row_number() OVER (ORDER BY {names}) AS id, * "
                f"FROM (SELECT DISTINCT {names} FROM ({parts}))"
            )
            lab.execute(
                "CREATE TABLE minutes AS "
                "SELECT id::INTEGER AS id, minute::INTEGER AS minute, sum(calls)::BIGINT AS calls"
                f" FROM ({parts}) JOIN series USING ({names}) GROUP BY ALL ORDER BY ALL"
            )
            lab.execute("CREATE TABLE hours AS SELECT DISTINCT account, region, minute // 60 AS hour FROM counted")
        except duckdb.Error as error:
            if isinstance(counted, FileOfRates):
                raise SourceError(f"no file of rates: {str(error).splitlines()[0]}", at=str(counted.path)) from error
            raise

    def close(self) -> None:
        """Forget the counts."""
        self._lab.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> Rates:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def accounts(self) -> list[str]:
        """The accounts, in order."""
        return [row[0] for row in self._lab.execute("SELECT DISTINCT account FROM hours ORDER BY ALL").fetchall()]

    def covered_days(self, account: str) -> list[int]:
        """The days since 1970 on which an account has any event, in order."""
        sql = "SELECT DISTINCT hour // 24 FROM hours WHERE account = ? ORDER BY ALL"
        return [row[0] for row in self._lab.execute(sql, [account]).fetchall()]

    def minutes_of(self, series: Series, first_minute: int, end_minute: int) -> list[tuple[int, int]]:
        """Minutes and calls of one series; none when it is not there."""
        sql = """SELECT minute, calls FROM minutes JOIN series USING (id)
                 WHERE kind = $kind AND account = $account AND region = $region AND event_source = $event_source
                   AND event_name = $event_name AND subject = $subject AND minute >= $first AND minute < $end
                 ORDER BY minute"""
        names = {name: getattr(series, name) for name in Series.__slots__}
        return self._lab.execute(sql, {**names, "first": first_minute, "end": end_minute}).fetchall()

    def of_accounts(self) -> Iterator[Counts]:
        """The series of one account after the other; accounts without any are left out."""
        for account in self.accounts:
            if (found := self._of(account)) is not None:
                yield found

    def _of(self, account: str) -> Counts | None:
        sql = """SELECT id, kind, account, region, event_source, event_name, subject FROM series
                 WHERE account = ? ORDER BY id"""
        rows = self._lab.execute(sql, [account]).fetchall()
        if not rows:
            return None
        first, last = rows[0][0], rows[-1][0]
        relation = self._lab.sql(
            "SELECT id - $first AS id, minute, calls FROM minutes WHERE id BETWEEN $first AND $last ORDER BY ALL",
            params={"first": first, "last": last},
        )
        table = relation.to_arrow_table()
        which, minute, calls = (column.to_numpy().astype(np.int64) for column in table.columns)
        series = tuple(Series(*row[1:]) for row in rows)
        first_day, known = self._known(account, series)
        return Counts(series, which, minute, calls, first_day, known)

    def _known(self, account: str, series: Sequence[Series]) -> tuple[int, np.ndarray[Any, np.dtype[np.bool_]]]:
        """The first day, and the hours that say something of a series: of a whole Region, those of the account."""
        sql = "SELECT region, hour FROM hours WHERE account = ?"
        hours: dict[str, list[int]] = {}
        for region, hour in self._lab.execute(sql, [account]).fetchall():
            hours.setdefault(region, []).append(hour)
            hours.setdefault("", []).append(hour)
        first_day, last_day = min(hours[""]) // HOURS, max(hours[""]) // HOURS
        number = (last_day - first_day + 1) * HOURS
        by_region = {}
        for region, found in hours.items():
            known = np.zeros(number, np.bool_)
            known[np.array(found) - first_day * HOURS] = True
            by_region[region] = known.reshape(-1, HOURS)
        account_hours = by_region[""].copy()
        account_hours.reshape(-1)[max(hours[""]) - first_day * HOURS - _LATE_HOURS :] = False
        known_of = [account_hours if each.kind == "regions" else by_region[each.region] for each in series]
        return first_day, np.stack(known_of)


def count_events(
    con: duckdb.DuckDBPyConnection,
    first_minute: int | None,
    end_minute: int | None,
    kinds: Collection[str] = tuple(KINDS),
) -> pa.Table:
    """
    Count a lake's calls per minute.

    Args:
        con: Has a view `events` with the columns of `trailql.schema`, and the macro `actor`.
        first_minute: Minutes since 1970, the first to count; None for all before `end_minute`.
        end_minute: The first minute not to count; None for all.
        kinds: Kinds of series that shall be made of it; those of CloudTrail alone need fewer rows.

    Returns:
        account, region, event_source, event_name, error_code (null for none), is_read, is_data, principal, minute,
        calls, resources.

    Raises:
        QueryError: No such view, or not with these columns.
    """
    needs_more = not set(kinds) <= set(AWS_KINDS)
    parts = {"principal": PRINCIPAL, "instances": _INSTANCES} if needs_more else _WITHOUT
    return fetch(con, _COUNT_EVENTS.format(**parts), _span(first_minute, end_minute))


@dataclass(frozen=True, slots=True)
class FileOfRates:
    """
    A Parquet file of minute counts that has the columns it should have.

    Args:
        path: The file.
        first_minute, end_minute: The minutes of it that are looked at, since 1970.
    """

    path: Path
    first_minute: int
    end_minute: int

    @property
    def sql(self) -> str:
        """Its minute counts, in the form of `count_events`."""
        times = _span(self.first_minute, self.end_minute)
        return _COUNT_FILE.format(path=sql_text(str(self.path)), **times)


def open_file(path: Path, first_minute: int | None, end_minute: int | None) -> FileOfRates | None:
    """
    Look at a Parquet file of calls per minute (see `FILE_COLUMNS`).

    A row with a null `errorCode` counts the calls without an error, one with an error code those that failed so.
    Whether an API only reads is told by its name.

    Returns:
        The file; None when it has no rows.

    Raises:
        SourceError: No such file, no Parquet, or columns are missing or of another type.
    """
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        name = sql_text(str(path))
        try:
            columns = {row[0] for row in con.execute(f"DESCRIBE SELECT * FROM read_parquet({name})").fetchall()}
        except duckdb.Error as error:
            raise SourceError("no Parquet file that can be read", at=str(path)) from error
        if missing := [each for each in FILE_COLUMNS if each not in columns]:
            hint = f"columns {', '.join(FILE_COLUMNS)}"
            raise SourceError(f"column {missing[0]} is missing", at=str(path), hint=hint)
        try:
            sql = (
                f"SELECT min(epoch_us(minute)) // 60000000, max(epoch_us(minute)) // 60000000 FROM read_parquet({name})"
            )
            low, high = con.execute(sql).fetchall()[0]
        except duckdb.Error as error:
            raise SourceError(f"no file of rates: {str(error).splitlines()[0]}", at=str(path)) from error
    if low is None:
        return None
    first = low if first_minute is None else first_minute
    return FileOfRates(path, first, high + 1 if end_minute is None else end_minute)


def _span(first_minute: int | None, end_minute: int | None) -> dict[str, int]:
    return {
        "since": 0 if first_minute is None else first_minute * 60,
        "until": _LAST_SECOND if end_minute is None else end_minute * 60,
    }


def fetch(con: duckdb.DuckDBPyConnection, sql: str, values: dict[str, Any]) -> pa.Table:
    """Run a query over `events`; what DuckDB has against it becomes a QueryError."""
    try:
        return con.sql(sql, params=values).to_arrow_table()
    except duckdb.Error as error:
        hint = "the connection needs a view `events` with the columns of trailql.schema"
        raise QueryError(f"the rates cannot be counted: {error}", hint=hint) from error
