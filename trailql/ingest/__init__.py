"""The whole way in: sources → normalize → lake."""

from trailql.ingest.logs import IngestPlan, ingest_logs, plan_ingest
from trailql.ingest.selection import Selection
from trailql.ingest.summary import IngestSummary

__all__ = ["IngestPlan", "IngestSummary", "Selection", "ingest_logs", "plan_ingest"]
