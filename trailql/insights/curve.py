"""An insight's series over time, with the band of what the days before had, for people who would rather look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from trailql.insights.anomaly import Insight
from trailql.insights.kinds import kind_of_type
from trailql.insights.rates import Rates
from trailql.insights.series import Series, minute_of, moment_of

_DAY = 1440
_STEPS = (1, 5, 15, 60, 240, 1440)
_MOST_STEPS = 96


@dataclass(frozen=True, slots=True)
class Curve:
    """
    Calls in steps of equal length around an insight.

    Args:
        start: Of the first step, UTC.
        step_minutes: Length of a step.
        calls: By step.
        usual: The median of the same steps on the days of the baseline.
        most: The most of them.
        first, last: The steps in which the insight lies, the last included.
    """

    start: datetime
    step_minutes: int
    calls: tuple[int, ...]
    usual: tuple[float, ...]
    most: tuple[int, ...]
    first: int
    last: int


def curve_of(rates: Rates, insight: Insight, baseline_days: int = 28) -> Curve:
    """
    The series of an insight, before, during and after.

    Args:
        rates: Minute counts that hold the insight's kind and reach back over its baseline.
        insight: The insight.
        baseline_days: How many days before make the band.
    """
    wanted = Series(
        kind_of_type(insight.insight_type).name,
        insight.account,
        insight.region or "",
        insight.event_source or "",
        insight.event_name or "",
        insight.error_code or insight.principal or "",
    )
    start, end = minute_of(insight.start), minute_of(insight.end)
    around = max(60, 2 * (end - start))
    step = next((each for each in _STEPS if (end - start + 2 * around) / each <= _MOST_STEPS), _STEPS[-1])
    low = (start - around) // step * step
    number = -(-(end + around - low) // step)
    days = np.zeros((baseline_days + 1, number), np.int64)
    for minute, calls in rates.minutes_of(wanted, low - baseline_days * _DAY, low + number * step):
        for back in range(baseline_days + 1):
            at = (minute + back * _DAY - low) // step
            if 0 <= at < number:
                days[back, at] += calls
    before = days[1:]
    return Curve(
        moment_of(low),
        step,
        tuple(days[0].tolist()),
        tuple(np.median(before, axis=0).tolist()),
        tuple(np.max(before, axis=0).tolist()),
        (start - low) // step,
        (end - 1 - low) // step,
    )
