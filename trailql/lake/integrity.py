"""Verdicts on log files into the ledger: its rows written anew, in one commit."""

from __future__ import annotations

import time
from collections.abc import Iterable

import duckdb
import pyarrow as pa

from trailql.errors import LakeError
from trailql.lake.lake import REWRITING, CommitConflict, Lake, Part, WrittenFile, arrow_schema
from trailql.lake.parquet import rows_sql, write_parquet
from trailql.lake.session import working_connection
from trailql.lake.writer import Writer, writing
from trailql.schema import TABLES

_MOST_ATTEMPTS = 5

Verdict = tuple[str, str, str, str | None]
"""URI and version tag of a file, what was found, and why."""


def write_integrity(lake: Lake, verdicts: Iterable[Verdict]) -> int:
    """
    Say of files in the ledger what a verification found.

    Args:
        lake: The lake.
        verdicts: Files that the ledger does not know are left out.

    Returns:
        How many rows have another verdict than before.

    Raises:
        LakeError: It cannot be written, or other commands rewrite the lake all the time.
    """
    names = ("uri", "version_tag", "integrity", "integrity_reason")
    columns = list(zip(*verdicts, strict=True)) or [()] * len(names)
    found = pa.table({name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)})
    with writing(lake) as writer, working_connection(lake) as con:
        con.register("verdicts_given", found)
        con.execute("CREATE TEMP TABLE verdicts AS SELECT DISTINCT ON (uri, version_tag) * FROM verdicts_given")
        for attempt in range(_MOST_ATTEMPTS):
            try:
                return _rewrite(con, lake, writer)
            except CommitConflict:
                time.sleep(0.2 * 2**attempt)
    raise LakeError("something else rewrites the lake right now", at=lake.root, hint="run it again")


def _rewrite(con: duckdb.DuckDBPyConnection, lake: Lake, writer: Writer) -> int:
    snapshot = lake.snapshot("files")
    if snapshot.delta is None:
        return 0
    snapshot = snapshot.with_all_columns()
    batch = writer.batch()
    files: list[WrittenFile] = []
    parts: list[Part] = []
    count = 0
    names = arrow_schema(TABLES["files"]).names
    try:
        for part in snapshot.parts:
            changed: int = con.execute(
                f"SELECT count(*) FROM ({rows_sql(snapshot, [part])}) AS f JOIN verdicts v USING (uri, version_tag) "
                "WHERE (f.integrity, f.integrity_reason) IS DISTINCT FROM (v.integrity, v.integrity_reason)"
            ).fetchall()[0][0]
            if not changed:
                continue
            rows = con.sql(f"""
                SELECT f.* REPLACE (
                    CASE WHEN v.uri IS NULL THEN f.integrity ELSE v.integrity END AS integrity,
                    CASE WHEN v.uri IS NULL THEN f.integrity_reason ELSE v.integrity_reason END AS integrity_reason
                )
                FROM ({rows_sql(snapshot, [part])}) AS f
                LEFT JOIN verdicts v ON v.uri = f.uri AND v.version_tag = f.version_tag
                ORDER BY f.delivered_at, f.uri, f.ingested_at
            """).to_arrow_table()
            count += changed
            parts.append(part)
            files.append(write_parquet(lake, rows.select(names), batch, table="files", partition={}, number=len(files)))
        if files:
            snapshot.commit(files, batch=batch, remove=parts, alone=REWRITING)
    except BaseException:
        if not lake.snapshot("files").holds(batch):
            for file in files:
                lake.storage.delete(f"files/{file.path}")
        raise
    return count
