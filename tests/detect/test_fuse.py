"""Which detections can run in one scan, and that they find there what they find alone."""

from __future__ import annotations

import duckdb
import pytest

from trailql.detect.catalog import bundled_detections
from trailql.detect.fuse import condition_of, fused_sql

_ROWS = """
    CREATE TABLE events AS SELECT
        'iam.amazonaws.com' AS eventSource, 'Call' || (n % 7) AS eventName, n AS size,
        TIMESTAMPTZ '2026-10-01 00:00:00+00' + to_minutes(n) AS eventTime, 'id' || n AS eventID,
        '111122223333' AS recipientAccountId, {'accountId': '111122223333', 'arn': 'a' || (n % 3)} AS userIdentity,
        'eu-west-1' AS awsRegion, '192.0.2.1' AS sourceIPAddress, NULL AS errorCode, NULL AS requestParameters
    FROM (SELECT range::INTEGER AS n FROM range(500))
"""


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    """
    A table of five hundred events.
    """
    made = duckdb.connect()
    made.execute(_ROWS)
    made.execute("CREATE MACRO actor(identity) AS identity.arn")
    return made


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT eventID FROM events WHERE size > 3",
        "SELECT * FROM events",
        "SELECT * FROM events WHERE size > 3 LIMIT 1",
        "SELECT * FROM events WHERE size > 3 ORDER BY size",
        "SELECT DISTINCT * FROM events WHERE size > 3",
        "SELECT * FROM events AS e WHERE e.size > 3",
        "SELECT * FROM files WHERE size > 3",
        "SELECT * FROM events, files WHERE size > 3",
        "SELECT * FROM events WHERE size > (SELECT max(size) FROM events)",
        "SELECT * EXCLUDE (size) FROM events WHERE size > 3",
        "SELECT * FROM events WHERE size > 3 QUALIFY row_number() OVER () = 1",
        "WITH x AS (SELECT 1) SELECT * FROM events WHERE size > 3",
        "SELECT * FROM events WHERE size > 3 UNION ALL SELECT * FROM events WHERE size > 4",
        "SELECT * FROM events WHERE",
    ],
)
def test_what_is_more_than_a_filter_runs_alone(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    """
    Anything but SELECT * FROM events WHERE is left to itself.
    """
    assert condition_of(con, sql, {}, 0) is None


def test_one_scan_finds_what_each_finds_alone(con: duckdb.DuckDBPyConnection) -> None:
    """
    Conditions with equal parameter names, with and without service and call, each keep their own events.
    """
    asked = [
        ("SELECT * FROM events WHERE eventSource = 'iam.amazonaws.com' AND eventName = 'Call1' AND size > $least", 100),
        (
            "SELECT * FROM events WHERE eventSource = 'iam.amazonaws.com' AND eventName IN ('Call1', 'Call2') "
            "AND size > $least",
            300,
        ),
        ("SELECT * FROM events WHERE size > $least AND size < 450", 440),
        ("SELECT * FROM events WHERE eventSource = 's3.amazonaws.com' AND eventName = 'Call1' AND size > $least", 0),
    ]
    conditions = {}
    for number, (sql, least) in enumerate(asked):
        condition = condition_of(con, sql, {"least": least}, number)
        assert condition is not None
        conditions[number] = condition

    found: dict[int, set[str]] = {number: set() for number in conditions}
    for query, parameters in fused_sql(conditions, "'2026-01-01'::TIMESTAMPTZ", "'2027-01-01'::TIMESTAMPTZ"):
        rows = con.execute(query, parameters).fetchall()
        names = [each[0] for each in con.description]
        for row in rows:
            found[row[0]] |= set(row[names.index("event_ids")])

    for number, (sql, least) in enumerate(asked):
        alone = con.execute(sql.replace("SELECT *", "SELECT eventID"), {"least": least}).fetchall()
        assert {row[0] for row in alone} == found[number]
    assert [57, 58, 9, 0] == [len(each) for each in found.values()]


def test_most_bundled_detections_share_the_scan(con: duckdb.DuckDBPyConnection) -> None:
    """
    All those that only filter, and nearly all of them name service and calls.
    """
    conditions = [
        condition
        for number, each in enumerate(bundled_detections())
        if not each.lookback and (condition := condition_of(con, each.file.sql, each.file.values({}), number))
    ]
    assert 120 < len(conditions)
    assert 5 > sum(not (each.source and each.names) for each in conditions)
