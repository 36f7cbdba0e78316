"""The ledger: which log files the lake has seen, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa

from trailql.lake.lake import Lake, Snapshot, WrittenFile, arrow_schema
from trailql.lake.parquet import parquet_sql, write_parquet
from trailql.schema import TABLES
from trailql.sources.keys import INSIGHT_FOLDER


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
    duplicates_in_file: int = 0
    duplicates_in_others: int = 0
    duplicates_read_before: int = 0
    conflicts: int = 0
    records_filtered: int = 0
    records_set_aside: int = 0
    first_event_time: datetime | None = None
    last_event_time: datetime | None = None
    status: str = "ingested"
    reason: str | None = None
    ingested_at: datetime | None = None
    batch: str = ""
    integrity: str | None = None
    integrity_reason: str | None = None
    insights_added: int = 0


def compare_with_ledger(con: duckdb.DuckDBPyConnection, lake: Lake, listed: str) -> None:
    """
    Make the table `compared`: what the ledger knows of listed files.

    A version that could not be read, or of which a filter left records out, is not known.

    Args:
        con: A connection that may read the lake.
        lake: The lake.
        listed: Name of a table with `uri`, `size_bytes`, `version_tag` and any other columns.

    The table has the columns of `listed`, `status` of that very version (null when it is new), and of the newest
    other version of the URI `earlier_size`, `earlier_tag`, `earlier_sha256`, `earlier_at`.
    """
    paths = _that_may_name(con, lake.snapshot("files"), listed)
    ledger = (
        f"SELECT * FROM {parquet_sql(paths)} SEMI JOIN {listed} USING (uri)"
        if paths
        else "SELECT NULL::VARCHAR AS uri, 0 AS size_bytes, '' AS version_tag, '' AS status, 0 AS records_filtered, "
        "NULL::VARCHAR AS sha256_stored, NULL::VARCHAR AS folder, now() AS ingested_at WHERE false"
    )
    con.execute(f"""
        CREATE OR REPLACE TABLE known AS
        SELECT uri, size_bytes, version_tag, status, sha256_stored, ingested_at FROM ({ledger})
        WHERE records_filtered = 0 AND (sha256_stored IS NOT NULL OR status = 'skipped') AND status <> 'damaged'
            AND NOT (status = 'skipped' AND folder IS NOT DISTINCT FROM '{INSIGHT_FOLDER}')  -- as it once was
    """)
    con.execute(f"""
        CREATE OR REPLACE TABLE compared AS
        SELECT l.*, same.status, other.size_bytes AS earlier_size, other.version_tag AS earlier_tag,
            other.sha256_stored AS earlier_sha256, other.ingested_at AS earlier_at
        FROM {listed} l
        LEFT JOIN (
            SELECT uri, size_bytes, version_tag, arg_max(status, ingested_at) AS status FROM known GROUP BY ALL
        ) same USING (uri, size_bytes, version_tag)
        LEFT JOIN (
            SELECT k.uri, unnest(max_by(k, k.ingested_at))
            FROM known k JOIN {listed} l ON k.uri = l.uri
            WHERE k.status IN ('ingested', 'empty')
              AND (k.size_bytes, k.version_tag) IS DISTINCT FROM (l.size_bytes, l.version_tag)
            GROUP BY k.uri
        ) other ON same.status IS NULL AND other.uri = l.uri
    """)


def _that_may_name(con: duckdb.DuckDBPyConnection, snapshot: Snapshot, listed: str) -> list[str]:
    """The ledger's files that may have a row of a listed file, by the delivery times in their names."""
    minute = "regexp_extract(uri, '_([0-9]{8}T[0-9]{4})[0-9]{0,2}Z', 1)"
    first, last, is_timed = con.execute(f"""
        SELECT min(delivered), max(delivered), bool_and(delivered IS NOT NULL)
        FROM (SELECT try_strptime({minute}, '%Y%m%dT%H%M') AS delivered FROM {listed})
    """).fetchall()[0]
    if not is_timed:
        return list(map(snapshot.path, snapshot.parts))
    # A day more on either side: what counts as a delivery time is settled where names are read.
    try:
        first, last = first.replace(tzinfo=UTC) - timedelta(days=1), last.replace(tzinfo=UTC) + timedelta(days=1)
    except OverflowError:  # a name that tells of the year 1 or 9999
        return list(map(snapshot.path, snapshot.parts))
    return [
        snapshot.path(part)
        for part in snapshot.parts
        if (part.first is None or part.first <= last) and (part.last is None or part.last >= first)
    ]


def unread_files(con: duckdb.DuckDBPyConnection, lake: Lake, prefix: str) -> list[tuple[str, int, str]]:
    """
    Files below a URI prefix that could not be read and were not read since: URI, size, version tag.

    A file that has gone, or was tried for longer than the 31 days CloudTrail could still deliver it anew, is left out.
    """
    paths = lake.live_files("files")
    if not paths:
        return []
    return con.execute(
        f"""
        SELECT uri, max_by(size_bytes, ingested_at), max_by(version_tag, ingested_at) FROM {parquet_sql(paths)}
        WHERE starts_with(uri, $prefix) GROUP BY uri
        HAVING max_by(status = 'rejected' AND sha256_stored IS NULL AND reason NOT LIKE '%no such object%', ingested_at)
            AND min(ingested_at) FILTER (sha256_stored IS NULL) > now() - INTERVAL 31 DAY
        """,
        {"prefix": prefix},
    ).fetchall()


def write_ledger(lake: Lake, batch: str, rows: Sequence[LedgerRow]) -> WrittenFile:
    """Write ledger rows as one Parquet file, for `Lake.commit`."""
    columns = {field.name: [getattr(row, field.name) for row in rows] for field in fields(LedgerRow)}
    table = pa.table(columns, schema=arrow_schema(TABLES["files"]))
    return write_parquet(lake, table, batch, table="files", partition={})
