"""Parquet files of the lake, written and read by DuckDB."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from trailql.lake.lake import WrittenFile
from trailql.schema import PARTITION_COLUMN

# Bloom filters cost a third of the writing time here, and DuckDB writes them for columns nobody looks up.
_FORMAT = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1, WRITE_BLOOM_FILTER false, RETURN_STATS"
_PRUNED_BY = ("eventTime", "eventSource", "eventName", "awsRegion", "recipientAccountId")


def write_parquet(
    con: duckdb.DuckDBPyConnection, query: str, folder: Path, name: str, partition: dict[str, str | None]
) -> WrittenFile | None:
    """
    Write a query's rows as one Parquet file into a table's folder; it is not part of the table before its commit.

    Args:
        con: The connection the query runs in.
        query: SELECT with the table's columns, without the partition column.
        folder: The table's folder.
        name: File name.
        partition: Partition column to value, empty for a table without one.

    Returns:
        The file, or None when the query has no rows.
    """
    parts = [f"{column}={value}" for column, value in partition.items()]
    target = folder.joinpath(*parts, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    written = con.execute(f"COPY ({query}) TO {sql_text(str(target))} ({_FORMAT})").fetchone()
    if written is None or not written[1]:
        target.unlink(missing_ok=True)
        return None
    statistics = {name.strip('"'): values for name, values in written[4].items()}
    return WrittenFile(
        path="/".join([*parts, name]),
        size_bytes=os.path.getsize(target),
        rows=written[1],
        partition=partition,
        minimums=_bounds(statistics, "min"),
        maximums=_bounds(statistics, "max"),
    )


def parquet_sql(paths: Sequence[str]) -> str:
    """`read_parquet` over an explicit list of a table's files, with the partition column where their folders name it."""
    listed = ", ".join(sql_text(path) for path in paths)
    if f"/{PARTITION_COLUMN}=" not in paths[0]:
        return f"read_parquet([{listed}], hive_partitioning=false)"
    return f"read_parquet([{listed}], hive_partitioning=true, hive_types={{'{PARTITION_COLUMN}': DATE}})"


def sql_text(value: str) -> str:
    """A string as SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def _bounds(statistics: dict[str, dict[str, str]], which: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for column in _PRUNED_BY:
        values = statistics.get(column, {})
        if which not in values or values.get(f"{which}_is_exact") != "true":
            continue
        text = values[which]
        found[column] = datetime.fromisoformat(text) if column == "eventTime" else text
    return found
