"""
Calls and errors per minute, as CloudTrail Insights counts them: one aggregation over the view `events`.

Write management calls per API make the API call rate; management calls with an error code, read or write, the API
error rate per API and error code. Both per account and Region, never per user.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-insights-events-with-cloudtrail.html
"""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from trailql.errors import QueryError

MINUTE_OF = "(epoch_us(eventTime) // 60000000)"
"""SQL: whole minutes since 1970 of an event."""

IS_COUNTED = """
    coalesce(managementEvent, true)
    AND coalesce(eventCategory, 'Management') = 'Management'
    AND coalesce(eventType, '') <> 'AwsCloudTrailInsight'
    AND eventSource IS NOT NULL AND eventName IS NOT NULL
    AND (readOnly IS FALSE OR errorCode <> '')
"""
"""SQL: the events either rate counts. Records before version 1.06 do not say whether they are management events."""

_MINUTE_CALLS = f"""
SELECT coalesce(recipientAccountId, '') AS account,
       coalesce(awsRegion, '') AS region,
       eventSource AS event_source,
       eventName AS event_name,
       nullif(errorCode, '') AS error_code,
       readOnly IS FALSE AS is_write,
       {MINUTE_OF} AS minute,
       count(*) AS calls
FROM events
WHERE eventTime >= to_timestamp($since) AND eventTime < to_timestamp($until) AND {IS_COUNTED}
GROUP BY ALL
"""

_COVERED_DAYS = """
SELECT DISTINCT coalesce(recipientAccountId, '') AS account, epoch_us(eventTime) // 86400000000 AS day
FROM events
WHERE eventTime IS NOT NULL
"""

_LAST_SECOND = 253402300799  # the end of the year 9999


def minute_calls(con: duckdb.DuckDBPyConnection, first_minute: int | None, end_minute: int | None) -> pa.Table:
    """
    Count calls per minute.

    Args:
        con: Has a view `events` with the columns of `trailql.schema`.
        first_minute: Minutes since 1970, the first to count; None for all before `end_minute`.
        end_minute: The first minute not to count; None for all.

    Returns:
        account, region, event_source, event_name, error_code (null for none), is_write, minute, calls. A write that
        fails counts for both rates.

    Raises:
        QueryError: No such view, or not with these columns.
    """
    since = 0 if first_minute is None else first_minute * 60
    until = _LAST_SECOND if end_minute is None else end_minute * 60
    return fetch(con, _MINUTE_CALLS, {"since": since, "until": until})


def covered_days(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """The days (since 1970, UTC) each account has any event on, reads included: account, day."""
    return fetch(con, _COVERED_DAYS, {})


def fetch(con: duckdb.DuckDBPyConnection, sql: str, values: dict[str, Any]) -> pa.Table:
    """Run a query over `events`; what DuckDB has against it becomes a QueryError."""
    try:
        return con.sql(sql, params=values).to_arrow_table()
    except duckdb.Error as error:
        hint = "the connection needs a view `events` with the columns of trailql.schema"
        raise QueryError(f"the rates cannot be counted: {error}", hint=hint) from error
