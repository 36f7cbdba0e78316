"""
What a detector's alarms are worth: matched with the planted anomalies, counted, and compared at equal false rates.

The rules:

- An alarm meets a label if it is of the same series and they overlap: it begins before the label's end plus 15 minutes,
  and not more than an hour before the label's start, and ends after the label's start. A label on an error code is also
  met by an alarm on all calls of that API.
- Any number of alarms that meet a label find it once. An alarm may find several labels.
- An alarm that meets none is false; false alarms of one series within an hour of each other are one.
- Alarms count neither way before an account's `tested_from`, and on a series in the day after a benign change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt

from tests.bench.insights.accounts import Series
from tests.bench.insights.labels import Label, Quiet, Truth

LATE = timedelta(minutes=15)
EARLY = timedelta(hours=1)
MERGED = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Alarm:
    """
    What a detector says.

    Args:
        account, region, event_source, event_name, error_code: The series; without an error code, all calls of the API.
        start, end: The unusual minutes, `start <= t < end`, UTC.
        score: Higher is more unusual; only the order matters.
        seen: When it could first be said, knowing nothing later; None if the detector does not tell.
    """

    account: str
    region: str
    event_source: str
    event_name: str
    error_code: str | None
    start: datetime
    end: datetime
    score: float
    seen: datetime | None = None

    @property
    def series(self) -> Series:
        """The series, as labels name it."""
        return Series(self.account, self.region, self.event_source, self.event_name, self.error_code)


Detector = Callable[[Path, datetime], Sequence[Alarm]]
"""From the rates' file and the first tested minute to alarms."""


@dataclass(frozen=True, slots=True)
class Score:
    """
    A detector's worth at one threshold.

    Args:
        threshold: Alarms of this score or more were counted.
        false_per_account_week: False alarms over all accounts.
        false_per_clean_account_week: Over those without any planted anomaly.
        precision: The share of labels found in labels found and false alarms, None without either.
        found: Numbers of the labels found.
        onset_minutes: Median difference between the starts of a label and of the first alarm that met it.
        delay_minutes: Median time from a label's start until it was seen, None if the detector does not tell.
    """

    threshold: float
    false_per_account_week: float
    false_per_clean_account_week: float
    precision: float | None
    found: frozenset[int]
    onset_minutes: float | None
    delay_minutes: float | None

    def recall(self, labels: Iterable[Label]) -> float | None:
        """The share of some labels that were found, None if there are none."""
        numbers = [label.number for label in labels]
        return sum(number in self.found for number in numbers) / len(numbers) if numbers else None


class Sheet:
    """Alarms matched with the truth once, to be scored at many thresholds."""

    def __init__(self, alarms: Sequence[Alarm], truth: Truth) -> None:
        self._truth = truth
        self._clean = {each.account for each in truth.accounts if each.is_clean}
        counted = _counted(alarms, truth)
        by_series = _labels_by_series(truth.labels)
        self._hits: list[tuple[Alarm, Label]] = []
        false: list[Alarm] = []
        for alarm in counted:
            met = [label for label in by_series.get(alarm.series, []) if _meets(alarm, label)]
            self._hits += [(alarm, label) for label in met]
            if not met:
                false.append(alarm)
        false.sort(key=lambda alarm: (_key(alarm.series), alarm.start))
        self._false = _FalseAlarms(false, self._clean)
        self.thresholds = sorted({alarm.score for alarm in counted})

    def at(self, threshold: float) -> Score:
        """The score with alarms of `threshold` or more."""
        weeks = sum(each.weeks for each in self._truth.accounts)
        clean_weeks = sum(each.weeks for each in self._truth.accounts if each.is_clean)
        false, clean_false = self._false.at(threshold)
        first: dict[int, tuple[Alarm, Label]] = {}
        seen: dict[int, float] = {}
        for alarm, label in self._hits:
            if alarm.score >= threshold:
                if label.number not in first or alarm.start < first[label.number][0].start:
                    first[label.number] = (alarm, label)
                if alarm.seen is not None:
                    delay = max(0.0, (alarm.seen - label.start).total_seconds() / 60)
                    seen[label.number] = min(delay, seen.get(label.number, delay))
        onsets = [abs((alarm.start - label.start).total_seconds()) / 60 for alarm, label in first.values()]
        return Score(
            threshold,
            false / weeks if weeks else 0.0,
            clean_false / clean_weeks if clean_weeks else 0.0,
            len(first) / (len(first) + false) if first or false else None,
            frozenset(first),
            median(onsets) if onsets else None,
            median(seen.values()) if seen else None,
        )

    def at_false_rate(self, per_account_week: float) -> Score:
        """
        The score at the lowest threshold that keeps false alarms within a rate.

        Merging makes the count of false alarms not quite monotone in the threshold; bisection takes no notice.
        """
        low, high = 0, len(self.thresholds)
        while low < high:
            middle = (low + high) // 2
            if self.at(self.thresholds[middle]).false_per_account_week <= per_account_week:
                high = middle
            else:
                low = middle + 1
        return self.at(self.thresholds[low] if low < len(self.thresholds) else float("inf"))


def score(alarms: Sequence[Alarm], truth: Truth) -> Score:
    """The score of all alarms, whatever their own scores."""
    return Sheet(alarms, truth).at(float("-inf"))


class _FalseAlarms:
    """False alarms in order of series and start, to be merged and counted at any threshold."""

    def __init__(self, alarms: Sequence[Alarm], clean: set[str]) -> None:
        numbers: dict[Series, int] = {}
        self._series = np.array([numbers.setdefault(each.series, len(numbers)) for each in alarms], np.int64)
        self._start = np.array([each.start.timestamp() for each in alarms])
        self._end = np.array([each.end.timestamp() for each in alarms])
        self._score = np.array([each.score for each in alarms])
        self._is_clean = np.array([each.account in clean for each in alarms], np.bool_)

    def at(self, threshold: float) -> tuple[int, int]:
        """How many false alarms there are, and how many of them in clean accounts."""
        kept = np.flatnonzero(self._score >= threshold)
        if not len(kept):
            return 0, 0
        series, is_clean = self._series[kept], self._is_clean[kept]
        # One running maximum serves all series: each lies beyond all times of those before it.
        shift = series * 1e12
        start, end = self._start[kept] + shift, np.maximum.accumulate(self._end[kept] + shift)
        begins: npt.NDArray[np.bool_] = np.ones(len(kept), np.bool_)
        begins[1:] = start[1:] > end[:-1] + MERGED.total_seconds()
        return int(begins.sum()), int((begins & is_clean).sum())


def _counted(alarms: Sequence[Alarm], truth: Truth) -> list[Alarm]:
    tested_from = {each.account: each.tested_from for each in truth.accounts}
    quiet: dict[Series, list[Quiet]] = defaultdict(list)
    for each in truth.quiet:
        quiet[each.series].append(each)
    return [
        alarm
        for alarm in alarms
        if alarm.end > tested_from[alarm.account]
        and not any(each.start <= alarm.start < each.end for each in quiet.get(alarm.series, []))
    ]


def _labels_by_series(labels: Sequence[Label]) -> dict[Series, list[Label]]:
    by_series: dict[Series, list[Label]] = defaultdict(list)
    for label in labels:
        by_series[label.series].append(label)
        if label.series.error_code is not None:
            s = label.series
            by_series[Series(s.account, s.region, s.source, s.name, None)].append(label)
    return by_series


def _meets(alarm: Alarm, label: Label) -> bool:
    return label.start - EARLY <= alarm.start < label.end + LATE and alarm.end > label.start


def _key(series: Series) -> tuple[str, ...]:
    return (series.account, series.region, series.source, series.name, series.error_code or "")
