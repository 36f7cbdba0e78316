"""The DuckDB connection that trailql's own work on a lake runs in; queries of users get another, a locked one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from trailql.lake.lake import Lake
from trailql.lake.parquet import sql_text

CPUS_A_STAGE = max(1, (os.cpu_count() or 1) // 2)
"""Threads for reading, and for DuckDB: reading, typing and writing run side by side, and more of them are slower."""


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
            con.execute(f"SET threads = {CPUS_A_STAGE}")
            con.execute("SET enable_progress_bar = false")
            con.execute("SET TimeZone = 'UTC'")
            lake.storage.prepare(con)
            yield con
        finally:
            con.close()
