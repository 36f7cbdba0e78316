"""
Which delivery days of which trail prefix have been listed to the end.

The ledger knows the files; this knows that there were no others. A later ingest lists again from some days before the
last listed day, instead of from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import duckdb
import pyarrow as pa

from trailql.lake.lake import Lake, arrow_schema
from trailql.lake.parquet import parquet_sql, write_parquet
from trailql.schema import TABLES


@dataclass(frozen=True, slots=True)
class Listed:
    """
    Days of one prefix that have been listed, both ends included.

    Args:
        first: The first of them; None from the beginning.
        last: The last of them.
    """

    first: date | None
    last: date


def listed_days(con: duckdb.DuckDBPyConnection, lake: Lake) -> dict[str, list[Listed]]:
    """What has been listed, by prefix URI."""
    paths = lake.live_files("listings")
    if not paths:
        return {}
    found: dict[str, list[Listed]] = {}
    query = f"SELECT prefix, first_day, max(last_day) FROM {parquet_sql(paths)} GROUP BY ALL"
    for prefix, first, last in con.execute(query).fetchall():
        found.setdefault(prefix, []).append(Listed(first, last))
    return found


def start_day(listed: Iterable[Listed], first_wanted: date | None, relist_days: int) -> date | None:
    """
    Where a listing has to begin so that nothing is missed.

    Args:
        listed: What has been listed of the prefix.
        first_wanted: The first day of interest; None for all.
        relist_days: So many days before the last listed one are listed again: deliveries come late.

    Returns:
        The first day to list; None for the beginning.
    """
    reached = None
    for days in sorted(listed, key=lambda days: days.first or date.min):
        begins_in_time = days.first is None or (first_wanted is not None and days.first <= first_wanted)
        goes_on = reached is not None and days.first is not None and days.first <= reached + timedelta(days=1)
        if begins_in_time or goes_on:
            reached = max(reached or days.last, days.last)
    if reached is None:
        return first_wanted
    again = reached - timedelta(days=relist_days)
    return max(again, first_wanted) if first_wanted else again


def write_listings(lake: Lake, batch: str, days: Mapping[str, Listed], before: Mapping[str, list[Listed]]) -> None:
    """Commit what has been listed, as far as it is news."""
    news = [(uri, new.first, new.last) for uri, new in days.items() if new not in before.get(uri, [])]
    if not news:
        return
    now = datetime.now(UTC)
    rows = [(uri, first, last, now, batch) for uri, first, last in news]
    schema = arrow_schema(TABLES["listings"])
    columns = dict(zip(schema.names, map(list, zip(*rows, strict=True)), strict=True))
    written = write_parquet(lake, pa.table(columns, schema=schema), batch, table="listings", partition={})
    lake.commit("listings", [written], batch=batch)
