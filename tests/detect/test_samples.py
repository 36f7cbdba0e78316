"""Every detection against its samples, all in one lake: what must fire does, what looks like it stays quiet."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from trailql.detect.catalog import bundled_detections
from trailql.detect.finding import Finding
from trailql.detect.run import run_detections
from trailql.detect.samples import Case, cases_of
from trailql.ingest import ingest_logs

_ALL = bundled_detections()


def _cases() -> Iterator[Case]:
    number = 0
    for detection in _ALL:
        for case in cases_of(detection.id, detection.file.path, number=number):
            number += 1
            yield case


CASES = list(_cases())


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    All cases of all detections, each in accounts of its own.
    """
    target = tmp_path_factory.mktemp("samples")
    records = [record for case in CASES for record in (*case.context, *case.records)]
    (target / "logs.json").write_text(json.dumps({"Records": records}))
    summary = ingest_logs([str(target / "logs.json")], target / "lake")
    assert len(records) == summary.events_added
    return target / "lake"


@pytest.fixture(scope="module")
def found(lake: Path) -> dict[str, list[Finding]]:
    """
    Findings by detection, from one run over everything.
    """
    by_detection: dict[str, list[Finding]] = defaultdict(list)
    for finding in run_detections(lake):
        by_detection[finding.id].append(finding)
    return by_detection


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.detection}: {case.name}")
def test_case(case: Case, found: dict[str, list[Finding]]) -> None:
    """
    A case that must fire is found whole and with nothing else; a lookalike is not found.
    """
    own = {record["eventID"] for record in case.records}
    around = {record["eventID"] for record in case.context}
    findings = [each for each in found[case.detection] if own & set(each.event_ids)]
    named = {id for each in findings for id in each.event_ids}

    if case.fires:
        assert own <= named, "not found"
        assert named <= own | around, "found together with events of other cases"
    else:
        assert not findings


def test_findings_have_the_documented_shape(lake: Path, found: dict[str, list[Finding]]) -> None:
    """
    Account, actor, times in order, and a fingerprint that is the same in a second run and no other finding's.
    """
    first = [each for listed in found.values() for each in listed]
    for finding in first:
        assert finding.account
        assert finding.actor
        assert finding.first_event_time <= finding.last_event_time
        assert 32 == len(finding.fingerprint)
        assert finding.event_ids
    assert len(first) == len({each.fingerprint for each in first})
    assert sorted(each.fingerprint for each in first) == sorted(each.fingerprint for each in run_detections(lake))


@pytest.mark.parametrize("detection", _ALL, ids=lambda detection: detection.id)
def test_each_detection_has_both_kinds_of_cases(detection: object) -> None:
    """
    Something fires, and at least two lookalikes do not.
    """
    kinds = [case.fires for case in CASES if case.detection == detection.id]  # type: ignore[attr-defined]
    assert kinds.count(True) >= 1
    assert kinds.count(False) >= 2
