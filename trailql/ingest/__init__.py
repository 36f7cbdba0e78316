"""The whole way in: sources → normalize → lake."""

from trailql.ingest.history import ingest_event_history
from trailql.ingest.logs import IngestPlan, ingest_logs, plan_ingest
from trailql.ingest.queue import QueueSummary, ingest_queue
from trailql.ingest.selection import Selection
from trailql.ingest.summary import IngestSummary

__all__ = [
    "IngestPlan",
    "IngestSummary",
    "QueueSummary",
    "Selection",
    "ingest_event_history",
    "ingest_logs",
    "ingest_queue",
    "plan_ingest",
]
