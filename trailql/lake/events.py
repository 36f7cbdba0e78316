"""
Rows into the `events` table, each event once.

`eventID` is the key. Records of version 1.00 have none: a hash of the record stands in. Two records with one eventID
and eventTime and different content are kept apart, and the later one is counted as a conflict.

For the check the eventIDs of those files are read whose time range overlaps the batch's on one of its days; whole rows
only of files where an eventID is met again.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trailql.lake.lake import Part, Snapshot, WrittenFile, part_of
from trailql.lake.parquet import parquet_sql, rows_sql, write_parquet
from trailql.normalize.careful import rebuild
from trailql.normalize.prepare import int32_array
from trailql.schema import PARTITION_COLUMN, RECORD_COLUMNS, SORT_COLUMNS, Column

_ROW = ", ".join([*(f'"{column.name}"' for column in RECORD_COLUMNS), "extra"])
_FIELDS = ", ".join(f'"{name}" := "{name}"' for name in [*(column.name for column in RECORD_COLUMNS), "extra"])
_CONTENT = f"sha256(to_json(struct_pack({_FIELDS}))::VARCHAR)"
_SORT = ", ".join(SORT_COLUMNS)


@dataclass(slots=True)
class FileCounts:
    """What became of one log file's records; times are UTC."""

    rows_added: int = 0
    insights_added: int = 0
    duplicates_in_file: int = 0
    duplicates_in_others: int = 0
    duplicates_read_before: int = 0
    conflicts: int = 0
    first_event_time: datetime | None = None
    last_event_time: datetime | None = None


def write_events(
    con: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    batch: str,
    rows: pa.Table,
    uris: Sequence[str],
    *,
    held_back: Sequence[WrittenFile] = (),
    number: int | None = None,
) -> tuple[list[WrittenFile], dict[int, FileCounts]]:
    """
    Write the rows that the lake does not hold yet, one sorted file an event day.

    Args:
        con: Any connection whose time zone is UTC.
        snapshot: The table `events` that the rows are checked against and written to.
        batch: The batch's id, part of the file names.
        rows: Rows of `trailql.normalize.batch`; those without `is_whole` are left out.
        uris: Log file URIs by `file_no`.
        held_back: Files that will be committed together with these rows, and count as held.
        number: Which rows of the batch these are, where it has several groups of them.

    Returns:
        The files written, for `Snapshot.commit`, and the counts by `file_no`.
    """
    rows = rows.append_column("row_no", int32_array(array("i", range(rows.num_rows))))
    names = pa.array(uris, pa.string())
    con.register("typed_rows", rows)
    con.register("log_names", pa.table({"file_no": pa.array(range(len(uris)), pa.int32()), "log_file": names}))
    con.execute("CREATE OR REPLACE TEMP VIEW typed AS FROM typed_rows WHERE is_whole")
    parts = [part_of(file) for file in held_back]
    _mark_copies(con, snapshot, _overlapping(con, snapshot.parts), _overlapping(con, parts))
    order = con.sql(f"""
        SELECT row_no, eventTime::DATE AS day FROM typed ANTI JOIN dropped USING (row_no) ORDER BY day, {_SORT}
    """).to_arrow_table()
    counts = _counts(con)
    con.execute("DROP VIEW typed")
    con.unregister("typed_rows")
    con.unregister("log_names")
    files = []
    rows = rows.combine_chunks()  # or every day would join them anew
    for day, first, count in _days(order["day"]):
        chosen = rows.take(order["row_no"].slice(first, count).combine_chunks())
        chosen = chosen.append_column("log_file", _named(chosen["file_no"].combine_chunks(), names))
        partition: dict[str, str | None] = {PARTITION_COLUMN: str(day)}
        files.append(write_parquet(snapshot.lake, chosen, batch, table="events", partition=partition, number=number))
    return files, counts


def read_back(snapshot: Snapshot, files: Sequence[WrittenFile], uris: Sequence[str]) -> pa.Table:
    """Rows that were written and not committed, as `write_events` takes them."""
    numbers = {uri: number for number, uri in enumerate(uris)}
    tables = []
    for file in files:
        with snapshot.lake.storage.open(f"events/{file.path}") as stream:
            tables.append(pq.read_table(pa.BufferReader(stream.read())))
    rows = pa.concat_tables(tables)
    log_files = rows["log_file"].combine_chunks()
    file_numbers = array("i", (numbers[uri] for uri in log_files.to_pylist()))
    return (
        rows.drop_columns(["log_file"])
        .append_column("file_no", int32_array(file_numbers))
        .append_column("record_no", int32_array(array("i", range(rows.num_rows))))
        .append_column("is_whole", pa.array([True] * rows.num_rows))
    )


def _named(file_numbers: pa.Array, names: pa.Array) -> pa.DictionaryArray:
    """File names by number, as a dictionary: a million long names need not be told apart again."""
    numbers = pc.unique(file_numbers)
    numbers = numbers.take(pc.sort_indices(numbers))  # in the order of delivery, neighbours resemble each other
    return pa.DictionaryArray.from_arrays(pc.index_in(file_numbers, numbers), names.take(numbers))


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
        SELECT t.file_no, count(*) - count(d.row_no),
            count(*) FILTER (d.kind = 'in file'), count(*) FILTER (d.kind = 'in others'),
            count(*) FILTER (d.kind = 'read before'), count(c.row_no),
            epoch_us(min(eventTime)), epoch_us(max(eventTime))
        FROM typed t LEFT JOIN dropped d USING (row_no) LEFT JOIN conflicting c USING (row_no)
        GROUP BY t.file_no
    """).fetchall()
    return {
        number: FileCounts(added, 0, in_file, in_others, before, conflicts, _moment(first), _moment(last))
        for number, added, in_file, in_others, before, conflicts, first, last in rows
    }


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def _mark_copies(
    con: duckdb.DuckDBPyConnection, snapshot: Snapshot, held: Sequence[Part], held_back: Sequence[Part]
) -> None:
    """Tables `dropped` (copies of an event held, and of which) and `conflicting` (same eventID, other content)."""
    parts = [*held, *held_back]
    met = "SELECT NULL::VARCHAR AS eventID, NULL::VARCHAR AS filename WHERE false"
    if parts:
        read = parquet_sql([snapshot.path(part) for part in parts], filename=True)
        met = f"SELECT eventID, filename FROM {read} SEMI JOIN typed USING (eventID)"
    con.execute(f"CREATE OR REPLACE TEMP TABLE met AS {met}")
    con.execute("""
        CREATE OR REPLACE TEMP TABLE repeated AS
        SELECT eventID FROM typed WHERE eventID IS NOT NULL GROUP BY eventID HAVING count(*) > 1
        UNION SELECT eventID FROM met
    """)
    again = "(eventID IS NULL OR eventID IN (FROM repeated))"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE copies AS
        SELECT 2 AS origin, file_no, record_no, row_no, eventID, eventTime, {_CONTENT} AS content, log_file
        FROM typed JOIN log_names USING (file_no) WHERE {again}
    """)
    files = {row[0] for row in con.execute("SELECT DISTINCT filename FROM met").fetchall()}
    if con.execute("SELECT 1 FROM typed WHERE eventID IS NULL LIMIT 1").fetchall():
        files = {snapshot.path(part) for part in parts}
    read_again = [
        (origin, [part for part in some if snapshot.path(part) in files])
        for origin, some in enumerate((held, held_back))
    ]
    for origin, some in read_again:
        if some:
            con.execute(f"""
                INSERT INTO copies SELECT {origin}, -1, -1, -1, eventID, eventTime, {_CONTENT}, log_file
                FROM ({rows_sql(snapshot, some)}) WHERE {again}
            """)
    _settle_conflicts(con, snapshot, read_again)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE dropped AS
        SELECT row_no, CASE
            WHEN log_file <> kept.log_file THEN 'in others' WHEN kept.origin = 0 THEN 'read before' ELSE 'in file'
        END AS kind
        FROM (
            SELECT *, row_number() OVER event AS nth, first(copies) OVER event AS kept FROM copies
            WINDOW event AS (PARTITION BY coalesce(eventID, ''), content ORDER BY origin, file_no, record_no)
        ) WHERE nth > 1 AND origin = 2
    """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE conflicting AS
        SELECT row_no FROM (
            SELECT *, row_number() OVER (PARTITION BY eventID, eventTime ORDER BY origin, file_no, record_no) AS nth
            FROM copies WHERE eventID IS NOT NULL
        ) ANTI JOIN dropped USING (row_no) WHERE origin = 2 AND nth > 1
    """)


def _overlapping(con: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> list[Part]:
    """The files that may hold an event of the batch, by day and time."""
    if not parts:
        return []
    spans = {
        day: (_moment(first), _moment(last))
        for day, first, last in con.execute("""
            SELECT eventTime::DATE, epoch_us(min(eventTime)), epoch_us(max(eventTime)) FROM typed GROUP BY ALL
        """).fetchall()
    }
    found = []
    for part in parts:
        first, last = spans.get(part.day, (None, None)) if part.day else (None, None)
        if first is None or last is None:
            continue
        if (part.first is None or part.first <= last) and (part.last is None or part.last >= first):
            found.append(part)
    return found


def _settle_conflicts(
    con: duckdb.DuckDBPyConnection, snapshot: Snapshot, read_again: Sequence[tuple[int, Sequence[Part]]]
) -> None:
    """
    Where one eventID has several contents, compare the records as JSON: another key order is no other content.
    """
    con.execute("""
        CREATE OR REPLACE TEMP TABLE differing AS
        SELECT eventID, eventTime FROM copies WHERE eventID IS NOT NULL GROUP BY ALL HAVING count(DISTINCT content) > 1
    """)
    if not _has_rows(con, "differing"):
        return
    queries = [
        f"""SELECT 2 AS origin, file_no, record_no, row_no, log_file, {_ROW}
        FROM typed JOIN log_names USING (file_no) SEMI JOIN differing USING (eventID, eventTime)"""
    ]
    queries += [
        f"""SELECT {origin}, -1, -1, -1, log_file, {_ROW} FROM ({rows_sql(snapshot, some)})
        SEMI JOIN differing USING (eventID, eventTime)"""
        for origin, some in read_again
        if some
    ]
    rows = con.sql(" UNION ALL ".join(queries)).to_arrow_table().to_pylist()
    kept = ("origin", "file_no", "record_no", "row_no", "eventID", "eventTime", "log_file")
    settled = [{**{name: row[name] for name in kept}, "content": _canonical_hash(row)} for row in rows]
    con.register("settled", pa.Table.from_pylist(settled))
    con.execute("DELETE FROM copies WHERE (eventID, eventTime) IN (SELECT (eventID, eventTime) FROM differing)")
    con.execute("""
        INSERT INTO copies SELECT origin, file_no, record_no, row_no, eventID, eventTime, content, log_file FROM settled
    """)
    con.unregister("settled")


def _canonical_hash(row: dict[str, object]) -> str:
    record = rebuild(row, exact=True)
    canonical = json.dumps(_without_nulls(record, RECORD_COLUMNS), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _without_nulls(value: Any, columns: Sequence[Column]) -> Any:
    """In records and in the structs that are columns, null and absent are one; free-form parts stay as they are."""
    if not isinstance(value, dict):
        return value
    fields = {column.name: column.fields for column in columns if column.fields}
    return {
        key: _without_nulls(inner, fields[key]) if key in fields else inner
        for key, inner in value.items()
        if inner is not None
    }
