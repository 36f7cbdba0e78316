"""
Rows into the `events` table, each event once.

`eventID` is the key. Records of version 1.00 have none: a hash of the record stands in. Two records with one eventID
and different content are kept apart and counted as conflicts. Only the eventIDs of files whose time range overlaps
the batch are read for the check; whole rows only where an eventID is met again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import duckdb
import pyarrow as pa

from trailql.lake.lake import Lake, WrittenFile
from trailql.lake.parquet import parquet_sql, write_parquet
from trailql.normalize.careful import rebuild
from trailql.schema import RECORD_COLUMNS, SORT_COLUMNS

_ROW = ", ".join([*(f'"{column.name}"' for column in RECORD_COLUMNS), "extra"])
_CONTENT = "sha256(to_json(struct_pack({})::VARCHAR)".format(
    ", ".join(f'"{name}" := "{name}"' for name in [*(column.name for column in RECORD_COLUMNS), "extra"]) + ")"
)


@dataclass(slots=True)
class FileCounts:
    """What became of one log file's records in one batch; times are UTC."""

    rows_added: int = 0
    duplicates_dropped: int = 0
    conflicts: int = 0
    first_event_time: datetime | None = None
    last_event_time: datetime | None = None


def write_events(
    con: duckdb.DuckDBPyConnection, lake: Lake, batch: str, uris: Sequence[str]
) -> tuple[list[WrittenFile], dict[int, FileCounts]]:
    """
    Write the rows of the temporary table `typed` that the lake does not hold yet, one file an event day.

    Args:
        con: Connection with `typed` (`trailql.normalize.batch`).
        lake: Where to.
        batch: The batch's id, part of the file names.
        uris: Log file URIs by `file_no`.

    Returns:
        The files written, for `Lake.commit`, and the counts by `file_no`.
    """
    _mark_copies(con, lake)
    con.register("batch_files", pa.table({"file_no": pa.array(range(len(uris)), pa.int32()), "log_file": list(uris)}))
    files = []
    kept = "typed ANTI JOIN dropped USING (file_no, record_no)" if _has_rows(con, "dropped") else "typed"
    for day in _days(con):
        since = datetime(day.year, day.month, day.day, tzinfo=UTC)
        query = f"""
            SELECT {_ROW}, log_file FROM {kept} JOIN batch_files USING (file_no)
            WHERE eventTime >= '{since.isoformat()}' AND eventTime < '{_next_day(since)}'
            ORDER BY {", ".join(SORT_COLUMNS)}
        """
        written = write_parquet(con, query, lake.table_path("events"), f"part-{batch}.parquet", {"event_date": str(day)})
        if written:
            files.append(written)
    counts = _counts(con)
    con.unregister("batch_files")
    return files, counts


def _days(con: duckdb.DuckDBPyConnection) -> list[date]:
    return [row[0] for row in con.execute("SELECT DISTINCT eventTime::DATE AS day FROM typed ORDER BY day").fetchall()]


def _next_day(since: datetime) -> str:
    try:
        return (since + timedelta(days=1)).isoformat()
    except OverflowError:  # the last day Python knows
        return "infinity"


def _has_rows(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(con.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall())


def _counts(con: duckdb.DuckDBPyConnection) -> dict[int, FileCounts]:
    rows = con.execute("""
        SELECT t.file_no, count(*) - count(d.file_no), count(d.file_no), count(c.file_no),
            epoch_us(min(eventTime)), epoch_us(max(eventTime))
        FROM typed t
        LEFT JOIN dropped d USING (file_no, record_no) LEFT JOIN conflicting c USING (file_no, record_no)
        GROUP BY t.file_no
    """).fetchall()
    return {row[0]: FileCounts(row[1], row[2], row[3], _moment(row[4]), _moment(row[5])) for row in rows}


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def _mark_copies(con: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Tables `dropped` (copies of an event held already) and `conflicting` (same eventID, other content)."""
    paths = _overlapping_files(con, lake)
    held = f"SELECT eventID FROM {parquet_sql(paths)}" if paths else "SELECT NULL::VARCHAR AS eventID WHERE false"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE repeated AS
        SELECT eventID FROM typed WHERE eventID IS NOT NULL GROUP BY eventID HAVING count(*) > 1
        UNION
        SELECT eventID FROM ({held}) SEMI JOIN typed USING (eventID)
    """)
    again = "eventID IS NULL OR eventID IN (FROM repeated)"
    lake_rows = f"UNION ALL SELECT true, -1, -1, eventID, {_CONTENT} FROM {parquet_sql(paths)} WHERE {again}" if paths else ""
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE copies AS
        SELECT false AS in_lake, file_no, record_no, eventID, {_CONTENT} AS content FROM typed WHERE {again} {lake_rows}
    """)
    _settle_conflicts(con, paths)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE dropped AS
        SELECT file_no, record_no FROM (
            SELECT *, row_number() OVER (
                PARTITION BY coalesce(eventID, ''), content ORDER BY in_lake DESC, file_no, record_no
            ) AS nth FROM copies
        ) WHERE nth > 1 AND NOT in_lake
    """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE conflicting AS
        SELECT file_no, record_no FROM copies ANTI JOIN dropped USING (file_no, record_no)
        WHERE NOT in_lake AND eventID IN (
            SELECT eventID FROM copies WHERE eventID IS NOT NULL GROUP BY eventID HAVING count(DISTINCT content) > 1
        )
    """)


def _overlapping_files(con: duckdb.DuckDBPyConnection, lake: Lake) -> list[str]:
    bounds = con.execute("SELECT min(eventTime)::VARCHAR, max(eventTime)::VARCHAR FROM typed").fetchone()
    if bounds is None or bounds[0] is None:
        return []
    return lake.live_files("events", f"eventTime >= '{bounds[0]}' AND eventTime <= '{bounds[1]}'")


def _settle_conflicts(con: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> None:
    """
    Where one eventID has several contents, compare the records as JSON: another key order is no other content.
    """
    con.execute("""
        CREATE OR REPLACE TEMP TABLE differing AS
        SELECT eventID FROM copies WHERE eventID IS NOT NULL GROUP BY eventID HAVING count(DISTINCT content) > 1
    """)
    if not _has_rows(con, "differing"):
        return
    queries = [f"SELECT false AS in_lake, file_no, record_no, {_ROW} FROM typed SEMI JOIN differing USING (eventID)"]
    if paths:
        queries.append(f"SELECT true, -1, -1, {_ROW} FROM {parquet_sql(paths)} SEMI JOIN differing USING (eventID)")
    rows = con.sql(" UNION ALL ".join(queries)).to_arrow_table().to_pylist()
    settled = [
        {**{name: row[name] for name in ("in_lake", "file_no", "record_no", "eventID")}, "content": _canonical_hash(row)}
        for row in rows
    ]
    con.register("settled", pa.Table.from_pylist(settled))
    con.execute("DELETE FROM copies WHERE eventID IN (FROM differing)")
    con.execute("INSERT INTO copies SELECT in_lake, file_no, record_no, eventID, content FROM settled")
    con.unregister("settled")


def _canonical_hash(row: dict[str, object]) -> str:
    canonical = json.dumps(_without_nulls(rebuild(row)), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _without_nulls(record: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in record.items() if value is not None}
