"""The story of sample_logs: the commands find what its README says, and nothing on the weeks before."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trailql.detect.finding import Finding, Severity
from trailql.detect.run import run_detections
from trailql.ingest import ingest_logs
from trailql.insights.anomaly import Insight
from trailql.insights.run import find_insights

_SAMPLE = Path(__file__).resolve().parents[1] / "sample_logs"
_EXPECTED = json.loads((_SAMPLE / "expected.json").read_text())
_README = (_SAMPLE / "README.md").read_text()
_ATTACK_BEGINS = datetime(2026, 10, 14, 20, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The sample organization's lake.
    """
    target = tmp_path_factory.mktemp("story") / "lake"
    ingest_logs([str(_SAMPLE / "AWSLogs")], target)
    return target


@pytest.fixture(scope="module")
def findings(lake: Path) -> list[Finding]:
    return run_detections(lake, min_severity=Severity.MEDIUM)


@pytest.fixture(scope="module")
def insights(lake: Path) -> list[Insight]:
    return find_insights(lake)


def test_every_step_of_the_attack_is_found_once(findings: list[Finding]) -> None:
    """
    Eleven detections, one finding each, all of them during the attack; nothing of medium or above before it.
    """
    assert [
        "activity.access_denied_burst",
        "activity.api_call_count_spike",
        "cloudtrail.trail_logging_stopped",
        "ec2.snapshot_shared_outside",
        "ec2.terminate_instances_burst",
        "iam.access_key_created_for_another_user",
        "iam.account_details_downloaded",
        "iam.administrator_policy_attached",
        "signin.console_login_after_failures",
        "signin.console_login_without_mfa",
        "signin.repeated_console_login_failures",
    ] == sorted(finding.id for finding in findings)
    assert all(finding.first_event_time >= _ATTACK_BEGINS for finding in findings)


def test_figures_are_those_of_the_story(findings: list[Finding]) -> None:
    """
    Counted once although files came twice: guesses, refused calls, shared snapshots, ended instances.
    """
    numbers = {finding.id: finding.numbers for finding in findings}
    attack = _EXPECTED["attack"]

    assert attack["guesses"]["events"] == numbers["signin.repeated_console_login_failures"]["failures"]
    assert attack["enumeration"]["errors"] == numbers["activity.access_denied_burst"]["refused_calls"]
    assert 188 == numbers["activity.api_call_count_spike"]["calls"]
    assert 61 == numbers["ec2.terminate_instances_burst"]["instances"]
    assert 14 == numbers["signin.console_login_after_failures"]["failures_before"]


def test_readme_names_every_detection(findings: list[Finding]) -> None:
    """
    What the README promises is what is printed.
    """
    assert [] == [finding.id for finding in findings if f"`{finding.id}`" not in _README]


def test_insights_find_the_attack_alone(insights: list[Insight]) -> None:
    """
    The spike and the burst are insights; the nightly job, the deployments and Auto Scaling are not.
    """
    found = {(insight.insight_type, insight.event_name) for insight in insights}

    assert ("ApiCallRateInsight", "ModifySnapshotAttribute") in found
    assert ("TrailqlResourceRateInsight", "TerminateInstances") in found
    assert {insight.principal.split("/")[-1] for insight in insights if insight.principal} <= {
        "build-bot",
        "web-developer",
    }
    assert all(insight.start >= _ATTACK_BEGINS for insight in insights)
    assert not {name for _, name in found} & {"CreateSnapshot", "DeleteSnapshot", "CreateTags", "RunInstances"}


def test_insights_agree_with_cloudtrails_own(insights: list[Insight]) -> None:
    """
    The sample holds CloudTrail's own Insights records of the shared snapshots: same API, same minutes.
    """
    (spike,) = [each for each in insights if each.event_name == "ModifySnapshotAttribute"]

    assert datetime(2026, 10, 15, 22, 10, tzinfo=UTC) == spike.start
    assert datetime(2026, 10, 15, 22, 24, tzinfo=UTC) == spike.end
    assert 188 == spike.calls
