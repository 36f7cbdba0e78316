"""
An insight, and the pair of records CloudTrail would write for it.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-insights-fields-trails.html
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

API_CALL_RATE = "ApiCallRateInsight"
API_ERROR_RATE = "ApiErrorRateInsight"

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "trailql/insights")
_EVENT_VERSION = "1.09"

State = Literal["Start", "End"]


@dataclass(frozen=True, slots=True)
class AttributedRate:
    """Calls per minute that one user, agent or error code accounts for; `value` is "null" where there is none."""

    value: str
    average: float


@dataclass(frozen=True, slots=True)
class Attribution:
    """
    Who or what made the calls: at most five values each, the most frequent first.

    Args:
        attribute: `userIdentityArn` (a role without its session name), `userAgent` or `errorCode`.
        start: In the first minute of the insight.
        insight: Over the whole insight.
        baseline: Over the baseline.
    """

    attribute: str
    start: tuple[AttributedRate, ...]
    insight: tuple[AttributedRate, ...]
    baseline: tuple[AttributedRate, ...]


@dataclass(frozen=True, slots=True)
class Insight:
    """
    An unusual rate: more calls, or more errors, of one API than its baseline allows.

    Args:
        account: The recipientAccountId.
        region: The awsRegion.
        event_source: The service.
        event_name: The API.
        error_code: The error, None for an API call rate.
        insight_type: `ApiCallRateInsight` or `ApiErrorRateInsight`.
        start: The first unusual minute, UTC.
        end: The minute the activity was over, UTC: `start <= t < end`.
        calls: Calls (or errors) between start and end.
        baseline_average: Calls per minute over the days of the baseline.
        insight_average: Calls per minute from start to end.
        start_average: Calls in the first minute, which is all a Start record can know.
        baseline_minutes: Length of the baseline: at least seven whole days that have events.
        insight_minutes: Length of the insight.
        p_value: The chance that a day has such a burst of this API, by the model of `trailql.insights.baseline`.
        attributions: By user, agent and (for call rates) error code.
    """

    account: str
    region: str
    event_source: str
    event_name: str
    error_code: str | None
    insight_type: str
    start: datetime
    end: datetime
    calls: int
    baseline_average: float
    insight_average: float
    start_average: float
    baseline_minutes: int
    insight_minutes: int
    p_value: float
    attributions: tuple[Attribution, ...]


def insight_records(insight: Insight) -> list[dict[str, Any]]:
    """
    The Start and the End record, in the shape CloudTrail Insights writes.

    The identifiers follow from what the insight is about, so a second run gives the same ones. Averages are rounded
    to six significant digits.
    """
    return [_record(insight, "Start"), _record(insight, "End")]


def _record(insight: Insight, state: State) -> dict[str, Any]:
    shared = _identifier(
        insight.account,
        insight.region,
        insight.event_source,
        insight.event_name,
        insight.error_code,
        insight.insight_type,
        _time(insight.start),
    )
    moment = _time(insight.start if state == "Start" else insight.end)
    return {
        "eventVersion": _EVENT_VERSION,
        "eventTime": moment,
        "awsRegion": insight.region,
        "eventID": _identifier(shared, state, moment),
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": insight.account,
        "sharedEventID": shared,
        "insightDetails": _details(insight, state),
        "eventCategory": "Insight",
    }


def _details(insight: Insight, state: State) -> dict[str, Any]:
    details: dict[str, Any] = {
        "state": state,
        "eventSource": insight.event_source,
        "eventName": insight.event_name,
        "insightType": insight.insight_type,
    }
    if insight.error_code is not None:
        details["errorCode"] = insight.error_code
    is_start = state == "Start"
    details["insightContext"] = {
        "statistics": {
            "baseline": {"average": _rounded(insight.baseline_average)},
            "insight": {"average": _rounded(insight.start_average if is_start else insight.insight_average)},
            "insightDuration": 1 if is_start else insight.insight_minutes,
            "baselineDuration": insight.baseline_minutes,
        },
        "attributions": [
            {
                "attribute": each.attribute,
                "insight": _values(each.start if is_start else each.insight),
                "baseline": _values(each.baseline),
            }
            for each in insight.attributions
        ],
    }
    return details


def _values(rates: tuple[AttributedRate, ...]) -> list[dict[str, Any]]:
    return [{"value": rate.value, "average": _rounded(rate.average)} for rate in rates]


def _rounded(average: float) -> float:
    return float(f"{average:.6g}")


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _identifier(*parts: str | None) -> str:
    """A name-based GUID; the parts are kept apart, and None apart from an empty text."""
    return str(uuid.uuid5(_NAMESPACE, repr(parts)))
