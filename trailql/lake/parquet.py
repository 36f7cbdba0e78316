"""Parquet files of the lake: written from Arrow by pyarrow, read by DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trailql.lake.lake import Lake, WrittenFile, arrow_schema
from trailql.schema import PARTITION_COLUMN, TABLES, walk

_ROW_GROUP_ROWS = 200_000
_PRUNED_BY = ("eventTime", "eventSource", "eventName", "awsRegion", "recipientAccountId")
_SELDOM_EQUAL = frozenset(
    """
    eventID requestID responseElements additionalEventData
    uri version_tag size_bytes content_bytes sha256_stored sha256_content first_event_time last_event_time
    """.split()
)
"""Columns a dictionary makes larger: their values hardly repeat."""
_NUMBERS = frozenset({"size_bytes", "content_bytes", "first_event_time", "last_event_time"})


def write_parquet(
    lake: Lake, rows: pa.Table, name: str, *, table: str, partition: dict[str, str | None]
) -> WrittenFile:
    """
    Write rows as one Parquet file into a table's folder; it is not part of the table before its commit.

    Args:
        lake: Where to.
        rows: The table's columns without the partition column, in the order they shall have.
        name: File name.
        table: Name of the table, which says the columns' types.
        partition: Partition column to value, empty for a table without one.
    """
    parts = [f"{column}={value}" for column, value in partition.items()]
    path = "/".join([*parts, name])
    columns = [column for column in TABLES[table] if column.name not in partition]
    stored = _as_stored(rows.select([c.name for c in columns]), arrow_schema(columns))
    size = lake.storage.write(f"{table}/{path}", lambda file: pq.write_table(stored, file, **_OPTIONS))
    return WrittenFile(
        path=path,
        size_bytes=size,
        rows=rows.num_rows,
        partition=partition,
        minimums=_bounds(rows, "min"),
        maximums=_bounds(rows, "max"),
    )


def _as_stored(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Cast to the table's types; a dictionary of its type stays one, which is how Parquet stores it anyway."""
    for number, field in enumerate(rows.schema):
        if pa.types.is_dictionary(field.type) and field.type.value_type == schema.field(number).type:
            schema = schema.set(number, field)
    return rows.cast(schema)


def _leaves() -> list[str]:
    """Column paths as Parquet knows them, of every table."""
    paths = [".".join(path) for columns in TABLES.values() for path, column in walk(columns) if not column.fields]
    return [path for path in paths if path != PARTITION_COLUMN]


def _level(path: str) -> int:
    if path in _SELDOM_EQUAL - {"uri"}:
        return 1
    return 15 if path == "log_file" else 12


_LEAVES = _leaves()
_OPTIONS: dict[str, Any] = {
    "version": "2.6",
    "compression": "zstd",
    # Ids and hashes, two thirds of the bytes, gain nothing from a higher level: random hex even grows.
    "compression_level": {path: _level(path) for path in _LEAVES},
    "row_group_size": _ROW_GROUP_ROWS,
    "use_dictionary": [path for path in _LEAVES if path not in _SELDOM_EQUAL],
    "column_encoding": dict.fromkeys(sorted(_SELDOM_EQUAL - _NUMBERS), "DELTA_LENGTH_BYTE_ARRAY"),
    "write_statistics": list(_PRUNED_BY),
    "store_schema": False,
}


def parquet_sql(paths: Sequence[str]) -> str:
    """`read_parquet` over a list of a table's files, with the partition column where their folders name it."""
    listed = ", ".join(sql_text(path) for path in paths)
    if f"/{PARTITION_COLUMN}=" not in paths[0]:
        return f"read_parquet([{listed}], hive_partitioning=false)"
    return f"read_parquet([{listed}], hive_partitioning=true, hive_types={{'{PARTITION_COLUMN}': DATE}})"


def sql_text(value: str) -> str:
    """A string as SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def _bounds(rows: pa.Table, which: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for column in _PRUNED_BY:
        if column in rows.column_names:
            value = pc.min_max(rows[column])[which].as_py()
            if value is not None and (not isinstance(value, str) or len(value) <= 64):
                found[column] = value
    return found
