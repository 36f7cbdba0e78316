"""
Minute counts kept in the lake, so that a scheduled run does not read a month of events again.

A day's counts say from which event files they were counted. When a late event, a compaction or retention gives the day
other files, it is counted anew; days whose files are the same are not.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trailql.errors import LakeError
from trailql.insights.rates import count_events
from trailql.lake.lake import REWRITING, CommitConflict, Lake, WrittenFile, arrow_schema
from trailql.lake.parquet import write_parquet
from trailql.lake.writer import writing
from trailql.query.engine import OpenLake
from trailql.schema import PARTITION_COLUMN, TABLES

_TABLE = "minute_counts"
_DAY = 1440
_EPOCH = date(1970, 1, 1)
_DAYS_AT_ONCE = 7
_MOST_ATTEMPTS = 5

Progress = Callable[[int, int], None]
"""Called with days counted and days to count."""


def refresh(lake: Lake, first_day: date, last_day: date, on_progress: Progress | None = None) -> int:
    """
    Count the days whose event files have changed since they were counted.

    Args:
        lake: The lake; it is written to.
        first_day, last_day: UTC days that are needed.
        on_progress: Told after each step.

    Returns:
        How many days were counted.

    Raises:
        LakeError: The lake cannot be written to.
    """
    counted = 0
    stale = _stale(lake, first_day, last_day)
    if not stale:
        return 0
    with writing(lake) as writer:
        for days in _chunks(sorted(stale)):
            rows = _count(lake, days, stale)
            for attempt in range(_MOST_ATTEMPTS):
                try:
                    _replace(lake, writer.batch(), days, rows)
                    break
                except CommitConflict:
                    if attempt == _MOST_ATTEMPTS - 1:
                        hint = "run it again"
                        raise LakeError("something else rewrites the lake right now", at=lake.root, hint=hint) from None
                    time.sleep(0.2 * 2**attempt)
            counted += len(days)
            if on_progress:
                on_progress(counted, len(stale))
    return counted


def is_fresh(lake: Lake, first_day: date, last_day: date) -> bool:
    """Whether all the days are counted from the files they have now."""
    return not _stale(lake, first_day, last_day)


def kept_counts(opened: OpenLake, first_minute: int | None, end_minute: int | None) -> pa.Table:
    """The kept counts of some minutes, in the form of `trailql.insights.rates.count_events`."""
    low = first_minute if first_minute is not None else 0
    high = end_minute if end_minute is not None else 1 << 40
    day = _EPOCH + timedelta(days=low // _DAY)
    sql = """SELECT account, region, event_source, event_name, error_code, is_read, is_data, principal, minute, calls,
                    resources
             FROM minute_counts WHERE event_date >= $day AND minute >= $low AND minute < $high"""
    return opened.connection.sql(sql, params={"day": day, "low": low, "high": high}).to_arrow_table()


def _stale(lake: Lake, first_day: date, last_day: date) -> dict[date, str]:
    """The days that have to be counted, with the hash of their files; a day without any has an empty one."""
    now: dict[date, list[str]] = {}
    for part in lake.snapshot("events").parts:
        if part.day is not None and first_day <= part.day <= last_day:
            now.setdefault(part.day, []).append(part.path)
    hashes = {day: hashlib.sha256("\n".join(sorted(paths)).encode()).hexdigest()[:32] for day, paths in now.items()}
    kept = _kept(lake, first_day, last_day)
    gone = {day: "" for day in kept if day not in hashes}
    return {day: found for day, found in hashes.items() if kept.get(day) != {found}} | gone


def _kept(lake: Lake, first_day: date, last_day: date) -> dict[date, set[str]]:
    """From which files the days were counted."""
    if lake.snapshot(_TABLE).delta is None:
        return {}
    with OpenLake(lake) as opened:
        sql = "SELECT DISTINCT event_date, counted_from FROM minute_counts WHERE event_date BETWEEN $first AND $last"
        rows = opened.connection.execute(sql, {"first": first_day, "last": last_day}).fetchall()
    found: dict[date, set[str]] = {}
    for day, name in rows:
        found.setdefault(day, set()).add(name)
    return found


def _chunks(days: Sequence[date]) -> Iterator[list[date]]:
    """Days that lie close together, some at a time."""
    chunk: list[date] = []
    for day in days:
        if chunk and (day - chunk[0]).days >= _DAYS_AT_ONCE:
            yield chunk
            chunk = []
        chunk.append(day)
    if chunk:
        yield chunk


def _count(lake: Lake, days: Sequence[date], hashes: dict[date, str]) -> dict[date, pa.Table]:
    first, last = (days[0] - _EPOCH).days * _DAY, ((days[-1] - _EPOCH).days + 1) * _DAY
    since, until = _midnight(days[0]), _midnight(days[-1] + timedelta(days=1))
    with OpenLake(lake, since, until) as opened:
        counted = count_events(opened.connection, first, last)
    day_of = pc.cast(pc.floor(pc.divide(pc.cast(counted["minute"], pa.float64()), float(_DAY))), pa.int64())
    names = [name for name in arrow_schema(TABLES[_TABLE]).names if name != PARTITION_COLUMN]
    order: Any = [(name, "ascending") for name in ("account", "event_source", "event_name", "minute")]
    found = {}
    for day in days:
        rows = counted.filter(pc.equal(day_of, (day - _EPOCH).days))
        if rows.num_rows:
            rows = rows.append_column("counted_from", pa.array([hashes[day]] * rows.num_rows, pa.string()))
            found[day] = rows.select(names).sort_by(order)
    return found


def _replace(lake: Lake, batch: str, days: Sequence[date], rows: dict[date, pa.Table]) -> None:
    snapshot = lake.snapshot_to_write(_TABLE)
    files: list[WrittenFile] = []
    try:
        for number, (day, table) in enumerate(rows.items()):
            partition: dict[str, str | None] = {PARTITION_COLUMN: str(day)}
            files.append(write_parquet(lake, table, batch, table=_TABLE, partition=partition, number=number))
        old = [part for part in snapshot.parts if part.day in set(days)]
        if files or old:
            snapshot.commit(files, batch=batch, remove=old, alone=REWRITING)
    except BaseException:
        if not lake.snapshot(_TABLE).holds(batch):
            for file in files:
                lake.storage.delete(f"{_TABLE}/{file.path}")
        raise


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
