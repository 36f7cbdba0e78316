"""The DuckDB connection that trailql's own work on a lake runs in; queries of users get another, a locked one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from trailql.lake.lake import Lake
from trailql.lake.parquet import sql_text


@contextmanager
def working_connection(lake: Lake, memory: str = "1GB") -> Iterator[duckdb.DuckDBPyConnection]:
    """
    A connection that may read the lake, spills to disk beyond `memory`, and tells times in UTC.
    """
    with lake.storage.scratch() as scratch:
        con = duckdb.connect(config={"preserve_insertion_order": "false"})
        try:
            con.execute(f"SET memory_limit = {sql_text(memory)}")
            con.execute(f"SET temp_directory = {sql_text(scratch)}")
            con.execute("SET enable_progress_bar = false")
            con.execute("SET TimeZone = 'UTC'")
            lake.storage.prepare(con)
            yield con
        finally:
            con.close()
