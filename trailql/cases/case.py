"""What a case holds: findings, insights, events in order, who had whose credentials, sources, and the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trailql.detect.catalog import Detection
from trailql.detect.finding import Finding
from trailql.forensics.coverage import Coverage
from trailql.forensics.graph import Trace
from trailql.forensics.timeline import Entry
from trailql.insights.anomaly import Insight
from trailql.insights.curve import Curve


@dataclass(frozen=True, slots=True)
class Scope:
    """
    What the case is about, and how it was made.

    Args:
        title: In words.
        lake: The lake's folder or URI.
        since, until: Events of `since <= eventTime < until`.
        accounts: Only these; all when empty.
        command: The command line.
        version: trailql's.
        made_at: When, UTC.
    """

    title: str
    lake: str
    since: datetime | None
    until: datetime | None
    accounts: tuple[str, ...]
    command: str
    version: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """How much there is: events, those that failed, accounts, Regions, principals, addresses, first and last event."""

    events: int
    failed: int
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    principals: int
    addresses: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Activity:
    """
    Events in steps of equal length.

    Args:
        start: Of the first step, UTC.
        step_seconds: Length of a step.
        events, failed: By step.
    """

    start: datetime
    step_seconds: int
    events: tuple[int, ...]
    failed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """
    Where events came from.

    Args:
        address: An IP address, or the service that called.
        events, failed: How many.
        first, last: Times of the first and last event.
        principals, user_agents: Some of them, in order of the alphabet.
        principal_count, user_agent_count: How many there are.
        is_in_finding: A finding names it.
        known: What the user's own files say of it, see `trailql.detect.enrich`.
    """

    address: str
    events: int
    failed: int
    first: datetime
    last: datetime
    principals: tuple[str, ...]
    principal_count: int
    user_agents: tuple[str, ...]
    user_agent_count: int
    is_in_finding: bool
    known: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileCount:
    """Log files of the ledger by what became of them and what a verification said (None: none was made)."""

    status: str
    integrity: str | None
    files: int
    size_bytes: int
    records_set_aside: int


@dataclass(frozen=True, slots=True)
class Unread:
    """A log file that is not in the events, or not as CloudTrail wrote it, and why."""

    uri: str
    status: str
    integrity: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """
    What `gather_case` found.

    Args:
        scope: What it is about.
        figures: How much there is.
        detections: Those that ran.
        findings: The most severe first.
        excepted: Findings set apart by exceptions.
        insights: By start, with the curves of the most unusual ones.
        insights_tested: Whether some account had a baseline long enough.
        activity: None without events.
        timeline: Events folded, findings and insights, by time.
        timeline_events: How many events it stands for.
        timeline_left_out: Lines beyond the limit.
        traces: The session graphs of the actors of findings of medium severity and above.
        actors_left_out: Such actors without a graph.
        addresses: Those in findings first, then by events.
        coverage: What was delivered, and where holes are.
        file_counts: The whole ledger.
        unread: Files that were rejected or damaged, or failed their verification.
        manifest_sha256: Of the bytes `trailql lake manifest` writes.
        files: Its sources.
        files_total: How many there are; more than `files` when these were capped.
        notes: What was narrowed, in sentences.
        account_names: Names of accounts, as the user's own files have them.
    """

    scope: Scope
    figures: Figures
    detections: tuple[Detection, ...]
    findings: tuple[Finding, ...]
    excepted: int
    insights: tuple[tuple[Insight, Curve | None], ...]
    insights_tested: bool
    activity: Activity | None
    timeline: tuple[Entry, ...]
    timeline_events: int
    timeline_left_out: int
    traces: tuple[Trace, ...]
    actors_left_out: int
    addresses: tuple[Address, ...]
    coverage: Coverage
    file_counts: tuple[FileCount, ...]
    unread: tuple[Unread, ...]
    manifest_sha256: str
    files: tuple[dict[str, Any], ...]
    files_total: int
    notes: tuple[str, ...]
    account_names: Mapping[str, str] = field(default_factory=dict)

    def account(self, id: str | None) -> str:
        """An account as people read it: `production (444455556666)`, or its number alone."""
        name = self.account_names.get(id or "")
        return f"{name} ({id})" if name else id or ""
