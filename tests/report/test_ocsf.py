"""Findings as OCSF Detection Findings."""

from __future__ import annotations

from datetime import UTC, datetime

from trailql.detect.finding import Finding, Severity
from trailql.report.ocsf import ocsf_finding

_MORNING, _NOON = datetime(2026, 10, 1, 8, 0, tzinfo=UTC), datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
_FINDING = Finding(
    id="iam.user_created",
    title="An IAM user was made",
    severity=Severity.HIGH,
    attack=("T1136.003", "T1098"),
    first_event_time=_MORNING,
    last_event_time=_NOON,
    account="111122223333",
    region="eu-west-1",
    actor="arn:aws:iam::111122223333:user/alice",
    source_ip="192.0.2.1",
    event_ids=("a", "b"),
    numbers={"calls": 2, "errorCode": None},
    fingerprint="0123456789abcdef",
)
_REQUIRED = {
    "activity_id", "category_uid", "class_uid", "finding_info", "metadata", "severity_id", "time", "type_uid",
}  # fmt: skip


def test_a_detection_finding() -> None:
    """
    What the class requires is there, ids agree with each other, times are milliseconds.
    """
    found = ocsf_finding(_FINDING, "Somebody made a user.", "1.0")

    assert set(found) >= _REQUIRED
    assert (2, 2004, 1, 200401) == tuple(found[k] for k in ("category_uid", "class_uid", "activity_id", "type_uid"))
    assert (4, "High", True) == (found["severity_id"], found["severity"], found["is_alert"])
    assert round(_NOON.timestamp() * 1000) == found["time"]
    assert 2 == found["count"]
    info = found["finding_info"]
    assert ("0123456789abcdef", "iam.user_created") == (info["uid"], info["analytic"]["uid"])
    assert [{"uid": "T1136"}, {"uid": "T1098"}] == [each["technique"] for each in info["attacks"]]
    assert {"uid": "T1136.003"} == info["attacks"][0]["sub_technique"]
    assert "sub_technique" not in info["attacks"][1]
    assert {"ip": "192.0.2.1"} == found["evidences"][0]["src_endpoint"]
    assert {"uid": "111122223333", "type": "AWS Account", "type_id": 10} == found["cloud"]["account"]


def test_what_is_not_known_is_left_out() -> None:
    """
    No nulls and no empty objects; a service's name is a domain, no address.
    """
    from dataclasses import replace

    found = ocsf_finding(
        replace(_FINDING, source_ip="ec2.amazonaws.com", actor=None, region=None, account=None), "", "1"
    )

    assert {"domain": "ec2.amazonaws.com"} == found["evidences"][0]["src_endpoint"]
    assert "actor" not in found["evidences"][0]
    assert {"provider": "AWS"} == found["cloud"]
    assert "observables" not in found
    assert "errorCode" not in found["evidences"][0]["data"]
