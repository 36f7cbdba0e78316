"""Detections tried on their samples, all cases together in a lake that is thrown away."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trailql.detect.catalog import Detection
from trailql.detect.finding import Finding
from trailql.detect.run import run_detections
from trailql.detect.samples import Case, cases_of
from trailql.errors import DetectionError
from trailql.ingest import ingest_logs


@dataclass(frozen=True, slots=True)
class Trial:
    """One case and why it fails; None when it does as it should."""

    case: Case
    failure: str | None


def try_samples(detections: Sequence[Detection]) -> list[Trial]:
    """
    Run detections over their samples.

    Raises:
        DetectionError: Samples are missing or malformed, or a detection's SQL fails.
    """
    cases: list[Case] = []
    for each in detections:
        cases += cases_of(each.id, each.file.path, number=len(cases))
    records = [record for case in cases for record in (*case.context, *case.records)]
    with tempfile.TemporaryDirectory(prefix="trailql-") as folder:
        logs, lake = Path(folder) / "logs.json", Path(folder) / "lake"
        logs.write_text(json.dumps({"Records": records}), encoding="utf-8")
        summary = ingest_logs([str(logs)], lake)
        if summary.events_added != len(records):
            wrong = next((reason for _, reason in summary.problems), "some of their events cannot be read")
            raise DetectionError(f"the samples are no CloudTrail events: {wrong}")
        found: dict[str, list[Finding]] = defaultdict(list)
        for finding in run_detections(lake, detections=detections):
            found[finding.id].append(finding)
    return [Trial(case, _failure(case, found[case.detection])) for case in cases]


def _failure(case: Case, findings: Sequence[Finding]) -> str | None:
    own = {record["eventID"]: f"{record.get('eventName')} at {record.get('eventTime')}" for record in case.records}
    around = {record["eventID"] for record in case.context}
    named = {id for each in findings if own.keys() & set(each.event_ids) for id in each.event_ids}
    if not case.fires:
        return f"is found, and should be quiet: {_some(own, named & own.keys())}" if named else None
    if missing := own.keys() - named:
        return f"{len(missing)} of {len(own)} events are not found: {_some(own, missing)}"
    return "is found together with events of other cases" if named - own.keys() - around else None


def _some(events: dict[str, str], ids: set[str]) -> str:
    shown = sorted(events[id] for id in ids)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
