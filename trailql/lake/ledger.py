"""The ledger: which log files the lake has seen, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import duckdb
import pyarrow as pa

from trailql.lake.lake import Lake, WrittenFile, arrow_schema
from trailql.lake.parquet import parquet_sql, write_parquet
from trailql.schema import TABLES


@dataclass(slots=True)
class LedgerRow:
    """One row of `files`; the columns are described in `trailql.schema.FILE_COLUMNS`."""

    uri: str
    size_bytes: int
    version_tag: str
    sha256_stored: str | None = None
    sha256_content: str | None = None
    content_bytes: int | None = None
    folder: str | None = None
    account: str | None = None
    region: str | None = None
    delivered_at: datetime | None = None
    container: str | None = None
    records: int = 0
    rows_added: int = 0
    duplicates_dropped: int = 0
    conflicts: int = 0
    records_filtered: int = 0
    records_set_aside: int = 0
    first_event_time: datetime | None = None
    last_event_time: datetime | None = None
    status: str = "ingested"
    reason: str | None = None
    ingested_at: datetime | None = None
    batch: str = ""


def known_files(con: duckdb.DuckDBPyConnection, lake: Lake) -> dict[tuple[str, int, str], str]:
    """
    The file versions a later ingest need not read again: (uri, size, version tag) to status.

    Files that could not be opened, and files of which a filter left records out, are not among them.
    """
    paths = lake.live_files("files")
    if not paths:
        return {}
    rows = con.sql(f"""
        SELECT uri, size_bytes, version_tag, status FROM {parquet_sql(paths)}
        WHERE records_filtered = 0 AND (sha256_stored IS NOT NULL OR status = 'skipped')
    """).to_arrow_table()
    columns = [rows.column(name).to_pylist() for name in ("uri", "size_bytes", "version_tag", "status")]
    return {(uri, size, tag): status for uri, size, tag, status in zip(*columns, strict=True)}


def write_ledger(lake: Lake, batch: str, rows: Sequence[LedgerRow]) -> WrittenFile:
    """Write ledger rows as one Parquet file, for `Lake.commit`."""
    columns = {field.name: [getattr(row, field.name) for row in rows] for field in fields(LedgerRow)}
    table = pa.table(columns, schema=arrow_schema(TABLES["files"]))
    return write_parquet(table, lake.table_path("files"), f"part-{batch}.parquet", table="files", partition={})
