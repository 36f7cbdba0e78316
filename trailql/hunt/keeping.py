"""
The hunt's own tables do not grow for ever: old findings go, delivered alerts go, old rounds become one row.

Each table is written anew without what goes, in one commit that either gets through or leaves everything as it was; the
files before it lie there until `vacuum`. What somebody appends meanwhile stays.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from trailql.lake.lake import REWRITING, CommitConflict, Lake, arrow_schema
from trailql.lake.parquet import rows_sql, write_parquet_of
from trailql.lake.session import working_connection
from trailql.lake.writer import Writer, writing
from trailql.schema import TABLES

SENT_DAYS = 30
"""Alerts that were delivered stay so long in the outbox."""
ROUNDS_DAYS = 30
"""Rounds stay so long as rows of their own."""
_LEAST_ROUNDS = 200
"""So many old rounds are worth writing the table anew."""
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class LetGo:
    """Rows that went from each table; in `hunts` those that became one."""

    findings: int = 0
    outbox: int = 0
    hunts: int = 0


_OLD_FINDINGS = """
SELECT fingerprint FROM ({rows}) GROUP BY fingerprint
HAVING max(recorded_at) < $before AND coalesce(max(last_event_time) < $before, true)
    AND bool_and(hunt IS NULL OR hunt = $hunt)
"""

_SENT_ALERTS = """
SELECT key FROM ({rows}) WHERE hunt = $hunt GROUP BY key
HAVING bool_or(state = 'sent') AND max(recorded_at) < $before
"""

_FOLDED = """
SELECT count(*) AS rounds, to_json(list_sort(list_distinct(flatten(list(batches::JSON::VARCHAR[]))))) AS batches,
       max_by(rules, ended_at) FILTER (rules IS NOT NULL) AS rules, min(started_at) AS started_at,
       max(ended_at) AS ended_at, sum(files)::BIGINT AS files, sum(events)::BIGINT AS events,
       min(first_event_time) AS first_event_time, max(last_event_time) AS last_event_time,
       sum(findings)::BIGINT AS findings, sum(alerts)::BIGINT AS alerts, max_by(round, ended_at) AS round
FROM ({rows}) WHERE hunt = $hunt AND ended_at < $before
"""


def let_go(lake: Lake, hunt: str, *, findings_days: int | None, now: datetime) -> LetGo:
    """
    Take out of `findings`, `outbox` and `hunts` what a hunt does not need any more.

    A finding goes when it has not grown, and nobody has changed its status, for so long; an alert when it was delivered
    30 days ago, never one that waits. Rounds older than 30 days become one row, which has hunted what they had.

    Args:
        lake: The lake.
        hunt: Name of the hunt; what others have found or told stays.
        findings_days: Days that findings are kept; None keeps all. More than `HuntSettings.oldest`: what is hunted once
            more would else be new.
        now: The time.

    Raises:
        LakeError: It cannot be written.
    """
    with writing(lake) as writer, working_connection(lake) as con:
        kept = _Tables(lake, writer, con, hunt)
        return LetGo(
            0 if findings_days is None else kept.findings(now - timedelta(days=findings_days)),
            kept.outbox(now - timedelta(days=SENT_DAYS)),
            kept.hunts(now - timedelta(days=ROUNDS_DAYS)),
        )


class _Tables:
    """The tables of one hunt, by one writer."""

    def __init__(self, lake: Lake, writer: Writer, con: duckdb.DuckDBPyConnection, hunt: str) -> None:
        self._lake = lake
        self._writer = writer
        self._con = con
        self._hunt = hunt

    def findings(self, before: datetime) -> int:
        return self._without("findings", "fingerprint", _OLD_FINDINGS, before)

    def outbox(self, before: datetime) -> int:
        return self._without("outbox", "key", _SENT_ALERTS, before)

    def hunts(self, before: datetime) -> int:
        values = {"hunt": self._hunt, "before": before}

        def folded(rows: str) -> tuple[int, str, list[pa.Table]]:
            told = self._con.sql(_FOLDED.format(rows=rows), params=values).to_arrow_table().to_pylist()[0]
            kept = f"SELECT * FROM ({rows}) WHERE hunt <> $hunt OR ended_at >= $before"
            if told["rounds"] < _LEAST_ROUNDS:
                return 0, "", []
            return told["rounds"], kept, [_one_row(told, self._hunt)]

        return self._rewritten("hunts", folded, values)

    def _without(self, table: str, key: str, query: str, before: datetime) -> int:
        values = {"hunt": self._hunt, "before": before}

        def without(rows: str) -> tuple[int, str, list[pa.Table]]:
            self._con.execute(f"CREATE OR REPLACE TEMP TABLE gone AS {query.format(rows=rows)}", values)
            [(count,)] = self._con.execute(f"SELECT count(*) FROM ({rows}) SEMI JOIN gone USING ({key})").fetchall()
            return count, f"SELECT * FROM ({rows}) ANTI JOIN gone USING ({key})", []

        return self._rewritten(table, without, {})

    def _rewritten(
        self, table: str, change: Callable[[str], tuple[int, str, list[pa.Table]]], values: dict[str, Any]
    ) -> int:
        """
        Write a table anew.

        Args:
            table: Which.
            change: Given SQL of its rows, how many go, SQL of those that stay, and rows to add.
            values: Parameters of that SQL.
        """
        snapshot = self._lake.snapshot(table)
        if not snapshot.parts:
            return 0
        snapshot = snapshot.with_all_columns()
        count, kept, added = change(rows_sql(snapshot))
        if not count:
            return 0
        batch = self._writer.batch()  # of this table alone: a dead writer's batch is one that other tables do not have
        reader = self._con.sql(kept, params=values).to_arrow_reader(_ROWS_AT_ONCE)
        groups = [*added, *(pa.Table.from_batches([each]) for each in reader)]
        files = [write_parquet_of(groups, self._lake, batch, table=table, partition={})] if groups else []
        try:
            snapshot.commit(files, batch=batch, remove=snapshot.parts, alone=REWRITING, drops_rows=True)
        except CommitConflict:
            if not self._lake.snapshot(table).holds(batch):
                for file in files:
                    self._lake.storage.delete(f"{table}/{file.path}")
                return 0  # a compaction came in between; tomorrow is another day
        return count


def _one_row(told: dict[str, Any], hunt: str) -> pa.Table:
    row = {
        **told,
        "hunt": hunt,
        "status": "folded",
        "batches": json.dumps(json.loads(told["batches"])),
        "reason": f"{told['rounds']:,} rounds in one row",
    }
    schema = arrow_schema(TABLES["hunts"])
    return pa.table({name: [row.get(name)] for name in schema.names}, schema=schema)
