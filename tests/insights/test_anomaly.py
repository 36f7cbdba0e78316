"""The records of an insight have CloudTrail's shape."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from trailql.insights.anomaly import (
    AttributedRate,
    Attribution,
    Insight,
    insight_records,
)

_ROLE = "arn:aws:sts::111122223333:assumed-role/deploy-pipeline"
_INSIGHT = Insight(
    account="111122223333",
    region="us-east-1",
    event_source="ec2.amazonaws.com",
    event_name="RunInstances",
    error_code=None,
    principal=None,
    insight_type="ApiCallRateInsight",
    way="peak",
    start=datetime(2026, 10, 1, 9, 17, tzinfo=UTC),
    end=datetime(2026, 10, 1, 9, 20, tzinfo=UTC),
    calls=40,
    baseline_average=4 / 40320,
    insight_average=40 / 3,
    start_average=14.0,
    baseline_minutes=40320,
    insight_minutes=3,
    window_minutes=5,
    window_calls=40.0,
    expected_calls=1.0,
    false_per_week=1e-6,
    attributions=(
        Attribution(
            "userIdentityArn",
            start=(AttributedRate(_ROLE, 14.0),),
            insight=(AttributedRate(_ROLE, 40 / 3),),
            baseline=(),
        ),
    ),
)


def test_start_record_has_the_shape_cloudtrail_writes() -> None:
    """The Start record: the first minute's average, a duration of one minute, the identifiers of the pair."""
    start, end = insight_records(_INSIGHT)
    expected = {
        "eventVersion": "1.09",
        "eventTime": "2026-10-01T09:17:00Z",
        "awsRegion": "us-east-1",
        "eventID": start["eventID"],
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": "111122223333",
        "sharedEventID": end["sharedEventID"],
        "insightDetails": {
            "state": "Start",
            "eventSource": "ec2.amazonaws.com",
            "eventName": "RunInstances",
            "insightType": "ApiCallRateInsight",
            "insightContext": {
                "statistics": {
                    "baseline": {"average": 9.92063e-05},
                    "insight": {"average": 14.0},
                    "insightDuration": 1,
                    "baselineDuration": 40320,
                },
                "attributions": [
                    {"attribute": "userIdentityArn", "insight": [{"value": _ROLE, "average": 14.0}], "baseline": []}
                ],
            },
        },
        "eventCategory": "Insight",
    }

    assert expected == start
    assert list(expected) == list(start)


def test_end_record_speaks_of_the_whole_insight() -> None:
    """The End record: when it was over, the average over all of it, its duration."""
    end = insight_records(_INSIGHT)[1]
    statistics = end["insightDetails"]["insightContext"]["statistics"]

    assert ("End", "2026-10-01T09:20:00Z") == (end["insightDetails"]["state"], end["eventTime"])
    assert ({"average": 13.3333}, 3) == (statistics["insight"], statistics["insightDuration"])


def test_only_error_rates_carry_an_error_code() -> None:
    """errorCode stands in the details of an error rate and is absent from a call rate."""
    failed = replace(_INSIGHT, error_code="AccessDenied", insight_type="ApiErrorRateInsight")
    details = insight_records(failed)[0]["insightDetails"]

    assert ["state", "eventSource", "eventName", "insightType", "errorCode", "insightContext"] == list(details)
    assert "errorCode" not in insight_records(_INSIGHT)[0]["insightDetails"]


def test_identifiers_are_the_same_every_time() -> None:
    """Records made twice are equal; Start and End share one identifier and have each their own."""
    start, end = insight_records(_INSIGHT)

    assert [start, end] == insight_records(replace(_INSIGHT))
    assert start["sharedEventID"] == end["sharedEventID"]
    assert 3 == len({start["eventID"], end["eventID"], start["sharedEventID"]})


def test_another_region_has_other_identifiers() -> None:
    """The same burst in two Regions is two insights."""
    elsewhere = insight_records(replace(_INSIGHT, region="eu-west-1"))[0]

    assert elsewhere["sharedEventID"] != insight_records(_INSIGHT)[0]["sharedEventID"]
