"""What an ingest has done so far, counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class IngestSummary:
    """
    What one ingest did, counted.

    `problems` names every rejected file with its reason, `changed` every file that had another content before, with
    what the ledger says of that. `unread` counts the rejected ones that the next ingest tries again. `requests` are
    those sent to AWS, by operation.
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
    unread: int = 0
    requests: dict[str, int] = field(default_factory=dict)
    records: int = 0
    events_added: int = 0
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


Progress = Callable[[IngestSummary], None]
