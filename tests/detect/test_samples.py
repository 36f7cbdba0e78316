"""Every detection against its samples: what must fire does, what looks like it stays quiet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trailql.detect.catalog import Detection, bundled_detections
from trailql.detect.finding import Finding
from trailql.detect.run import run_detection
from trailql.ingest import ingest_logs
from trailql.lake.lake import open_lake_folder

_SAMPLES = Path(__file__).resolve().parents[1] / "detections"
_ALL = bundled_detections()


def _cases(detection: Detection, name: str) -> list[dict[str, Any]]:
    return json.loads(_SAMPLES.joinpath(*detection.id.split("."), f"{name}.json").read_text())


def _run(detection: Detection, cases: list[dict[str, Any]], folder: Path) -> list[Finding]:
    records = [record for case in cases for part in ("context", "records") for record in case[part]]
    logs = folder / "logs.json"
    logs.write_text(json.dumps({"Records": records}))
    summary = ingest_logs([str(logs)], folder / "lake")
    assert len(records) == summary.events_added
    return run_detection(open_lake_folder(folder / "lake"), detection)


def _ids(records: list[dict[str, Any]]) -> set[str]:
    return {record["eventID"] for record in records}


@pytest.mark.parametrize("detection", _ALL, ids=lambda detection: detection.id)
def test_finds_each_case_of_its_sample_and_nothing_else(detection: Detection, tmp_path: Path) -> None:
    """
    Run over both samples at once, a detection reports the events of every case in fires, and none of quiet.
    """
    fires = _cases(detection, "fires")
    quiet = _cases(detection, "quiet")

    findings = _run(detection, fires + quiet, tmp_path)

    expected = set().union(*(_ids(case["records"]) for case in fires))
    assert expected == {id for finding in findings for id in finding.event_ids}


@pytest.mark.parametrize("detection", _ALL, ids=lambda detection: detection.id)
def test_cases_are_found_one_by_one(detection: Detection, tmp_path: Path) -> None:
    """
    Each case that must fire does so alone; each lookalike alone gives nothing.
    """
    for number, case in enumerate(_cases(detection, "fires")):
        folder = tmp_path / f"fires-{number}"
        folder.mkdir()
        found = {id for finding in _run(detection, [case], folder) for id in finding.event_ids}
        assert _ids(case["records"]) == found, case["case"]
    for number, case in enumerate(_cases(detection, "quiet")):
        folder = tmp_path / f"quiet-{number}"
        folder.mkdir()
        assert [] == _run(detection, [case], folder), case["case"]


@pytest.mark.parametrize("detection", _ALL, ids=lambda detection: detection.id)
def test_findings_have_the_documented_shape(detection: Detection, tmp_path: Path) -> None:
    """
    Account, actor, times in order and a fingerprint that is the same in a second run.
    """
    fires = _cases(detection, "fires")

    first = _run(detection, fires, tmp_path)
    second = run_detection(open_lake_folder(tmp_path / "lake"), detection)

    for finding in first:
        assert "111122223333" == finding.account
        assert finding.actor
        assert finding.source_ip
        assert finding.first_event_time <= finding.last_event_time
        assert 32 == len(finding.fingerprint)
    assert sorted(f.fingerprint for f in first) == sorted(f.fingerprint for f in second)
    assert len(first) == len({f.fingerprint for f in first})


def test_sample_folders_belong_to_detections() -> None:
    """
    No sample without its detection, no detection without its samples.
    """
    folders = {".".join(path.parent.relative_to(_SAMPLES).parts) for path in _SAMPLES.rglob("fires.json")}

    assert {detection.id for detection in _ALL} == folders
