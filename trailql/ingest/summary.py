"""What an ingest has done so far, counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from trailql.sources.aws import GONE, OVERWRITTEN


@dataclass(slots=True)
class IngestSummary:
    """
    What one ingest did, counted.

    `problems` names every rejected file with its reason, `changed` every file that had another content before, with
    what the ledger says of that. Of the rejected ones, `unread` counts those that are tried again, `gone` the objects
    that were not there any more, and `overwritten` those whose new version is read by itself. `notes` say what was not
    looked at, and `listed_from` from which delivery day on a bucket was listed, None for all. `first_delivery` and
    `last_delivery` are those that the names of new log files tell. `requests` are those sent to AWS, by operation.
    """

    files_seen: int = 0
    files_known: int = 0
    files_not_selected: int = 0
    files_rejected_before: int = 0
    files_to_read: int = 0
    files_done: int = 0
    ingested: int = 0
    empty: int = 0
    rejected: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    changed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unread: int = 0
    gone: int = 0
    overwritten: int = 0
    listed_from: date | None = None
    first_delivery: datetime | None = None
    last_delivery: datetime | None = None
    requests: dict[str, int] = field(default_factory=dict)
    records: int = 0
    events_added: int = 0
    insights_added: int = 0
    duplicates_dropped: int = 0
    duplicates_in_file: int = 0
    duplicates_in_others: int = 0
    duplicates_read_before: int = 0
    conflicts: int = 0
    records_filtered: int = 0
    records_set_aside: int = 0
    stored_bytes: int = 0
    content_bytes: int = 0
    seconds: float = 0.0

    def delivered(self, at: datetime | None) -> None:
        """A new log file was delivered then; None where its name does not tell."""
        if at is not None:
            self.first_delivery = min(self.first_delivery or at, at)
            self.last_delivery = max(self.last_delivery or at, at)

    def set_unread(self, reasons: Mapping[str, str]) -> None:
        """
        Sort out what could not be had.

        Args:
            reasons: Why, by URI; taken for what the counts hold already.
        """
        gone = sum(GONE in reason for reason in reasons.values())
        overwritten = sum(OVERWRITTEN in reason for reason in reasons.values())
        self.gone += gone
        self.overwritten += overwritten
        self.unread -= gone + overwritten


Progress = Callable[[IngestSummary], None]
