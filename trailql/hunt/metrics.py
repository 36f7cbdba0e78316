"""
What a scheduler cannot see, for Prometheus' node exporter: a text file, written whole or not at all.

Source:
    https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import uuid4

_LAST_SUCCESS = "trailql_hunt_last_success_timestamp_seconds"


@dataclass(frozen=True, slots=True)
class Measured:
    """
    What a round has to tell.

    Args:
        hunt: Its name.
        ended: When it ended.
        seconds: How long it took.
        is_success: Whether it ended well.
        newest_delivery: Of the lake.
        events, files, rejected: Brought into the lake and hunted.
        findings, alerts: New ones.
        errors: What went wrong.
        open_findings: By severity.
        waiting: Alerts not delivered yet, by sink.
    """

    hunt: str
    ended: datetime
    seconds: float
    is_success: bool
    newest_delivery: datetime | None = None
    events: int = 0
    files: int = 0
    rejected: int = 0
    findings: int = 0
    alerts: int = 0
    errors: int = 0
    open_findings: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)


def write_metrics(path: Path, measured: Measured) -> None:
    """
    Write the file.

    Raises:
        OSError: It cannot be written.
    """
    text = metrics_text(measured, _success_before(path, measured.hunt))
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}-{os.getpid()}-{uuid4().hex[:8]}")
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.chmod(0o644)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def metrics_text(measured: Measured, success_before: float | None = None) -> str:
    """The file's text; a round that failed keeps the time of the last success."""
    hunt = f'hunt="{measured.hunt}"'
    success = measured.ended.timestamp() if measured.is_success else success_before
    lines: list[str] = []

    def gauge(name: str, meaning: str, values: Iterable[tuple[str, float | None]]) -> None:
        told = [(labels, value) for labels, value in values if value is not None]
        if told:
            lines.append(f"# HELP {name} {meaning}")
            lines.append(f"# TYPE {name} gauge")
            lines.extend(f"{name}{{{labels}}} {value:.15g}" for labels, value in told)

    gauge(_LAST_SUCCESS, "When a round last ended well.", [(hunt, success)])
    gauge("trailql_hunt_last_round_timestamp_seconds", "When a round last ended.", [(hunt, measured.ended.timestamp())])
    gauge("trailql_hunt_success", "Whether the last round ended well.", [(hunt, float(measured.is_success))])
    gauge("trailql_hunt_round_seconds", "How long the last round took.", [(hunt, measured.seconds)])
    lag = (measured.ended - measured.newest_delivery).total_seconds() if measured.newest_delivery else None
    gauge("trailql_hunt_lag_seconds", "Age of the newest log file in the lake.", [(hunt, lag)])
    gauge("trailql_hunt_round_files", "Log files hunted by the last round.", [(hunt, measured.files)])
    gauge("trailql_hunt_round_events", "Events hunted by the last round.", [(hunt, measured.events)])
    gauge("trailql_hunt_round_rejected_files", "Log files rejected in the last round.", [(hunt, measured.rejected)])
    gauge("trailql_hunt_round_findings", "New findings of the last round.", [(hunt, measured.findings)])
    gauge("trailql_hunt_round_alerts", "Alerts put in the outbox by the last round.", [(hunt, measured.alerts)])
    gauge("trailql_hunt_round_errors", "What went wrong in the last round.", [(hunt, measured.errors)])
    gauge(
        "trailql_hunt_open_findings",
        "Findings that are neither acknowledged nor closed.",
        [(f'{hunt},severity="{name}"', count) for name, count in sorted(measured.open_findings.items())],
    )
    gauge(
        "trailql_hunt_alerts_waiting",
        "Alerts that are not delivered yet.",
        [(f'{hunt},sink="{name}"', count) for name, count in sorted(measured.waiting.items())],
    )
    return "\n".join(lines) + "\n"


def _success_before(path: Path, hunt: str) -> float | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    found = re.search(rf'^{_LAST_SUCCESS}\{{hunt="{re.escape(hunt)}"\}} (\S+)$', text, re.MULTILINE)
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None
