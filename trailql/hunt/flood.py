"""
A round that has very much to tell: people get the most severe alerts one by one, and the others as one.

The summary is an alert like others: it lies in the outbox before it is sent, with a key of its own.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from trailql.detect.finding import Severity
from trailql.hunt.config import HuntSettings
from trailql.sinks.alert import Alert, alert_key, list_step

SUMMARY = "hunt.summary"
_REASON = "summary"
_OWN = "hunt."
_MOST_FINGERPRINTS = 1000


def summed_up(alerts: Sequence[Alert], settings: HuntSettings, sink: str, *, round: str, now: datetime) -> list[Alert]:
    """
    What one sink for people is told of a round's alerts.

    Critical ones and those of the hunt's own troubles are told one by one, however many they are.

    Args:
        alerts: All that the round has to tell it.
        settings: The hunt.
        sink: The sink's name.
        round, now: Which round, and the time.

    Returns:
        The same, or the most severe and a summary of the others.
    """
    most = settings.flood
    if most is None or len(alerts) <= most:
        return list(alerts)
    severe = sorted(alerts, key=lambda each: (not _is_told_anyway(each), -each.severity))
    singly = max(most, sum(map(_is_told_anyway, alerts)))
    others = severe[singly:]
    return [*severe[:singly], *([_summary(others, settings, sink, round, now)] if others else [])]


def _is_told_anyway(alert: Alert) -> bool:
    return alert.severity >= Severity.CRITICAL or str(alert.told["id"]).startswith(_OWN)


def _summary(alerts: Sequence[Alert], settings: HuntSettings, sink: str, round: str, now: datetime) -> Alert:
    """One alert for many; its key is of theirs, so that the same round that is run again has the same one."""
    fingerprint = hashlib.sha256("\x1f".join(sorted(each.key for each in alerts)).encode()).hexdigest()[:32]
    key = alert_key(fingerprint, sink, _REASON)
    told: dict[str, Any] = {
        "id": SUMMARY,
        "title": f"{len(alerts):,} more findings in one round",
        "severity": max(each.severity for each in alerts).name.lower(),
        "attack": sorted({technique for each in alerts for technique in each.told.get("attack") or ()}),
        "first_event_time": min(each.first for each in alerts).isoformat(),
        "last_event_time": max(each.last for each in alerts).isoformat(),
        **{name: _shared(alerts, name) for name in ("account", "region", "actor", "source_ip")},
        "event_ids": [],
        "numbers": {},
        "fingerprint": fingerprint,
        "enrichment": {},
        "key": key,
        "reason": _REASON,
        "hunt": settings.name,
        "status": "open",
        "events": sum(int(each.told.get("events") or 0) for each in alerts),
        "times_seen": 1,
        "found_at": now.isoformat(),
        "description": "More alerts than hunt.flood allows were due at once.",
        "false_positives": "",
        "source": "",
        "summed_up": _groups(alerts),
        "fingerprints": [each.fingerprint for each in alerts[:_MOST_FINGERPRINTS]],
        "lake": settings.lake,
        "next_step": list_step(round, settings.lake),
    }
    return Alert(key, told)


def _groups(alerts: Sequence[Alert]) -> list[Mapping[str, Any]]:
    """How many of which severity and detection, the most severe and most frequent first."""
    counted = Counter((each.severity, str(each.told["id"])) for each in alerts)
    ordered = sorted(counted.items(), key=lambda each: (-each[0][0], -each[1], each[0][1]))
    return [{"severity": severity.name.lower(), "detection": id, "count": count} for (severity, id), count in ordered]


def _shared(alerts: Sequence[Alert], name: str) -> str | None:
    values = {each.told.get(name) for each in alerts}
    [value, *more] = values
    return None if more else value
