"""
The detections: SQL files whose header has a severity.

A per-event detection only filters: `SELECT * FROM events WHERE …`; each row is a finding. An aggregating one names its
columns: `first_event_time`, `last_event_time` and `event_ids` must be among them; `account`, `region`, `actor` and
`source_ip` are taken as such, and every other column is a number that made it fire.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from trailql.detect.finding import Severity
from trailql.errors import DetectionError, UsageError
from trailql.query.library import SqlFile, bundled_files, did_you_mean, find_bundled

NEEDED = ("title", "severity", "attack", "description", "quiet when", "misses", "source")
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

    @property
    def kind(self) -> str:
        """`per-event` or `aggregating`."""
        return "aggregating" if "first_event_time" in self.file.sql else "per-event"


def bundled_detections(ids: Iterable[str] = ()) -> list[Detection]:
    """
    The bundled detections, all or those named, by id or by the part after the dot.

    Raises:
        UsageError: A name that is none, or a query that is no detection.
        DetectionError: A malformed header; `at` names the file.
    """
    files = [file for file in bundled_files() if file.is_detection]
    wanted = [_named(name, files) for name in ids]
    return [detection(file) for file in wanted or files]


def _named(name: str, files: Sequence[SqlFile]) -> SqlFile:
    file = find_bundled(name)
    if file and file.is_detection:
        return file
    if file:
        raise UsageError(f"{file.id} is a query, not a detection", hint=f"trailql query {file.id}")
    near = did_you_mean(name, files)
    raise UsageError(f"no detection is called {name!r}", hint=f"{near}trailql detect --list")


def detection(file: SqlFile) -> Detection:
    """
    A SQL file as a detection.

    Raises:
        DetectionError: Its header lacks something, or says it wrongly.
    """
    for key in NEEDED:
        if not file.header.get(key):
            raise DetectionError(f"the header has no '{key}:'", at=f"{file.path}:1")
    try:
        severity = Severity.read(file.header["severity"])
    except UsageError as error:
        raise DetectionError(error.message, at=header_line(file, "severity"), hint=error.hint) from error
    attack = tuple(re.split(r"[,\s]+", file.header["attack"].strip()))
    return Detection(file, severity, attack, _span(file.header.get("lookback", "0m"), header_line(file, "lookback")))


def header_line(file: SqlFile, key: str) -> str:
    """`path:line` of a header key; of the first line where it has none."""
    lines = file.path.read_text(encoding="utf-8").splitlines()
    return f"{file.path}:{next((n for n, line in enumerate(lines, 1) if line.startswith(f'-- {key}:')), 1)}"


def _span(text: str, at: str) -> timedelta:
    match = _SPAN.match(text.strip())
    if match is None:
        raise DetectionError(f"lookback {text!r} is no span", at=at, hint="lookback: 14d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
