"""
Rows into the `events` table, each event once.

`eventID` is the key. Records of version 1.00 have none: a hash of the record stands in. Two records with one eventID
and different content are kept apart and counted as conflicts. Only the eventIDs of files whose time range overlaps
the batch are read for the check; whole rows only where an eventID is met again.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from trailql.lake.lake import Snapshot, WrittenFile
from trailql.lake.parquet import parquet_sql, write_parquet
from trailql.normalize.careful import rebuild
from trailql.normalize.prepare import int32_array
from trailql.schema import PARTITION_COLUMN, RECORD_COLUMNS, SORT_COLUMNS

_ROW = ", ".join([*(f'"{column.name}"' for column in RECORD_COLUMNS), "extra"])
_FIELDS = ", ".join(f'"{name}" := "{name}"' for name in [*(column.name for column in RECORD_COLUMNS), "extra"])
_CONTENT = f"sha256(to_json(struct_pack({_FIELDS}))::VARCHAR)"
_SORT = ", ".join(SORT_COLUMNS)


@dataclass(slots=True)
class FileCounts:
    """What became of one log file's records in one batch; times are UTC."""

    rows_added: int = 0
    duplicates_dropped: int = 0
    conflicts: int = 0
    first_event_time: datetime | None = None
    last_event_time: datetime | None = None


def write_events(
    con: duckdb.DuckDBPyConnection, snapshot: Snapshot, batch: str, rows: pa.Table, uris: Sequence[str]
) -> tuple[list[WrittenFile], dict[int, FileCounts]]:
    """
    Write the rows that the lake does not hold yet, one sorted file an event day.

    Args:
        con: Any connection whose time zone is UTC.
        snapshot: The table `events` that the rows are checked against and written to.
        batch: The batch's id, part of the file names.
        rows: Rows of `trailql.normalize.batch`; those without `is_whole` are left out.
        uris: Log file URIs by `file_no`.

    Returns:
        The files written, for `Snapshot.commit`, and the counts by `file_no`.
    """
    rows = rows.append_column("row_no", int32_array(array("i", range(rows.num_rows))))
    con.register("typed_rows", rows)
    con.execute("CREATE OR REPLACE TEMP VIEW typed AS FROM typed_rows WHERE is_whole")
    _mark_copies(con, snapshot)
    order = con.sql(f"""
        SELECT row_no, eventTime::DATE AS day FROM typed ANTI JOIN dropped USING (row_no) ORDER BY day, {_SORT}
    """).to_arrow_table()
    counts = _counts(con)
    con.execute("DROP VIEW typed")
    con.unregister("typed_rows")
    names = pa.array(uris, pa.string())
    files = []
    for day, first, count in _days(order["day"]):
        chosen = rows.take(order["row_no"].slice(first, count).combine_chunks())
        chosen = chosen.append_column("log_file", _named(chosen["file_no"].combine_chunks(), names))
        partition: dict[str, str | None] = {PARTITION_COLUMN: str(day)}
        files.append(write_parquet(snapshot.lake, chosen, f"part-{batch}.parquet", table="events", partition=partition))
    return files, counts


def _named(file_numbers: pa.Array, names: pa.Array) -> pa.DictionaryArray:
    """File names by number, as a dictionary: a million long names need not be told apart again."""
    encoded = file_numbers.dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices, names.take(encoded.dictionary))


def _days(days: pa.ChunkedArray) -> Iterator[tuple[date, int, int]]:
    """Runs of one day: the day, where it begins, how long it is."""
    ends = pc.run_end_encode(days.combine_chunks(), run_end_type=pa.int32())
    first = 0
    for day, end in zip(ends.values.to_pylist(), ends.run_ends.to_pylist(), strict=True):
        yield day, first, end - first
        first = end


def _has_rows(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(con.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall())


def _counts(con: duckdb.DuckDBPyConnection) -> dict[int, FileCounts]:
    rows = con.execute("""
        SELECT t.file_no, count(*) - count(d.row_no), count(d.row_no), count(c.row_no),
            epoch_us(min(eventTime)), epoch_us(max(eventTime))
        FROM typed t LEFT JOIN dropped d USING (row_no) LEFT JOIN conflicting c USING (row_no)
        GROUP BY t.file_no
    """).fetchall()
    return {row[0]: FileCounts(row[1], row[2], row[3], _moment(row[4]), _moment(row[5])) for row in rows}


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def _mark_copies(con: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """Tables `dropped` (copies of an event held already) and `conflicting` (same eventID, other content)."""
    paths = _overlapping_files(con, snapshot)
    held = f"SELECT eventID FROM {parquet_sql(paths)}" if paths else "SELECT NULL::VARCHAR AS eventID WHERE false"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE repeated AS
        SELECT eventID FROM typed WHERE eventID IS NOT NULL GROUP BY eventID HAVING count(*) > 1
        UNION
        SELECT eventID FROM ({held}) SEMI JOIN typed USING (eventID)
    """)
    again = "eventID IS NULL OR eventID IN (FROM repeated)"
    lake_rows = (
        f"UNION ALL SELECT true, -1, -1, -1, eventID, {_CONTENT} FROM {parquet_sql(paths)} WHERE {again}"
        if paths
        else ""
    )
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE copies AS
        SELECT false AS in_lake, file_no, record_no, row_no, eventID, {_CONTENT} AS content
        FROM typed WHERE {again} {lake_rows}
    """)
    _settle_conflicts(con, paths)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE dropped AS
        SELECT row_no FROM (
            SELECT *, row_number() OVER (
                PARTITION BY coalesce(eventID, ''), content ORDER BY in_lake DESC, file_no, record_no
            ) AS nth FROM copies
        ) WHERE nth > 1 AND NOT in_lake
    """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE conflicting AS
        SELECT row_no FROM copies ANTI JOIN dropped USING (row_no)
        WHERE NOT in_lake AND eventID IN (
            SELECT eventID FROM copies WHERE eventID IS NOT NULL GROUP BY eventID HAVING count(DISTINCT content) > 1
        )
    """)


def _overlapping_files(con: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> list[str]:
    bounds = con.execute("SELECT min(eventTime)::VARCHAR, max(eventTime)::VARCHAR FROM typed").fetchall()[0]
    if bounds[0] is None:
        return []
    return snapshot.files(f"eventTime >= '{bounds[0]}' AND eventTime <= '{bounds[1]}'")


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
    queries = [
        f"SELECT false AS in_lake, file_no, record_no, row_no, {_ROW} FROM typed SEMI JOIN differing USING (eventID)"
    ]
    if paths:
        queries.append(f"SELECT true, -1, -1, -1, {_ROW} FROM {parquet_sql(paths)} SEMI JOIN differing USING (eventID)")
    rows = con.sql(" UNION ALL ".join(queries)).to_arrow_table().to_pylist()
    settled = [
        {
            **{name: row[name] for name in ("in_lake", "file_no", "record_no", "row_no", "eventID")},
            "content": _canonical_hash(row),
        }
        for row in rows
    ]
    con.register("settled", pa.Table.from_pylist(settled))
    con.execute("DELETE FROM copies WHERE eventID IN (FROM differing)")
    con.execute("INSERT INTO copies SELECT in_lake, file_no, record_no, row_no, eventID, content FROM settled")
    con.unregister("settled")


def _canonical_hash(row: dict[str, object]) -> str:
    record = rebuild(row, exact=True)
    canonical = json.dumps(_without_nulls(record), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _without_nulls(record: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in record.items() if value is not None}
