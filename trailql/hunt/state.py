"""
What a hunt remembers, in the lake: which ingest batches it has hunted, what it has found, what is to be delivered.

The watermark is a set of batches, not a time: a batch that was committed late, by another machine, or for events of
last month is one that was not hunted yet. A round is one commit to `hunts`; its rows of `findings` and `outbox` were
written before it and follow it, also after a crash (`trailql.lake.writer`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from trailql.errors import BusyError
from trailql.lake.lake import HUNTING, CommitConflict, Lake, Snapshot, WrittenFile, arrow_schema
from trailql.lake.parquet import rows_sql, write_parquet
from trailql.lake.writer import Writer
from trailql.schema import TABLES

Row = dict[str, Any]


@dataclass(slots=True)
class Fresh:
    """
    What the lake holds and the hunt has not seen.

    Args:
        batches: Ingest batches.
        files, events: In them.
        first, last: Event times of theirs.
        days: UTC days their events lie on, in order.
        rejected: Log files that were rejected, with the reason.
    """

    batches: list[str] = field(default_factory=list)
    files: int = 0
    events: int = 0
    first: datetime | None = None
    last: datetime | None = None
    days: list[date] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Past:
    """
    Earlier rounds of a hunt.

    Args:
        hunted: The batches they hunted.
        rules: Detections that are known, with their hashes; None before the first round.
        last: When the last round that wrote anything ended; None before the first.
        snapshot: The table they were read from: the next round is committed from it.
    """

    hunted: frozenset[str]
    rules: Mapping[str, str] | None
    last: datetime | None
    snapshot: Snapshot | None = None


def past_rounds(con: duckdb.DuckDBPyConnection, lake: Lake, hunt: str, *, to_write: bool = False) -> Past:
    """What the rounds of a hunt have left; `to_write` makes the table where it is not there."""
    snapshot = lake.snapshot_to_write("hunts") if to_write else lake.snapshot("hunts")
    if not snapshot.parts:
        return Past(frozenset(), None, None, snapshot)
    hunted: set[str] = set()
    rules, last = None, None
    asked = con.execute(
        f"SELECT batches, rules, epoch_us(ended_at) FROM ({rows_sql(snapshot)}) WHERE hunt = $hunt ORDER BY ended_at",
        {"hunt": hunt},
    )
    for batches, told, ended in asked.fetchall():
        hunted.update(json.loads(batches))
        rules = json.loads(told) if told else rules
        last = _instant(ended) or last
    return Past(frozenset(hunted), rules, last, snapshot)


_FRESH = """
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT uri, batch, status, reason, rows_added, first_event_time AS first, last_event_time AS last
FROM ({rows}) WHERE batch IN (SELECT unnest($batches::VARCHAR[]))
"""

_DAYS = """
SELECT DISTINCT unnest(generate_series(first::DATE, last::DATE, INTERVAL 1 DAY))::DATE AS day
FROM fresh WHERE rows_added > 0 AND first IS NOT NULL ORDER BY day
"""


def fresh_files(con: duckdb.DuckDBPyConnection, lake: Lake, hunted: frozenset[str]) -> Fresh:
    """
    What was ingested and not hunted.

    A ledger file that an ingest wrote holds one batch and bears its name: those that are known are not opened.
    """
    snapshot = lake.snapshot("files")
    parts = [part for part in snapshot.parts if part.batch not in hunted]
    if not parts:
        return Fresh()
    rows = rows_sql(snapshot, parts)
    # One column first: a compacted ledger of years holds little that is new, and mostly nothing.
    told = {batch for (batch,) in con.execute(f"SELECT DISTINCT batch FROM ({rows})").fetchall()}
    batches = sorted(told - hunted)
    if not batches:
        return Fresh()
    con.execute(_FRESH.format(rows=rows), {"batches": batches})
    [(files, events, first, last)] = con.execute("""
        SELECT count(*), coalesce(sum(rows_added), 0), epoch_us(min(first) FILTER (rows_added > 0)),
               epoch_us(max(last) FILTER (rows_added > 0)) FROM fresh
    """).fetchall()
    return Fresh(
        batches=batches,
        files=files,
        events=int(events),
        first=_instant(first),
        last=_instant(last),
        days=[day for (day,) in con.execute(_DAYS).fetchall()],
        rejected=con.execute(
            "SELECT uri, coalesce(reason, '') FROM fresh WHERE status = 'rejected' ORDER BY 1"
        ).fetchall(),
    )


def newest_delivery(con: duckdb.DuckDBPyConnection, lake: Lake) -> datetime | None:
    """When the newest log file of the lake was delivered; where no name tells, its last event."""
    snapshot = lake.snapshot("files")
    if not snapshot.parts:
        return None
    query = f"SELECT epoch_us(max(coalesce(delivered_at, last_event_time))) FROM ({rows_sql(snapshot)})"
    return _instant(con.execute(query).fetchall()[0][0])


@dataclass(slots=True)
class Written:
    """
    Rows a round leaves; those of one table have the same keys.

    Args:
        hunts: One row, the round itself.
        findings, outbox: What goes with it.
    """

    hunts: Row
    findings: list[Row] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)


def write_round(lake: Lake, writer: Writer, past: Past, written: Written) -> None:
    """
    Commit a round: all of it or nothing.

    Args:
        lake, writer: Where, and who.
        past: What it began with, read with `to_write`.
        written: Its rows.

    Raises:
        BusyError: Another round of the hunt has committed since this one began.
        LakeError: It cannot be written.
    """
    batch = writer.batch()
    name = f"{HUNTING}-{written.hunts['hunt']}"
    assert past.snapshot is not None
    files = {
        table: _written(lake, table, rows, batch)
        for table, rows in (("hunts", [written.hunts]), ("findings", written.findings), ("outbox", written.outbox))
        if rows
    }
    try:
        past.snapshot.commit([files["hunts"]], batch=batch, alone=name)
    except CommitConflict:
        if not lake.snapshot("hunts").holds(batch):  # else it was this very commit, whose answer got lost
            for table, file in files.items():
                lake.storage.delete(f"{table}/{file.path}")
            raise BusyError(
                "another round of the hunt has committed meanwhile", at=lake.root, hint="run it again"
            ) from None
    for table in ("findings", "outbox"):
        if table in files:
            lake.commit(table, [files[table]], batch=batch)


def append(lake: Lake, writer: Writer, table: str, rows: Sequence[Row]) -> None:
    """Commit rows to one table."""
    if rows:
        batch = writer.batch()
        lake.commit(table, [_written(lake, table, rows, batch)], batch=batch)


def _written(lake: Lake, table: str, rows: Iterable[Row], batch: str) -> WrittenFile:
    schema = arrow_schema(TABLES[table])
    columns = {name: [row.get(name) for row in rows] for name in schema.names}
    columns["batch"] = [batch] * len(columns["batch"])
    return write_parquet(lake, pa.table(columns, schema=schema), batch, table=table, partition={})


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else datetime.fromtimestamp(microseconds / 1_000_000, UTC)


def utc(value: Any) -> Any:
    """A time out of DuckDB in UTC; anything else as it is."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value
