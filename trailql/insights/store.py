"""Insights kept in the lake's table `insights`: what a run has found, and what stands there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from trailql.errors import UsageError
from trailql.insights.anomaly import AttributedRate, Attribution, Insight
from trailql.lake.lake import Lake, arrow_schema
from trailql.lake.parquet import write_parquet
from trailql.lake.writer import writing
from trailql.query.engine import OpenLake
from trailql.schema import TABLES

_FIGURES = (
    "baseline_average",
    "insight_average",
    "start_average",
    "baseline_minutes",
    "insight_minutes",
    "window_minutes",
    "window_calls",
    "expected_calls",
    "false_per_week",
)
_SAME = ("insight_type", "way", "account", "region", "event_source", "event_name", "error_code", "principal", "calls")
_NEWEST = """
SELECT * FROM insights
QUALIFY row_number() OVER (PARTITION BY id ORDER BY found_at DESC, batch DESC) = 1
ORDER BY start_time, account, id
"""


def save_insights(lake: Lake, insights: Sequence[Insight], *, now: datetime | None = None) -> int:
    """
    Keep insights; those that stand there as they are are not written again.

    Args:
        lake: The lake.
        insights: What was found.
        now: The time that is written down, by default that of the clock.

    Returns:
        How many are new or have changed.

    Raises:
        LakeError: The lake cannot be written to.
    """
    known = {each.id: each for each in kept_insights(lake)}
    new = [each for each in insights if known.get(each.id) != each]
    if not new:
        return 0
    found_at = now or datetime.now(UTC)
    with writing(lake) as writer:
        batch = writer.batch()
        rows = [_row(each, found_at, batch) for each in new]
        table = pa.Table.from_pylist(rows, schema=arrow_schema(TABLES["insights"]))
        lake.commit("insights", [write_parquet(lake, table, batch, table="insights", partition={})], batch=batch)
    return len(new)


def kept_insights(lake: Lake) -> list[Insight]:
    """All that are kept, by start."""
    if lake.snapshot("insights").delta is None:
        return []
    with OpenLake(lake) as opened:
        return [_insight(row) for row in opened.sql(_NEWEST, dialect="duckdb").dicts()]


def kept_insight(lake: Lake, id: str) -> Insight:
    """
    The one of that id, or of which the id begins so.

    Raises:
        UsageError: There is none, or there are several.
    """
    found = [each for each in kept_insights(lake) if each.id.startswith(id.lower())]
    if len(found) == 1:
        return found[0]
    what = f"no insight has the id {id!r}" if not found else f"{len(found)} insights have ids that begin with {id!r}"
    raise UsageError(what, hint="trailql insights list; they are kept by trailql insights --save")


def _row(insight: Insight, found_at: datetime, batch: str) -> dict[str, Any]:
    return {
        "id": insight.id,
        **{name: getattr(insight, name) for name in _SAME},
        "start_time": insight.start,
        "end_time": insight.end,
        "figures": json.dumps({name: getattr(insight, name) for name in _FIGURES}),
        "attributions": json.dumps([_attribution_json(each) for each in insight.attributions], ensure_ascii=False),
        "found_at": found_at,
        "batch": batch,
    }


def _insight(row: dict[str, Any]) -> Insight:
    return Insight(
        **{name: row[name] for name in _SAME},
        **json.loads(row["figures"]),
        start=row["start_time"],
        end=row["end_time"],
        attributions=tuple(_attribution(each) for each in json.loads(row["attributions"])),
    )


def _attribution_json(attribution: Attribution) -> dict[str, Any]:
    parts = {"start": attribution.start, "insight": attribution.insight, "baseline": attribution.baseline}
    return {
        "attribute": attribution.attribute,
        **{name: [{"value": each.value, "average": each.average} for each in rates] for name, rates in parts.items()},
    }


def _attribution(told: dict[str, Any]) -> Attribution:
    parts = {
        name: tuple(AttributedRate(each["value"], each["average"]) for each in told[name])
        for name in ("start", "insight", "baseline")
    }
    return Attribution(told["attribute"], **parts)
