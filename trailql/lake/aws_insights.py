"""
CloudTrail's own Insights records, in a table of their own: they say how often an API was called, and are no events.

They come from the `CloudTrail-Insight` folders. What a record says of an API is spread over columns, the record itself
stands beside it as text, so that nothing of it is lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from trailql.lake.events import FileCounts
from trailql.lake.lake import Lake, WrittenFile, arrow_schema
from trailql.lake.parquet import rows_sql, write_parquet
from trailql.normalize.careful import rebuild
from trailql.schema import TABLES

TABLE = "aws_insights"


@dataclass(slots=True)
class InsightRows:
    """
    Records on their way into the table.

    Args:
        rows: Columns of the table but `batch`, in the order of their log files.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, rows: pa.Table, uris: Sequence[str]) -> None:
        """Take rows of `trailql.normalize.batch` with `insightDetails`; those without `is_whole` are left out."""
        for row in rows.to_pylist():
            if row["is_whole"]:
                at = row["eventTime"].astimezone(UTC)
                self.rows.append({**insight_columns(rebuild(row), at), "log_file": uris[row["file_no"]]})

    def write(
        self, con: duckdb.DuckDBPyConnection, lake: Lake, batch: str
    ) -> tuple[WrittenFile | None, dict[str, FileCounts]]:
        """
        Write what the table does not hold, to be committed.

        Args:
            con: A connection that may read the lake; its time zone is UTC.
            lake: The lake.
            batch: The batch's id.

        Returns:
            The file, None when all are copies; and what became of the records, by log file.
        """
        counts: dict[str, FileCounts] = {}
        if not self.rows:
            return None, counts
        known = _known(con, lake)
        kept = []
        for row in self.rows:
            uri, key = row["log_file"], row["record"]
            of_file = counts.setdefault(uri, FileCounts())
            at = row["event_time"]
            of_file.first_event_time = min(of_file.first_event_time or at, at)
            of_file.last_event_time = max(of_file.last_event_time or at, at)
            if key not in known:
                known[key] = uri, False
                of_file.insights_added += 1
                kept.append({**row, "batch": batch})
                continue
            other, was_there = known[key]
            if other != uri:
                of_file.duplicates_in_others += 1
            elif was_there:
                of_file.duplicates_read_before += 1
            else:
                of_file.duplicates_in_file += 1
        if not kept:
            return None, counts
        table = pa.Table.from_pylist(kept, schema=arrow_schema(TABLES[TABLE]))
        return write_parquet(lake, table, batch, table=TABLE, partition={}), counts


def _known(con: duckdb.DuckDBPyConnection, lake: Lake) -> dict[str, tuple[str, bool]]:
    snapshot = lake.snapshot(TABLE)
    if not snapshot.parts:
        return {}
    found = con.execute(f"SELECT record, log_file FROM ({rows_sql(snapshot)})").fetchall()
    return {key: (log_file, True) for key, log_file in found}


def insight_columns(record: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """
    What a record says, as columns of the table but `log_file` and `batch`; null where it says something else than a
    number or a text.

    Args:
        record: As it stood in the log file.
        at: Its eventTime, UTC.
    """
    details = _object(record.get("insightDetails"))
    context = _object(details.get("insightContext"))
    statistics = _object(context.get("statistics"))
    attributions = context.get("attributions")
    return {
        "id": _text(record.get("sharedEventID")),
        "event_id": _text(record.get("eventID")),
        "event_time": at,
        "state": _text(details.get("state")),
        "insight_type": _text(details.get("insightType")),
        "account": _text(record.get("recipientAccountId")),
        "region": _text(record.get("awsRegion")),
        "event_source": _text(details.get("eventSource")),
        "event_name": _text(details.get("eventName")),
        "error_code": _text(details.get("errorCode")),
        "insight_average": _number(_object(statistics.get("insight")).get("average")),
        "baseline_average": _number(_object(statistics.get("baseline")).get("average")),
        "insight_minutes": _number(statistics.get("insightDuration")),
        "baseline_minutes": _number(statistics.get("baselineDuration")),
        "attributions": json.dumps(attributions, ensure_ascii=False) if attributions else None,
        "record": json.dumps(record, ensure_ascii=False, separators=(",", ":")),
    }


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
