"""
The detections: SQL files whose header has a severity.

A per-event detection only filters: `SELECT * FROM events WHERE …`; each row is a finding. An aggregating one names its
columns: `first_event_time`, `last_event_time` and `event_ids` must be among them; `account`, `region`, `actor` and
`source_ip` are taken as such, and every other column is a number that made it fire.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from trailql.detect.finding import Severity
from trailql.errors import DetectionError, UsageError
from trailql.query.library import SqlFile, bundled_files

_NEEDED = ("title", "severity", "attack", "description", "quiet when", "misses", "source")
_SPAN = re.compile(r"^(\d+)\s*(m|h|d)$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Detection:
    """
    One detection.

    Args:
        file: Its SQL and parameters.
        severity: Of its findings.
        attack: ATT&CK technique ids.
        lookback: How far before the asked window its SQL has to see events.
    """

    file: SqlFile
    severity: Severity
    attack: tuple[str, ...]
    lookback: timedelta

    @property
    def id(self) -> str:
        return self.file.id


def bundled_detections(ids: Iterable[str] = ()) -> list[Detection]:
    """
    The bundled detections, all or those named.

    Raises:
        UsageError: A name that is none.
        DetectionError: A malformed header; `at` names the file.
    """
    found = {file.id: detection(file) for file in bundled_files() if file.is_detection}
    wanted = list(ids)
    for id in wanted:
        if id not in found:
            raise UsageError(f"no detection is called {id!r}", hint="trailql detect --list")
    return [found[id] for id in wanted] if wanted else list(found.values())


def detection(file: SqlFile) -> Detection:
    """
    A SQL file as a detection.

    Raises:
        DetectionError: Its header lacks something, or says it wrongly.
    """
    for key in _NEEDED:
        if not file.header.get(key):
            raise DetectionError(f"the header has no '{key}:'", at=str(file.path))
    try:
        severity = Severity.read(file.header["severity"])
    except UsageError as error:
        raise DetectionError(error.message, at=str(file.path), hint=error.hint) from error
    attack = tuple(re.split(r"[,\s]+", file.header["attack"].strip()))
    return Detection(file, severity, attack, _span(file.header.get("lookback", "0m"), str(file.path)))


def _span(text: str, at: str) -> timedelta:
    match = _SPAN.match(text.strip())
    if match is None:
        raise DetectionError(f"lookback {text!r} is no span", at=at, hint="lookback: 14d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
