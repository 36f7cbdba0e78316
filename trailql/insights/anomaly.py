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
    An unusual rate: more calls, errors or resources than the baseline allows, or fewer.

    Args:
        account: The recipientAccountId.
        region: The awsRegion; None where Regions are counted together.
        event_source: The service; None where APIs are counted together.
        event_name: The API; None where APIs are counted together.
        error_code: The error of an API error rate.
        principal: The role or user whose calls are counted, in our own kinds.
        insight_type: `ApiCallRateInsight`, `ApiErrorRateInsight`, or of our own, see `trailql.insights.kinds`.
        way: How it is unusual: `peak`, `hour`, `level` or `fall`, see `trailql.insights.surprise`.
        start: The first unusual minute, UTC.
        end: The minute the activity was over, UTC: `start <= t < end`.
        calls: Calls (errors, resources) between start and end.
        baseline_average: Calls per minute over the days of the baseline.
        insight_average: Calls per minute from start to end.
        start_average: Calls in the first minute, which is all a Start record can know.
        baseline_minutes: Length of the baseline: at least seven whole days that have events.
        insight_minutes: Length of the insight.
        window_minutes: Length of the window that tells most.
        window_calls: What that window had.
        expected_calls: What the days before allow it to have: the record of its width, or what is usual there.
        false_per_week: How many insights like this a week of the account would bring by chance; the smaller, the more
            unusual.
        attributions: By user, agent and (for call rates) error code.
    """

    account: str
    region: str | None
    event_source: str | None
    event_name: str | None
    error_code: str | None
    principal: str | None
    insight_type: str
    way: str
    start: datetime
    end: datetime
    calls: int
    baseline_average: float
    insight_average: float
    start_average: float
    baseline_minutes: int
    insight_minutes: int
    window_minutes: int
    window_calls: float
    expected_calls: float
    false_per_week: float
    attributions: tuple[Attribution, ...]

    @property
    def id(self) -> str:
        """The sharedEventID of its records: the same in every run for the same account, API, type and start."""
        return _identifier(
            self.account,
            self.region,
            self.event_source,
            self.event_name,
            self.error_code if self.principal is None else self.principal,
            self.insight_type,
            _time(self.start),
        )

    @property
    def is_fall(self) -> bool:
        """Whether there are fewer calls than usual."""
        return self.way == "fall"


def insight_records(insight: Insight) -> list[dict[str, Any]]:
    """
    The Start and the End record, in the shape CloudTrail Insights writes.

    The identifiers follow from what the insight is about, so a second run gives the same ones. Averages are rounded
    to six significant digits.
    """
    return [_record(insight, "Start"), _record(insight, "End")]


def _record(insight: Insight, state: State) -> dict[str, Any]:
    shared = insight.id
    moment = _time(insight.start if state == "Start" else insight.end)
    return {
        "eventVersion": _EVENT_VERSION,
        "eventTime": moment,
        **({"awsRegion": insight.region} if insight.region else {}),
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
        **({"eventSource": insight.event_source, "eventName": insight.event_name} if insight.event_name else {}),
        "insightType": insight.insight_type,
    }
    if insight.error_code is not None:
        details["errorCode"] = insight.error_code
    if insight.principal is not None:
        details["userIdentityArn"] = insight.principal
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
