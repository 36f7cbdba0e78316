"""
What is normal for one API, and how unlikely a busier window is.

The unit is a day's busiest window: of one series (account, Region, API, and error code for errors), the most calls
in any 1, 5, 15 or 60 minutes that end on that UTC day. A window is compared with the busiest windows of up to 28
days before. A job that runs every night, deployments on two days a week and a call a week are part of those days, so
they stay quiet at whatever hour they come; and calls that come in clumps are not taken for independent ones,
because a day counts once.

The chance that a day's busiest window holds n calls or more is the larger of two estimates:

- *A record, and by so much.* If the days are alike, the new one beats all D before with a chance of at most 1/(D + 1).
  By how much is judged by a Gamma-Poisson predictive tail (Jeffreys' prior) at the rate of the busy days, those that
  reached half of the record or more.
- *The spread between days.* Busiest windows of the active days are taken as log-normal with unknown mean and spread,
  so a new one follows Student's t; times the share of days that are active at all. The spread starts from a
  prior, which is why a handful of equal days does not count as certainty. An API never seen has no such estimate.

A burst at an unusual hour that is no larger than the nightly job of the same API is not found, nor one that is a
record of more than 28 days but not of the last 28. A monthly job is unusual every month.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from trailql.insights.tails import log_negative_binomial_tail, log_student_tail

WIDTHS = (1, 5, 15, 60)
"""Widths of the windows, in minutes."""

LEAST_DAYS = 7
"""Days of an account's own events there must be before the first insight; also what AWS reports averages over."""

_LEAST_SERIES = 50
"""An account is tested as if it had at least so many series, so that a quiet account does not report trifles."""

_PRIOR_SPREAD = 0.5
_PRIOR_DEGREES = 8
"""Before a day is seen: a standard deviation of 0.5 in the logarithm (a factor of 1.6), worth eight observations."""


@dataclass(frozen=True)
class Baseline:
    """
    The days before, for one series and one width.

    Args:
        days: How many days the account has events of, with or without this series.
        busiest: Calls in the busiest window of each day the series was active on, each 1 or more.
    """

    days: int
    busiest: Sequence[int]

    @cached_property
    def record(self) -> int:
        """Calls in the busiest window of all, 0 for an API never seen."""
        return max(self.busiest, default=0)

    def log_chance(self, calls: int) -> float:
        """The logarithm of the chance that a day like those has a window with so many calls or more."""
        if calls <= self.record:
            return 0.0
        return max(self._log_chance_of_record(calls), self._log_chance_of_spread(calls))

    def least_unusual(self, log_limit: float, most: int) -> int | None:
        """The fewest calls with a chance within the limit (a logarithm), or None if `most` calls are not enough."""
        if self.log_chance(most) > log_limit:
            return None
        low, high = self.record, most  # the chance of `low` exceeds the limit, that of `high` does not
        while high - low > 1:
            middle = (low + high) // 2
            if self.log_chance(middle) > log_limit:
                low = middle
            else:
                high = middle
        return high

    def _log_chance_of_record(self, calls: int) -> float:
        shape, exposure = self._busy_rate
        overshoot = log_negative_binomial_tail(calls, shape, exposure) - self._log_any_record
        return overshoot - math.log(self.days + 1)

    def _log_chance_of_spread(self, calls: int) -> float:
        if not self.busiest:
            return -math.inf
        mean, spread, degrees = self._log_spread
        t = (math.log(calls) - mean) / (spread * math.sqrt(1 + 1 / len(self.busiest)))
        share = (len(self.busiest) + 0.5) / (self.days + 1)
        return math.log(share) + log_student_tail(max(t, 0.0), degrees)

    @cached_property
    def _busy_rate(self) -> tuple[float, float]:
        busy = [calls for calls in self.busiest if 2 * calls >= self.record]
        return sum(busy) + 0.5, max(1, len(busy))

    @cached_property
    def _log_any_record(self) -> float:
        return log_negative_binomial_tail(self.record + 1, *self._busy_rate)

    @cached_property
    def _log_spread(self) -> tuple[float, float, float]:
        logs = [math.log(calls) for calls in self.busiest]
        mean = math.fsum(logs) / len(logs)
        squares = math.fsum((each - mean) ** 2 for each in logs)
        degrees = len(logs) - 1 + _PRIOR_DEGREES
        return mean, math.sqrt((squares + _PRIOR_DEGREES * _PRIOR_SPREAD**2) / degrees), degrees


def log_limit(series: int, false_per_account_week: float) -> float:
    """
    The logarithm of the chance below which a series' day is an insight.

    A week has 7 days, an account so many series, and each is looked at in every width: that many chances for a
    false insight (Bonferroni). The series of the baseline are counted, not those of the day, so that an attack on many
    APIs does not raise the bar for itself.

    Args:
        series: Series of the account that were active in the baseline.
        false_per_account_week: How many false insights an account may have in a week, on average.
    """
    return math.log(false_per_account_week / (7 * max(series, _LEAST_SERIES) * len(WIDTHS)))
