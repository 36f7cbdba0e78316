"""
The list of everything a lake was made from, to be signed and kept: each source file, its hashes, what became of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from trailql.lake.lake import Lake
from trailql.lake.parquet import rows_sql
from trailql.lake.session import working_connection

_FIELDS = (
    "uri",
    "version_tag",
    "size_bytes",
    "sha256_stored",
    "sha256_content",
    "content_bytes",
    "container",
    "records",
    "rows_added",
    "duplicates_dropped",
    "records_filtered",
    "records_set_aside",
    "first_event_time",
    "last_event_time",
    "status",
    "reason",
)


def manifest_lines(lake: Lake) -> Iterator[str]:
    """
    The manifest as JSON, a source file a line, sorted: the same bytes for the same ledger, whenever it is asked.

    Of a version of a file that was read several times, the first reading stands for what its bytes were, and
    `rows_added` counts all of them.

    Raises:
        LakeError: The ledger cannot be read.
    """
    with working_connection(lake) as con:
        con.execute(f"CREATE VIEW ledger AS {rows_sql(lake.snapshot('files'))}")
        query = f"""
            SELECT {", ".join(_FIELDS)} FROM (
                SELECT * REPLACE (
                    sum(rows_added) OVER reading AS rows_added,
                    strftime(first_event_time, '%Y-%m-%dT%H:%M:%SZ') AS first_event_time,
                    strftime(last_event_time, '%Y-%m-%dT%H:%M:%SZ') AS last_event_time
                ), row_number() OVER (reading ORDER BY ingested_at, rows_added DESC) AS nth
                FROM ledger
                WINDOW reading AS (PARTITION BY uri, version_tag, size_bytes, sha256_stored)
            ) WHERE nth = 1
            ORDER BY uri, version_tag, size_bytes, sha256_stored
        """
        totals = con.execute("SELECT count(DISTINCT uri), coalesce(sum(rows_added), 0) FROM ledger").fetchall()[0]
        head = {"manifest_version": 1, "files": totals[0], "rows_added": int(totals[1]), "hash": "SHA-256"}
        yield json.dumps(head)[:-1] + ', "sources": ['
        before = ""
        for batch in con.sql(query).to_arrow_reader(10_000):
            for row in batch.to_pylist():
                yield before + json.dumps(_plain(row), ensure_ascii=True)
                before = ","
        yield "]}"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: int(value) if name == "rows_added" else value for name, value in row.items()}
