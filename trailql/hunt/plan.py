"""What a round would do: `trailql hunt --dry-run`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from trailql.errors import LakeError, TrailqlError
from trailql.hunt.config import HuntSettings
from trailql.hunt.looking import pending_rules, rules_of
from trailql.hunt.outbox import waiting
from trailql.hunt.state import Fresh, Past, fresh_files, past_rounds
from trailql.ingest import plan_ingest
from trailql.lake.lake import open_lake_folder
from trailql.lake.retention import expire
from trailql.lake.session import working_connection
from trailql.sources.aws import Aws

_MEMORY = "256MB"


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What a round would do.

    Args:
        to_read: By source: log files and bytes to read, or why it cannot be said.
        unhunted: Files and events of the lake that are not hunted yet.
        detections: How many run.
        pending_rules: Which are new or changed.
        waiting: Alerts to deliver, by sink.
        sinks: Where alerts go, from which severity on.
        keep: What would be let go, compacted, deleted.
    """

    to_read: list[tuple[str, str]]
    unhunted: Fresh
    detections: int
    pending_rules: list[str]
    waiting: dict[str, int]
    sinks: list[tuple[str, str]]
    keep: list[str]


def plan_round(settings: HuntSettings, *, now: datetime | None = None) -> Plan:
    """
    What `run_round` would do, without doing any of it.

    Raises:
        UsageError, DetectionError, LakeError: As `run_round`.
    """
    rules = rules_of(settings)
    now = now or datetime.now(UTC)
    to_read = [(source, _planned(settings, source)) for source in settings.sources]
    if settings.queue:
        to_read.append((settings.queue, f"what it announces within {settings.queue_for}"))
    fresh, past, keep = Fresh(), Past(frozenset(), None, None), []
    left: dict[str, int] = {}
    try:
        lake = open_lake_folder(settings.lake)
    except LakeError as error:
        if "there is no lake" not in error.message:
            raise
    else:
        with working_connection(lake, _MEMORY) as con:
            past = past_rounds(con, lake, settings.name)
            fresh = fresh_files(con, lake, past.hunted)
            _, left = waiting(con, lake, settings.name, now)
        if settings.keep.events_days:
            gone = expire(lake, keep_days=settings.keep.events_days, today=now.date(), dry_run=True)
            keep.append(f"{len(gone.days):,} days with {gone.events:,} events would go")
    sinks = [(each.name, f"{each.kind}, {each.min_severity.name.lower()} and above") for each in settings.sinks]
    return Plan(to_read, fresh, len(rules.detections), pending_rules(past, rules), left, sinks, keep)


def _planned(settings: HuntSettings, source: str) -> str:
    try:
        plan = plan_ingest([source], settings.lake, relist_days=settings.relist_days, aws=Aws(settings.access))
    except TrailqlError as error:
        return str(error)
    return f"{plan.files_to_read:,} log files, {plan.bytes_to_read / 1e6:,.1f} MB"
