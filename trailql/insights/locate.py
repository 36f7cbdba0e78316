"""From surprising days to the minutes of an insight."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from trailql.insights.series import Counts, Ints, Series
from trailql.insights.surprise import Surprise

_DAY = 1440
_STANDS_OUT = 3
"""How many times the rate of a raised level a peak within it must have to be told apart."""


@dataclass(frozen=True, slots=True)
class Burst:
    """
    One run of unusual minutes.

    Args:
        series: Whose.
        way: In which way it is unusual, see `trailql.insights.surprise`.
        start_minute: Minutes since 1970, the first that is unusual.
        end_minute: One past the last.
        calls: Calls between.
        start_calls: Calls in the first minute.
        expected: Calls that the days before allow for in the telling window.
        window_calls, window_minutes: What that window had instead.
        baseline_calls: Calls on the days of the baseline.
        baseline_days: How many days that were.
        baseline_start_minute: Where the earliest of them may begin.
        baseline_end_minute: Where the last of them ends: midnight, UTC.
        false_per_week: How many such insights a week of the account would bring by chance.
    """

    series: Series
    way: str
    start_minute: int
    end_minute: int
    calls: int
    start_calls: int
    expected: float
    window_calls: float
    window_minutes: int
    baseline_calls: int
    baseline_days: int
    baseline_start_minute: int
    baseline_end_minute: int
    false_per_week: float

    @property
    def rate(self) -> float:
        """Calls per minute."""
        return self.calls / (self.end_minute - self.start_minute)


def located(counts: Counts, found: Sequence[Surprise], baseline_days: int) -> list[Burst]:
    """
    Bursts, falls and changes of level from surprising days; what overlaps is one.

    Args:
        counts: The account's series.
        found: The surprising days.
        baseline_days: How long the baseline is.
    """
    ordered = sorted(found, key=lambda each: (each.series, each.way == "fall", each.way == "level"))
    bursts: list[Burst] = []
    for (series, _, is_level), group in groupby(ordered, lambda e: (e.series, e.way == "fall", e.way == "level")):
        spans = [(*_minutes(counts, each, baseline_days), each) for each in group]
        bursts += _joined(counts, series, spans, baseline_days, _DAY if is_level else 0)
    return _without_repeated(bursts)


def _minutes(counts: Counts, each: Surprise, baseline_days: int) -> tuple[int, int]:
    """The unusual minutes of a day: for a peak those that make it one, for the others whole hours or days."""
    day = (counts.first_day + each.day) * _DAY
    if each.way == "level":
        return day + each.hour * 60, day + _DAY
    end = day + (each.hour + 1) * 60
    if each.way == "fall":
        return end - each.width, end
    usual = max(_baseline_calls(counts, each, baseline_days) / max(1, baseline_days) / _DAY, 1e-4)
    unusual = max(each.calls / each.width, 1.5 * usual)
    minutes, calls = counts.rows(each.series, end - 60 - 2 * each.width, end + each.width)
    return _densest(minutes, calls, (unusual - usual) / math.log(unusual / usual))


def _densest(minutes: Ints, calls: Ints, rate: float) -> tuple[int, int]:
    """
    The run of minutes with the most calls beyond a rate.

    With the rate at which a minute is as likely under the usual rate as under the unusual one, it is the run whose
    likelihood ratio is largest (a scan statistic over all starts and ends).
    """
    best = total = -math.inf
    start = begin = end = previous = 0
    for minute, number in zip(minutes.tolist(), calls.tolist(), strict=True):
        total -= rate * (minute - previous - 1)
        if total <= 0:
            total, start = 0.0, minute
        total += number - rate
        previous = minute
        if total > best:
            best, begin, end = total, start, minute + 1
    return begin, end


def _joined(
    counts: Counts, series: int, spans: Iterable[tuple[int, int, Surprise]], baseline_days: int, gap: int
) -> Iterator[Burst]:
    """Spans of one series that overlap, or are no farther apart than `gap`, as one burst each."""
    group: list[tuple[int, int, Surprise]] = []
    for span in sorted(spans, key=lambda span: span[:2]):
        if group and span[0] > max(end for _, end, _ in group) + gap:
            yield _burst(counts, series, group, baseline_days)
            group = []
        group.append(span)
    if group:
        yield _burst(counts, series, group, baseline_days)


def _burst(counts: Counts, series: int, group: list[tuple[int, int, Surprise]], baseline_days: int) -> Burst:
    best = min((each for _, _, each in group), key=lambda each: (each.false_per_week, each.width))
    start, end = min(span[0] for span in group), max(span[1] for span in group)
    minutes, calls = counts.rows(series, start, end)
    first = int(calls[0]) if len(minutes) and int(minutes[0]) == start else 0
    earliest = max(0, best.day - baseline_days)
    return Burst(
        series=counts.series[series],
        way=best.way,
        start_minute=start,
        end_minute=end,
        calls=int(calls.sum()),
        start_calls=first,
        expected=best.expected,
        window_calls=best.calls,
        window_minutes=best.width,
        baseline_calls=int(_baseline_calls(counts, best, baseline_days)),
        baseline_days=int(counts.covered[series, earliest : best.day].sum()),
        baseline_start_minute=(counts.first_day + earliest) * _DAY,
        baseline_end_minute=(counts.first_day + best.day) * _DAY,
        false_per_week=best.false_per_week,
    )


def _baseline_calls(counts: Counts, each: Surprise, baseline_days: int) -> float:
    first = max(0, each.day - baseline_days)
    covered = counts.covered[each.series, first : each.day, None]
    return float((counts.hourly[each.series, first : each.day] * covered).sum(dtype="float64"))


def _without_repeated(bursts: list[Burst]) -> list[Burst]:
    """A change of level raises its peaks as well: within it, only those that stand out from it are told."""
    levels = [each for each in bursts if each.way == "level"]
    return [
        each
        for each in bursts
        if each.way in ("level", "fall")
        or not any(
            level.series == each.series
            and level.start_minute <= each.start_minute
            and each.end_minute <= level.end_minute
            and each.window_calls / each.window_minutes < _STANDS_OUT * level.rate
            for level in levels
        )
    ]
