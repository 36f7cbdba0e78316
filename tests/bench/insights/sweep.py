"""What a detector says at any of its thresholds, and the one that keeps its false alarms within a rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.bench.insights.labels import Truth
from tests.bench.insights.score import Alarm, Score, score

FALSE_RATES = (0.1, 0.5, 1.0)
"""False insights per account-week to compare at."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """
    Args:
        thresholds: Strictest first.
        alarms: At a threshold.
    """

    thresholds: Sequence[float]
    alarms: Callable[[float], Sequence[Alarm]]

    def at_false_rate(self, truth: Truth, per_account_week: float) -> Score:
        """
        The score at the loosest threshold that keeps false alarms within a rate.

        Alarms are joined anew at each threshold. If even the loosest keeps it, that one.
        """
        low, high = 0, len(self.thresholds)
        best = score([], truth)
        while low < high:
            middle = (low + high) // 2
            tried = replace(score(self.alarms(self.thresholds[middle]), truth), threshold=self.thresholds[middle])
            if tried.false_per_account_week <= per_account_week:
                best, low = tried, middle + 1
            else:
                high = middle
        return best
