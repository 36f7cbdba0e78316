"""Build a view `events` from a few Python rows, with every column of the lake."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from trailql.lake.lake import arrow_schema
from trailql.query.engine import ACTOR_MACRO
from trailql.schema import EVENT_COLUMNS

FIRST_DAY = datetime(2026, 9, 1, tzinfo=UTC)
ACCOUNT = "111122223333"

Row = dict[str, Any]


def call(day: int, minute: float, name: str = "RunInstances", **columns: Any) -> Row:
    """One write management call, so many minutes into a day; day 0 is the first."""
    row: Row = {
        "eventTime": FIRST_DAY + timedelta(days=day, minutes=minute),
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "recipientAccountId": ACCOUNT,
        "readOnly": False,
        "managementEvent": True,
        "eventCategory": "Management",
        "eventType": "AwsApiCall",
        "userAgent": "aws-cli/2.31.3",
        "userIdentity": {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy-pipeline/run-{day}"},
    }
    return row | columns


def coverage(days: int) -> list[Row]:
    """A read a day: it makes the days count as covered, and is itself counted by no rate."""
    return [call(day, 600, "DescribeInstances", readOnly=True) for day in range(days)]


def burst(day: int, minute: int, calls: int, minutes: int, name: str = "RunInstances", **columns: Any) -> list[Row]:
    """Calls spread evenly over some minutes."""
    return [call(day, minute + number * minutes / calls, name, **columns) for number in range(calls)]


def steady(days: int, per_day: int, name: str = "RunInstances", seed: int = 1) -> list[Row]:
    """So many calls a day at random times."""
    chance = random.Random(seed)
    return [call(day, chance.randrange(1440), name) for day in range(days) for _ in range(per_day)]


def connection_with(rows: Iterable[Row]) -> duckdb.DuckDBPyConnection:
    """A connection whose view `events` holds the rows; columns a row leaves out are null."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    table = pa.Table.from_pylist(list(rows), schema=arrow_schema(EVENT_COLUMNS))
    con.register("rows", table)
    con.execute("CREATE VIEW events AS FROM rows")
    con.execute(ACTOR_MACRO)
    return con
