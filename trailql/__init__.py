"""
trailql: the CloudTrail lake you own.

    from trailql import ingest_logs, open_lake, run_detections, find_insights

Each of these loads what it needs when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trailql.errors import (
    BadLogFile,
    DetectionError,
    LakeError,
    QueryError,
    SourceError,
    TrailqlError,
    UsageError,
)

if TYPE_CHECKING:
    from trailql.detect.finding import Finding
    from trailql.ingest import IngestSummary
    from trailql.insights.anomaly import Insight
    from trailql.query.engine import OpenLake

__version__ = "0.1.0"

__all__ = [
    "BadLogFile",
    "DetectionError",
    "LakeError",
    "QueryError",
    "SourceError",
    "TrailqlError",
    "UsageError",
    "find_insights",
    "ingest_logs",
    "open_lake",
    "run_detections",
]


def ingest_logs(*arguments: Any, **options: Any) -> IngestSummary:
    """Bring log files into a lake, each event once; see `trailql.ingest.ingest_logs`."""
    from trailql.ingest import ingest_logs as run

    return run(*arguments, **options)


def open_lake(*arguments: Any, **options: Any) -> OpenLake:
    """Open a lake for SQL; see `trailql.query.engine.open_lake`."""
    from trailql.query.engine import open_lake as run

    return run(*arguments, **options)


def run_detections(*arguments: Any, **options: Any) -> list[Finding]:
    """Run the bundled detections over a lake; see `trailql.detect.run.run_detections`."""
    from trailql.detect.run import run_detections as run

    return run(*arguments, **options)


def find_insights(*arguments: Any, **options: Any) -> list[Insight]:
    """Find unusual API activity in a lake; see `trailql.insights.run.find_insights`."""
    from trailql.insights.run import find_insights as run

    return run(*arguments, **options)
