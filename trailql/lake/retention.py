"""Days that are no longer kept, and files that no table needs any more."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from trailql.errors import LakeError, UsageError
from trailql.lake.lake import REWRITING, CommitConflict, Lake, Part, Snapshot, arrow_schema
from trailql.lake.parquet import rows_sql, write_parquet
from trailql.lake.session import working_connection
from trailql.lake.storage import SCRATCH
from trailql.lake.writer import recover, stray_files, writing
from trailql.schema import TABLES

LEAST_VACUUM_HOURS = 1
"""Younger files may belong to an ingest or a query at work."""


@dataclass(slots=True)
class Expired:
    """Days that were let go, and what they held; sizes in bytes."""

    days: list[date] = field(default_factory=list)
    events: int = 0
    files: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Vacuumed:
    """Files that were deleted, or would be, relative to the lake; sizes in bytes."""

    files: list[str] = field(default_factory=list)
    bytes: int = 0


def expire(lake: Lake, *, keep_days: int, today: date | None = None, dry_run: bool = False) -> Expired:
    """
    Take whole event days out of the lake, all in one commit.

    The ledger keeps its rows, so that the log files are not read again; `expired` says how many events went from each.
    The files lie there until `vacuum`.

    Args:
        lake: The lake.
        keep_days: Days to keep: today and so many before.
        today: Instead of the current UTC day.
        dry_run: Only say what would go.

    Raises:
        UsageError: Fewer than one day is to be kept.
        LakeError: It cannot be written, or something else rewrites the lake at the same time.
    """
    if keep_days < 1:
        raise UsageError("at least one day has to be kept", hint="trailql lake expire --keep 400d")
    first_kept = (today or datetime.now(UTC).date()) - timedelta(days=keep_days)
    if dry_run:
        return _told(_old_parts(lake.snapshot("events"), first_kept))
    with writing(lake) as writer, working_connection(lake) as con:
        snapshot = lake.snapshot("events")
        old = _old_parts(snapshot, first_kept)
        if not old:
            return Expired()
        batch = writer.batch()
        now = datetime.now(UTC)
        counted = con.sql(f"""
            SELECT log_file, event_date AS day, count(*) AS rows FROM ({rows_sql(snapshot, old)})
            GROUP BY ALL ORDER BY ALL
        """).to_arrow_table()
        rows = counted.append_column("expired_at", pa.array([now] * counted.num_rows, pa.timestamp("us", tz="UTC")))
        rows = rows.append_column("batch", pa.array([batch] * counted.num_rows, pa.string()))
        schema = arrow_schema(TABLES["expired"])
        file = write_parquet(lake, rows.select(schema.names), batch, table="expired", partition={})
        try:
            snapshot.commit([], batch=batch, remove=old, alone=REWRITING)
        except CommitConflict:
            if not lake.snapshot("events").holds(batch):
                lake.storage.delete(f"expired/{file.path}")
                raise LakeError(
                    "a compaction, or another expiry, came in between; nothing has gone",
                    at=lake.root,
                    hint="run it again",
                ) from None
        lake.commit("expired", [file], batch=batch)
        return _told(old)


def vacuum(lake: Lake, *, hours: int, dry_run: bool = False) -> Vacuumed:
    """
    Delete files that are part of no table any more, or never became part of one.

    Args:
        lake: The lake.
        hours: Only files that have been out of use for longer; a query that runs longer may fail.
        dry_run: Only say which.

    Raises:
        UsageError: Less than an hour.
        LakeError: It cannot be written.
    """
    if hours < LEAST_VACUUM_HOURS:
        raise UsageError("files younger than an hour may be in use", hint="trailql lake vacuum --older-than 7d")
    if not dry_run:
        recover(lake)
    done = Vacuumed()
    oldest = time.time() - hours * 3600
    for table in TABLES:
        snapshot = lake.snapshot(table)
        if snapshot.delta is None:
            continue
        sizes = {each.path: each.size_bytes for each in lake.storage.files(table)}
        stray = [each.path for each in stray_files(lake, table) if each.modified < oldest]
        if not dry_run:
            for path in stray:
                lake.storage.delete(path)
        out_of_use = snapshot.delete_dead_files(hours, dry_run=dry_run)
        found = {*stray, *(f"{table}/{path}" for path in out_of_use)} & set(sizes)
        done.files += sorted(found)
        done.bytes += sum(sizes[path] for path in found)
    for each in lake.storage.files(SCRATCH):
        if each.modified < oldest:
            done.files.append(each.path)
            done.bytes += each.size_bytes
            if not dry_run:
                lake.storage.delete(each.path)
    return done


def _old_parts(snapshot: Snapshot, first_kept: date) -> list[Part]:
    return [part for part in snapshot.parts if part.day and part.day < first_kept]


def _told(parts: list[Part]) -> Expired:
    return Expired(
        days=sorted({part.day for part in parts if part.day}),
        events=sum(part.rows for part in parts),
        files=len(parts),
        bytes=sum(part.size_bytes for part in parts),
    )
