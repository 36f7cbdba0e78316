"""Parquet files of the lake: written from Arrow by pyarrow, read by DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trailql.errors import LakeError
from trailql.lake.lake import Lake, Part, Snapshot, WrittenFile, arrow_schema
from trailql.lake.storage import HASH, StoredFile
from trailql.normalize.dictionaries import keeping_dictionaries, plain_values
from trailql.schema import PARTITION_COLUMN, TABLES, Column, duckdb_type, walk

_ROW_GROUP_ROWS = 250_000
"""More than a batch usually has: a few rows in a group of their own would need dictionaries of their own."""
_WRITE_BYTES = 1 << 20
_PRUNED_BY = ("eventTime", "eventSource", "eventName", "awsRegion", "recipientAccountId", "delivered_at")
_SELDOM_EQUAL = frozenset(
    """
    eventID requestID responseElements additionalEventData
    uri version_tag size_bytes content_bytes sha256_stored sha256_content first_event_time last_event_time
    """.split()
)
"""Columns a dictionary makes larger: their values hardly repeat."""
_NUMBERS = frozenset({"size_bytes", "content_bytes", "first_event_time", "last_event_time"})


def write_parquet(
    lake: Lake, rows: pa.Table, batch: str, *, table: str, partition: dict[str, str | None], number: int | None = None
) -> WrittenFile:
    """
    Write rows as one Parquet file into a table's folder; it is not part of the table before its commit.

    Args:
        lake: Where to.
        rows: The table's columns without the partition column, in the order they shall have.
        batch: The batch it belongs to; with the hash of the file's bytes it makes the file's name.
        table: Name of the table, which says the columns' types.
        partition: Partition column to value, empty for a table without one.
        number: Which file of its batch and partition it is, where there are several.

    Raises:
        LakeError: No space, no permission.
    """
    return write_parquet_of([rows], lake, batch, table=table, partition=partition, number=number)


def write_parquet_of(
    groups: Iterable[pa.Table],
    lake: Lake,
    batch: str,
    *,
    table: str,
    partition: dict[str, str | None],
    number: int | None = None,
) -> WrittenFile:
    """The same from rows that come in groups, each of which becomes row groups; only one group is held at a time."""
    columns = [column for column in TABLES[table] if column.name not in partition]
    names = [column.name for column in columns]
    later = [column.name for column in columns if column.is_later]
    schema = arrow_schema(columns)
    told: list[WrittenFile] = []

    def fill(target: BinaryIO) -> None:
        writer = None
        file = pa.BufferedOutputStream(pa.PythonFile(target, mode="w"), _WRITE_BYTES)
        for rows in groups:
            stored = _as_stored(rows.select(names), schema)
            if writer is None:
                writer = pq.ParquetWriter(file, stored.schema, **_OPTIONS)
            writer.write_table(stored.cast(writer.schema), row_group_size=_ROW_GROUP_ROWS)
            nulls = {name: stored[name].null_count for name in later}
            told.append(WrittenFile("", 0, rows.num_rows, partition, _bounds(rows, "min"), _bounds(rows, "max"), nulls))
        if writer is not None:
            writer.close()
        file.flush()

    name = f"part-{batch}" if number is None else f"part-{batch}.{number}"
    parts = [table, *(f"{column}={value}" for column, value in partition.items()), f"{name}-{HASH}.parquet"]
    stored = lake.storage.write("/".join(parts), fill)
    return _together(told, stored.path.removeprefix(f"{table}/"), stored.size_bytes, partition)


def written_file(lake: Lake, table: str, stored: StoredFile) -> WrittenFile:
    """
    A Parquet file of a table without partitions that a dead writer left, for its commit.

    Raises:
        LakeError: It cannot be read.
    """
    try:
        with lake.storage.open(stored.path) as file:
            rows = pq.read_table(pa.BufferReader(file.read()))
    except (OSError, pa.ArrowException) as error:
        raise LakeError(f"cannot be read: {error}", at=f"{lake.root}/{stored.path}") from error
    later = [column.name for column in TABLES[table] if column.is_later and column.name in rows.column_names]
    return WrittenFile(
        path=stored.path.removeprefix(f"{table}/"),
        size_bytes=stored.size_bytes,
        rows=rows.num_rows,
        partition={},
        minimums=_bounds(rows, "min"),
        maximums=_bounds(rows, "max"),
        nulls={name: rows[name].null_count for name in later},
    )


def _together(told: list[WrittenFile], path: str, size_bytes: int, partition: dict[str, str | None]) -> WrittenFile:
    columns = {name for each in told for name in each.minimums}
    known = [name for name in columns if all(name in each.minimums and name in each.maximums for each in told)]
    return WrittenFile(
        path=path,
        size_bytes=size_bytes,
        rows=sum(each.rows for each in told),
        partition=partition,
        minimums={name: min(each.minimums[name] for each in told) for name in known},
        maximums={name: max(each.maximums[name] for each in told) for name in known},
        nulls={name: sum(each.nulls[name] for each in told) for name in (told[0].nulls if told else ())},
    )


def _as_stored(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Cast to the table's types; a dictionary of its type stays one, which is how Parquet stores it anyway."""
    fields = zip(schema, rows.schema, strict=True)
    return rows.cast(
        pa.schema([field.with_type(keeping_dictionaries(field.type, there.type)) for field, there in fields])
    )


def _leaves() -> list[str]:
    """Column paths as Parquet knows them, of every table."""
    paths = [".".join(path) for columns in TABLES.values() for path, column in walk(columns) if not column.fields]
    return [path for path in paths if path != PARTITION_COLUMN]


def _level(path: str) -> int:
    if path in _SELDOM_EQUAL - {"uri"}:
        return 1
    return _LEVELS.get(path, 12 if path.startswith("userIdentity") else 9)


_LEVELS = {"log_file": 15, "eventTime": 5, "requestParameters": 10}
_LEAVES = _leaves()
_OPTIONS: dict[str, Any] = {
    "version": "2.6",
    "compression": "zstd",
    # Ids and hashes, two thirds of the bytes, gain nothing from a higher level: random hex even grows.
    "compression_level": {path: _level(path) for path in _LEAVES},
    "use_dictionary": [path for path in _LEAVES if path not in _SELDOM_EQUAL],
    "column_encoding": dict.fromkeys(sorted(_SELDOM_EQUAL - _NUMBERS), "DELTA_LENGTH_BYTE_ARRAY")
    | {"additionalEventData": "DELTA_BYTE_ARRAY"},  # begins alike in neighbouring rows
    # Beyond the default, 1 MB, a column of a compacted day falls back to plain text: five times the bytes to decode.
    "dictionary_pagesize_limit": 16 << 20,
    "write_statistics": list(_PRUNED_BY),
    "store_schema": False,
}


def parquet_sql(paths: Sequence[str], *, filename: bool = False) -> str:
    """
    `read_parquet` over a list of a table's files, with the partition column where their folders name it.

    Args:
        paths: As DuckDB opens them.
        filename: Give each row's file in the column `filename`.
    """
    listed = ", ".join(sql_text(path) for path in paths)
    more = ", filename=true" if filename else ""
    if f"/{PARTITION_COLUMN}=" not in paths[0]:
        return f"read_parquet([{listed}], hive_partitioning=false{more})"
    return f"read_parquet([{listed}], hive_partitioning=true, hive_types={{'{PARTITION_COLUMN}': DATE}}{more})"


def rows_sql(snapshot: Snapshot, parts: Sequence[Part] | None = None) -> str:
    """
    A query for all columns of a table, also where its files are older than some of them.

    Args:
        snapshot: The table.
        parts: Some of its files; all of them without.
    """
    columns = TABLES[snapshot.table]
    groups: dict[frozenset[str], list[str]] = {}
    for part in snapshot.parts if parts is None else parts:
        lacking = frozenset(column.name for column in columns if column.is_later) - part.later_columns
        groups.setdefault(lacking, []).append(snapshot.path(part))
    if not groups:
        nulls = ", ".join(f'NULL::{duckdb_type(column)} AS "{column.name}"' for column in columns)
        return f"SELECT {nulls} WHERE false"
    queries = []
    for lacking, paths in groups.items():
        listed = ", ".join(
            f'{_from_extra(column, snapshot.table)} AS "{column.name}"'
            if column.name in lacking
            else f'"{column.name}"'
            for column in columns
        )
        queries.append(f"SELECT {listed} FROM {parquet_sql(paths)}")
    return " UNION ALL ".join(queries)


def _from_extra(column: Column, table: str) -> str:
    """What a file that is older than a column holds of it: its `extra` has what it could not place."""
    path = f"""'$."{column.name}"'"""
    if table == "events" and column.kind == "json":
        return f"(extra -> {path})::VARCHAR"
    fitting = {"string": "VARCHAR", "boolean": "BOOLEAN"}.get(column.kind)
    if table == "events" and fitting:
        return f"CASE WHEN json_type(extra, {path}) = '{fitting}' THEN (extra ->> {path})::{fitting} END"
    return f"NULL::{duckdb_type(column)}"


def sql_text(value: str) -> str:
    """A string as SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def _bounds(rows: pa.Table, which: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for column in _PRUNED_BY:
        # A log file whose name tells no delivery time must be found all the same: no bounds, no pruning.
        if column in rows.column_names and not (column == "delivered_at" and rows[column].null_count):
            value = pc.min_max(plain_values(rows[column]))[which].as_py()
            if value is not None and (not isinstance(value, str) or len(value) <= 64):
                found[column] = value
    return found
