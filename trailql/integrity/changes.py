"""Changes to trails, read from log files as they pass: they explain why a chain of digests stops and begins anew."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trailql.forensics.trail_changes import TrailChange

_NAMES = ("StopLogging", "UpdateTrail", "DeleteTrail", "StartLogging")
_MENTIONED = re.compile(rb'"eventName"\s*:\s*"(?:' + "|".join(_NAMES).encode() + rb')"')


def names_trail_change(body: bytes) -> bool:
    """Whether a log file's text holds such an event."""
    return _MENTIONED.search(body) is not None


def changes_in(body: bytes) -> Iterator[TrailChange]:
    """The successful changes to trails among the records of a log file."""
    from trailql.forensics.trail_changes import TrailChange

    if not names_trail_change(body):
        return
    try:
        records = json.loads(body)["Records"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    for record in records if isinstance(records, list) else ():
        if not isinstance(record, dict) or record.get("eventName") not in _NAMES or record.get("errorCode"):
            continue
        try:
            moment = datetime.fromisoformat(str(record.get("eventTime"))).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        identity, asked = _object(record.get("userIdentity")), _object(record.get("requestParameters"))
        issuer = _object(_object(identity.get("sessionContext")).get("sessionIssuer"))
        yield TrailChange(
            time=moment,
            name=record["eventName"],
            actor=_text(issuer.get("arn"))
            or _text(identity.get("arn"))
            or _text(identity.get("invokedBy"))
            or "unknown",
            account=_text(record.get("recipientAccountId")),
            region=_text(record.get("awsRegion")),
            event_id=_text(record.get("eventID")),
            source_ip=_text(record.get("sourceIPAddress")),
            trail=_text(asked.get("name")) or _text(asked.get("trailName")),
        )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
