"""
Small files into large ones: a day's events sorted anew, in one commit.

Rows stay what they are: before the commit the new files are read back, and must hold the same rows as the old ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import duckdb
import pyarrow as pa

from trailql.errors import LakeError
from trailql.lake.lake import REWRITING, CommitConflict, Lake, Part, Snapshot, WrittenFile, part_of
from trailql.lake.parquet import rows_sql, write_parquet_of
from trailql.lake.session import working_connection
from trailql.lake.writer import Writer, writing
from trailql.schema import PARTITION_COLUMN, SORT_COLUMNS, TABLES

TARGET_BYTES = 128 * 1024 * 1024
MOST_SMALL_FILES = 24
"""Small files a day, or a table without days, may have before an ingest compacts them."""

_ROWS_AT_ONCE = 122_880
"""Rows of a row group: as many as DuckDB hands out at most."""
_SLICE_ROWS = 250_000
_MOST_SLICES = 4
_DAY_MS = 24 * 60 * 60 * 1000
_ORDER = {
    "events": ", ".join(SORT_COLUMNS),
    "files": "delivered_at, uri, ingested_at",
    "set_aside": "log_file, record_number",
    "listings": "prefix, last_day",
    "expired": "day, log_file",
    "minute_counts": "account, event_source, event_name, minute",
    "insights": "found_at, id",
    "aws_insights": "event_time, id, state",
    "findings": "recorded_at, fingerprint",
    "hunts": "started_at, hunt",
    "outbox": "recorded_at, key",
}


@dataclass(slots=True)
class Compacted:
    """What a compaction did, counted; sizes in bytes."""

    days: int = 0
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Files of one day, or of a table without days, that become fewer."""

    table: str
    day: date | None
    parts: tuple[Part, ...]


def compact(
    lake: Lake,
    *,
    target_bytes: int = TARGET_BYTES,
    on_progress: Callable[[Rewrite, int, int], None] | None = None,
) -> Compacted:
    """
    Make every day's small files into sorted ones of a target size.

    Each day is a commit of its own. Queries that run meanwhile go on with the files they began with, which lie there
    until `vacuum`; ingests are not held up.

    Args:
        lake: The lake.
        target_bytes: Size of the files to make; files of at least half of it stay as they are.
        on_progress: Called before each rewrite with it, its number from 1, and how many there are.

    Raises:
        LakeError: It cannot be written, or what was written does not read back as the same rows.
    """
    done = Compacted()
    with writing(lake) as writer, working_connection(lake) as con:
        rewrites = [rewrite for table in TABLES for rewrite in _small_files(lake.snapshot(table), target_bytes)]
        for number, rewrite in enumerate(rewrites, 1):
            if on_progress:
                on_progress(rewrite, number, len(rewrites))
            _run(con, lake, writer, rewrite, target_bytes, done)
    return done


def compact_young(lake: Lake, con: duckdb.DuckDBPyConnection, writer: Writer) -> Compacted:
    """
    Compact where an ingest has left too many small files; another one that does so at the same time wins.

    Only files of like size are joined, so that every row is rewritten a few times in its life, not at every ingest.
    """
    done = Compacted()
    for table in TABLES:
        for rewrite in _small_files(lake.snapshot(table), TARGET_BYTES):
            if len(rewrite.parts) > MOST_SMALL_FILES:
                alike = Rewrite(rewrite.table, rewrite.day, tuple(_alike(rewrite.parts)))
                _run(con, lake, writer, alike, TARGET_BYTES, done)
    return done


def _small_files(snapshot: Snapshot, target_bytes: int) -> Iterator[Rewrite]:
    small = [part for part in snapshot.parts if part.size_bytes < target_bytes // 2]
    for day, parts in groupby(sorted(small, key=lambda part: part.day or date.min), key=lambda part: part.day):
        found = tuple(parts)
        if len(found) > 1:
            yield Rewrite(snapshot.table, day, found)


def _alike(parts: Sequence[Part]) -> list[Part]:
    """The smallest files, each no larger than those before it together."""
    chosen: list[Part] = []
    total = 0
    for part in sorted(parts, key=lambda part: part.size_bytes):
        if len(chosen) > MOST_SMALL_FILES // 2 and part.size_bytes > total:
            break
        chosen.append(part)
        total += part.size_bytes
    return chosen


def _run(
    con: duckdb.DuckDBPyConnection, lake: Lake, writer: Writer, rewrite: Rewrite, target_bytes: int, done: Compacted
) -> None:
    snapshot = lake.snapshot(rewrite.table).with_all_columns()
    live = set(snapshot.parts)
    if not live.issuperset(rewrite.parts):
        return  # another compaction, or retention, has been here since
    batch = writer.batch()
    files = _write(con, snapshot, batch, rewrite, target_bytes)
    try:
        _check_same_rows(con, snapshot, rewrite.parts, [part_of(file) for file in files])
        snapshot.commit(files, batch=batch, remove=rewrite.parts, alone=REWRITING)
    except BaseException as error:
        if not (isinstance(error, CommitConflict) and lake.snapshot(rewrite.table).holds(batch)):
            for file in files:
                lake.storage.delete(f"{rewrite.table}/{file.path}")
            if isinstance(error, CommitConflict):
                return
            raise
    done.days += rewrite.table == "events"
    done.files_before += len(rewrite.parts)
    done.files_after += len(files)
    done.bytes_before += sum(part.size_bytes for part in rewrite.parts)
    done.bytes_after += sum(file.size_bytes for file in files)
    done.rows += sum(file.rows for file in files)


def _write(
    con: duckdb.DuckDBPyConnection, snapshot: Snapshot, batch: str, rewrite: Rewrite, target_bytes: int
) -> list[WrittenFile]:
    total = sum(part.rows for part in rewrite.parts)
    count = max(1, sum(part.size_bytes for part in rewrite.parts) // target_bytes)
    partition: dict[str, str | None] = {PARTITION_COLUMN: str(rewrite.day)} if rewrite.day else {}
    order = _ORDER[snapshot.table]
    if rewrite.table == "events":
        order = f"{_slice_sql(total, count)}, {order}"
    query = f"SELECT * FROM ({rows_sql(snapshot, rewrite.parts)}) ORDER BY {order}"
    groups = (
        pa.Table.from_batches([each]) for each in con.sql(query).to_arrow_reader(min(_ROWS_AT_ONCE, -(-total // count)))
    )
    files: list[WrittenFile] = []
    first = next(groups, None)
    while first is not None:
        most = -(-total // count) if len(files) + 1 < count else total
        files.append(
            write_parquet_of(
                _up_to(most, first, groups),
                snapshot.lake,
                batch,
                table=snapshot.table,
                partition=partition,
                number=len(files) if count > 1 else None,
            )
        )
        first = next(groups, None)
    return files


def _slice_sql(rows: int, files: int) -> str:
    """
    SQL of the part of the day an event belongs to: rows are sorted within it.

    Sessions last an hour. Sorted over the whole day a row group holds them all, and names each in more bits, from a
    longer dictionary: 3 % of a day of 600,000 events. Within a part of the day a row group also covers fewer hours.
    More parts than four, or than files, would leave a rule about one API less to skip.
    """
    slices = max(files, min(_MOST_SLICES, rows // _SLICE_ROWS), 1)
    return f"(epoch_ms(eventTime) % {_DAY_MS}) // {-(-_DAY_MS // slices)}"


def _up_to(most: int, first: pa.Table, groups: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Groups of rows until there are enough, beginning with one at hand."""
    taken = first.num_rows
    yield first
    while taken < most:
        group = next(groups, None)
        if group is None:
            return
        taken += group.num_rows
        yield group


def _check_same_rows(
    con: duckdb.DuckDBPyConnection, snapshot: Snapshot, before: Sequence[Part], after: Sequence[Part]
) -> None:
    sums = []
    for parts in (before, after):
        query = f"SELECT count(*), sum(hash(rows)) FROM ({rows_sql(snapshot, parts)}) rows"
        sums.append(con.execute(query).fetchall()[0])
    if sums[0] != sums[1]:
        raise LakeError(
            f"compaction of {snapshot.table} made {sums[1][0]} rows of {sums[0][0]}, or others; nothing was committed",
            at=snapshot.path(before[0]),
            hint="trailql lake check",
        )
