"""What a detection reports: one documented shape for all of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from trailql.errors import UsageError


class Severity(IntEnum):
    """How bad it is if it is true; comparable."""

    INFO = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @classmethod
    def read(cls, text: str) -> Severity:
        """
        The severity of that name.

        Raises:
            UsageError: There is none.
        """
        try:
            return cls[text.strip().upper()]
        except KeyError as error:
            names = ", ".join(each.name.lower() for each in cls)
            raise UsageError(f"no severity is called {text!r}", hint=f"one of {names}") from error


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing a detection found.

    Args:
        id: The detection's id, such as `ec2.terminate_instances_burst`.
        title: The detection's title.
        severity: Of the detection.
        attack: ATT&CK technique ids.
        first_event_time, last_event_time: Of the events that made it fire; aware, UTC.
        account: The account that recorded them.
        region: Their Region; None when they come from several.
        actor: Role or user ARN behind them (never a temporary key).
        source_ip: Address or service they came from; None when several.
        event_ids: Their eventIDs, oldest first, 1,000 at most.
        numbers: The figures that made it fire, by name.
        fingerprint: Equal for the same finding in every run: a hash of detection, account, actor, source, first event.
        enrichment: What the user's own files say of account and address, see `trailql.detect.enrich`.
    """

    id: str
    title: str
    severity: Severity
    attack: tuple[str, ...]
    first_event_time: datetime
    last_event_time: datetime
    account: str | None
    region: str | None
    actor: str | None
    source_ip: str | None
    event_ids: tuple[str, ...]
    numbers: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    enrichment: dict[str, str] = field(default_factory=dict)


def fingerprint(id: str, *parts: str | None) -> str:
    """32 hex characters that stay the same while the named parts do."""
    return hashlib.sha256("\x1f".join([id, *(part or "" for part in parts)]).encode("utf-8", "replace")).hexdigest()[
        :32
    ]
