"""
How surprising a day of a series is, and how often chance would surprise as much.

A day is looked at in five ways. Each gives a number, on the scale of `trailql.insights.past.scaled`, that says how far
the day lies beyond all days before; the days before have been looked at in the same way, without knowing what followed.

- *Peak*: the busiest window of 1, 5, 15, 60 or 240 minutes, against the busiest of every day known, 63 at most. A
  nightly job, deployments on two days a week, a call a week are part of those days and stay quiet at whatever hour.
- *Hour*: the same against these days' windows within an hour of that time of day. How far days usually lie beyond their
  hours, and how much that differs, is seen in the days before: a series that keeps to its hours is held to them, one
  that does not is not.
- *Excess*: of a series that is busy at many hours, the window that a count about its hour's mean would hardly ever
  reach (a negative binomial, as rough as the series' other hours), against such windows in the days before; one
  anomaly among these does not hide another.
- *Level*: the middle of the hours of a day, each against its mean on days of the same kind. Half must be higher: a
  burst is not, a slow climb is.
- *Fall*: the emptiest two hours (of a whole Region eight), against these hours in the days before; also held to how the
  days before fell. Hours without any event of account and Region are gaps in the logs, and say nothing.

How often chance gives such a number depends on the series: whether it is called daily, now and then, seldom or never
before, and whether calls or errors are counted. The tails are exponential on that scale, so calls have power-law tails,
which is what deployments and scaling storms have. Their constants (`_TAILS`) were measured on invented accounts
(`make bench-insights`, seeds 101 and 2; others judge them).

Accounts differ: in one a deployment ten times the last comes every few weeks, in another hours are like each other to a
tenth. So an account's own days are asked as well: how seldom what comes a few times a week there is by the constants,
and how fast it thins out. What is more seldom than that is reckoned from there; where the days say that it is less
seldom, the constants hold. A few anomalies among those days change little.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trailql.insights.kinds import KINDS
from trailql.insights.past import (
    around,
    count_excess,
    least_before,
    most_before,
    ranks_before,
    roughness,
    scaled,
    spread_before,
    sum_before,
    unscaled,
    usual_before,
    usual_of,
)
from trailql.insights.series import HOURS, Bools, Counts, Floats

WIDTHS = (1, 5, 15, 60, 240)
"""Widths of the windows, in minutes."""
LONGEST_MEMORY = 63
"""Days that a record may be old: nine weeks, two months' ends."""
LEAST_DAYS = 7
"""Days of an account's own events there must be before the first insight; also what AWS reports averages over."""

OWN_DAYS = 56
"""Days before of which an account's own surprises are remembered."""

_HOUR_WIDTHS = (5, 15, 60)
_EXCESS_WIDTHS = (1, 5, 15, 60)
_EXCESS_THAT_TELLS = 5.0
"""Calls that a window must have."""
_EXCESS_APART = 8.0
"""What a day's many windows bring by chance, about."""
_ACTIVE_HOURS = 0.2
"""The share of hours with calls of a series whose hours are compared with their mean."""
_EVEN_CALM = 0.8
"""How far days lie apart even where a series is calm."""
_FALL_HOURS = 2
_REGION_FALL_HOURS = 8
_FALL_THAT_TELLS = 8.0
"""Calls that the window must always have had for their absence to be told."""
_HOUR_THAT_TELLS = 3.0
"""Calls that an hour must usually have to be compared for its level."""
_USUAL_APART, _MIDDLE_APART = 1.1, 4.0
"""How far the middle of a day's hours usually lies from that of others, and the most that one day counts for."""
_LEVEL_GOES_ON = 1.4
"""How far above the usual a day must be to belong to a change of level."""
_LEAST_HOUR_DAYS = 5
"""Days of which it must be known how far they lie beyond their hours."""
_SECONDS_COME_EASIER = 10
_LEAST_OWN_WEEKS = 2
_ALIKE = 1.01
"""The least by which what comes less often differs."""
_COUNTS_FOR_WEEKS = 0.5
"""What the constants count for, beside an account's own weeks."""
_CALM = 0.45
"""So much more seldom than the constants say is what comes where the weeks before brought next to nothing."""
_CALM_EXCESS = 2.5e-8
"""The same of excesses, of the third power of what the constants say: in calm accounts they thin out as fast."""
_SELDOMEST = 0.002
"""Insights a week: ten years are all that eight weeks are believed."""
_EITHER_WAY = 1.1
"""As an insight may be seldom by the constants or by the account's own days, there are more by chance."""
_LEAST_SERIES = 50
"""An account is tested as if it had at least so many series, so that a quiet account does not report trifles."""
_MEASURED_SERIES = 100
_MEASURED_RATE = 0.5
_MEASURED_DAYS = 28


@dataclass(frozen=True, slots=True)
class Tail:
    """
    Of the numbers that chance gives.

    Args:
        start: The number that is reported at half a false insight per week in an account of 100 series.
        step: How much larger it must be to be e times as rare.
    """

    start: float
    step: float


_TAILS = {
    "daily": Tail(52.0, 13.0),
    "often": Tail(5.5, 1.0),
    "seldom": Tail(6.3, 1.5),
    "new": Tail(7.2, 2.4),
    "errors": Tail(3.1, 0.77),
    "new errors": Tail(4.2, 1.5),
    "excess": Tail(2.5, 0.3),
    "hour": Tail(72.0, 15.0),
    "hour errors": Tail(30.0, 8.0),
    "level": Tail(2.6, 0.35),
    "fall": Tail(2.92, 0.9),
}


@dataclass(frozen=True, slots=True)
class Surprise:
    """
    A day of a series that is surprising in one way.

    Args:
        series: Its index.
        day: The day, counted from the first.
        way: `peak`, `hour`, `level` or `fall`.
        tail: Which tail it was judged by.
        width: Minutes of the window.
        hour: In which the window ends; of a level, the hour it begins with.
        calls: In the window.
        expected: Calls that the days before allow for: the record, or the usual.
        false_per_week: False insights per account and week, were everything as surprising reported.
        days: The first and the last day of a change of level, which is one surprise; else None.
    """

    series: int
    day: int
    way: str
    tail: str
    width: int
    hour: int
    calls: float
    expected: float
    false_per_week: float
    days: tuple[int, int] | None = None

    @property
    def first_day(self) -> int:
        """The day on which it began."""
        return self.days[0] if self.days else self.day

    @property
    def last_day(self) -> int:
        """The day on which it ended."""
        return self.days[1] if self.days else self.day


def surprises(
    counts: Counts, *, first_day: int, last_day: int, baseline_days: int, false_per_account_week: float
) -> list[Surprise]:
    """
    The days of an account's series that are more surprising than asked for.

    Args:
        counts: The account's series, reaching back over the baseline.
        first_day, last_day: Days since 1970 to test.
        baseline_days: How many days before a day to compare with; the records of a longer memory count as well.
        false_per_account_week: How many false insights to allow.
    """
    looked = _Looked(counts, first_day - counts.first_day, last_day - counts.first_day, baseline_days)
    found = looked.in_own_terms(
        [*looked.peaks(), *looked.hours(), *looked.excesses(), *looked.levels(), *looked.falls()]
    )
    return [each for each in found if each.false_per_week <= false_per_account_week]


@dataclass(frozen=True, slots=True)
class _Window:
    """Width in minutes, the hour it ends in, calls by series, day and hour, and the height it is compared with."""

    width: int
    hour: int
    calls: Floats
    height: float


def _with_seconds(found: Iterable[Surprise]) -> list[Surprise]:
    """
    Each day's most surprising hour, and its other hours as less surprising ones.

    The tails are those of a day's most surprising window. On a day that brings one, others come more easily.
    """
    best: dict[tuple[int, int], Surprise] = {}
    everything = sorted(found, key=lambda each: each.false_per_week)
    for each in everything:
        best.setdefault((each.series, each.day), each)
    return [
        each
        if best[each.series, each.day] is each
        else replace(each, false_per_week=each.false_per_week * _SECONDS_COME_EASIER)
        for each in everything
    ]


def _keep_rarest(best: dict[tuple[int, int, int], Surprise], found: Surprise) -> None:
    key = found.series, found.day, found.hour
    known = best.get(key)
    if known is None or found.false_per_week < known.false_per_week:
        best[key] = found


@dataclass(frozen=True, slots=True)
class _Reckoning:
    """
    How an account's own weeks are reckoned with.

    Args:
        often, oftener: Surprises a week: what comes as often tells how seldom others are. Anomalies of these weeks are
            few beside them.
        steepest: How much steeper than the constants' an account's own tail may be.
        times: What is found is taken for so many times as frequent.
    """

    often: int
    oftener: int
    steepest: float
    times: float


_OWN = {
    True: _Reckoning(often=5, oftener=12, steepest=4, times=16),  # excesses: in restless accounts their tail is another
    False: _Reckoning(often=4, oftener=12, steepest=4, times=1),
}


class _Own:
    """How seldom an account's own days were, excesses apart: the most surprising of each series and day."""

    def __init__(self, found: Iterable[Surprise]) -> None:
        best: dict[tuple[bool, int, int], float] = {}
        for each in found:
            key = each.tail == "excess", each.series, each.first_day
            best[key] = min(each.false_per_week, best.get(key, np.inf))
        self._by_day: dict[tuple[bool, int], list[float]] = {}
        for (is_excess, _, day), false in best.items():
            self._by_day.setdefault((is_excess, day), []).append(false)
        self._before: dict[tuple[bool, int], list[float]] = {}

    def rate(self, each: Surprise, weeks: float) -> float:
        """
        How often a week of the account brings what is as seldom, by the weeks before.

        What is more seldom than a few a week is reckoned from these by how fast they thin out, at least as fast as
        the constants say: so anomalies among them change little.
        """
        is_excess = each.tail == "excess"
        key = is_excess, each.first_day
        if key not in self._before:
            days = range(each.first_day - OWN_DAYS, each.first_day)
            self._before[key] = sorted(false for day in days for false in self._by_day.get((is_excess, day), ()))
        known, reckoning = self._before[key], _OWN[is_excess]
        often, oftener = round(reckoning.often * weeks), round(reckoning.oftener * weeks)
        as_seldom = bisect_right(known, each.false_per_week)
        if as_seldom >= often:
            return reckoning.times * as_seldom / weeks
        if len(known) < oftener:
            few = _CALM_EXCESS * each.false_per_week**3 if is_excess else _CALM * each.false_per_week
            return max(as_seldom / weeks, few)
        thins_out = math.log(oftener / often) / math.log(max(_ALIKE, known[oftener - 1] / known[often - 1]))
        steep = min(max(1.0, thins_out), reckoning.steepest)
        rate = often / weeks * (each.false_per_week / known[often - 1]) ** steep
        if is_excess:
            return float(reckoning.times * rate)
        return float((_COUNTS_FOR_WEEKS * each.false_per_week + weeks * rate) / (_COUNTS_FOR_WEEKS + weeks))


class _Looked:
    """What all ways of looking at an account share."""

    def __init__(self, counts: Counts, first: int, last: int, baseline_days: int) -> None:
        self._counts = counts
        self._span = baseline_days
        self._covered = counts.covered
        self._days = sum_before(self._covered, baseline_days)
        self._active = (counts.hourly.sum(axis=2) > 0) & self._covered
        self._active_days = sum_before(self._active, baseline_days)
        self._series = np.maximum((self._active_days > 0).sum(axis=0), _LEAST_SERIES)
        weekdays = (np.arange(counts.days) + counts.first_day + 3) % 7
        self._weekend: Bools = weekdays >= 5
        self._first, self._last = first, last
        looked_at = np.zeros(counts.days, np.bool_)
        looked_at[max(0, first - OWN_DAYS) : max(0, last + 1)] = True
        self._tested: Bools = looked_at[None, :] & (self._days >= LEAST_DAYS)
        self._rises = np.array([each.kind != "regions" for each in counts.series], np.bool_)[:, None]
        self._errors = np.array([KINDS[each.kind].is_error for each in counts.series], np.bool_)
        first_covered = int(np.argmax(self._covered[0])) if len(self._covered) else 0
        self._seen: dict[int, tuple[Floats, Floats]] = {}
        self._too_early = np.arange(counts.days) < first_covered + LEAST_DAYS

    def _windows(self, width: int) -> tuple[Floats, Floats]:
        """The busiest windows by series, day and hour: their calls, and on the scale; -inf where there are none."""
        if width not in self._seen:
            busiest = self._counts.busiest(width)
            hours = np.where((busiest > 0) & self._covered[:, :, None], scaled(busiest), -np.inf).astype(np.float32)
            self._seen[width] = busiest, hours
        return self._seen[width]

    def peaks(self) -> list[Surprise]:
        """The busiest windows of days that beat all days before."""
        best: dict[tuple[int, int, int], Surprise] = {}
        for width in WIDTHS:
            busiest, hours = self._windows(width)
            peak = hours.max(axis=2)
            record = np.maximum(most_before(peak, max(self._span, LONGEST_MEMORY)), 0)
            is_active = np.isfinite(peak)
            spread = spread_before(peak, is_active, self._weekend, self._span)
            for series, day in self._cells(self._tested & (peak > record) & self._rises):
                height, apart = float(record[series, day]), float(spread[series, day])
                for hour in np.flatnonzero(hours[series, day] > height).tolist():
                    over = float(hours[series, day, hour]) - height
                    number, tail = self._judged(series, day, over, height, apart)
                    window = _Window(width, hour, busiest, height)
                    _keep_rarest(best, self._surprise(series, day, "peak", tail, window, number))
        return _with_seconds(best.values())

    def hours(self) -> list[Surprise]:
        """Windows of daily series that are unlike all windows about that time of day."""
        best: dict[tuple[int, int, int], Surprise] = {}
        for width in _HOUR_WIDTHS:
            busiest, hours = self._windows(width)
            record = np.maximum(most_before(around(hours, np.maximum), self._span), 0)
            beyond = hours - record
            day_beyond = self._of_day(beyond)
            before = np.maximum(most_before(day_beyond, self._span), 0)
            over = day_beyond - before
            is_known = np.isfinite(day_beyond)
            spread = spread_before(day_beyond, is_known, np.zeros_like(self._weekend), self._span)
            enough = self._is_daily() & (sum_before(is_known, self._span) >= _LEAST_HOUR_DAYS)
            for series, day in self._cells(self._tested & (over > 0) & enough & self._rises):
                hour = int(beyond[series, day].argmax())
                base, apart = float(record[series, day, hour]), float(spread[series, day])
                number = float(over[series, day]) * (1 + base) / (0.3 + apart)
                window = _Window(width, hour, busiest, base)
                tail = "hour errors" if self._errors[series] else "hour"
                _keep_rarest(best, self._surprise(series, day, "hour", tail, window, number))
        return _with_seconds(best.values())

    def excesses(self) -> list[Surprise]:
        """Windows of daily series with more calls than a count about that hour's mean would have."""
        counted = self._counts.known & self._covered[:, :, None]
        hours = sum_before(counted.sum(axis=2), self._span)
        busy = sum_before((counted & (self._counts.hourly > 0)).sum(axis=2), self._span)
        enough = self._tested & self._is_daily() & self._rises & (busy >= _ACTIVE_HOURS * hours)
        best: dict[tuple[int, int, int], Surprise] = {}
        for width in _EXCESS_WIDTHS:
            busiest, _ = self._windows(width)
            usual, squares = usual_of([busiest, busiest**2], counted, self._weekend, self._span)
            days = self._days.astype(np.float32)[:, :, None]
            expected = around((days * usual + 0.5) / (days + 1), np.maximum)
            excess = count_excess(busiest, expected, roughness(usual, squares))
            excess = np.where(counted & (busiest >= _EXCESS_THAT_TELLS), excess, np.float32(0))
            of_day: Floats = np.maximum(self._of_day(excess), 0) + np.float32(_EXCESS_APART)
            second, third, middle = (np.maximum(each, _EXCESS_APART) for each in ranks_before(of_day, self._span))
            over = np.log(of_day / second) / (_EVEN_CALM + np.log(third / middle))
            for series, day in self._cells((over > 0) & enough):
                hour = int(excess[series, day].argmax())
                window = _Window(width, hour, busiest, float(scaled(expected[series, day, hour])))
                number = math.sqrt(over[series, day])
                _keep_rarest(best, self._surprise(series, day, "hour", "excess", window, number))
        return _with_seconds(best.values())

    def levels(self) -> list[Surprise]:
        """Days of which at least half the hours are higher than usual; of errors there are too few to tell."""
        counts = self._counts
        calls = counts.hourly
        values = scaled(calls)
        counted = counts.known & self._covered[:, :, None]
        usual = usual_before(values, counted, self._weekend, self._span)
        matters = counted & (unscaled(usual) > _HOUR_THAT_TELLS)
        enough = (matters.sum(axis=2) >= HOURS // 3) & (self._active_days >= self._days / 2) & ~self._errors[:, None]
        enough &= self._rises
        higher = np.where(matters, values - usual, np.nan)
        middle = np.full(enough.shape, -np.inf)
        middle[enough] = _middles(higher[enough])
        # Of hours that are either empty or busy the middle always lies beside the mean.
        is_told = np.isfinite(middle)
        aside = sum_before(np.where(is_told, middle, 0), self._span) / np.maximum(sum_before(is_told, self._span), 1)
        middle -= np.maximum(aside, 0)
        # Where days lie far apart by chance, they must lie farther apart to tell.
        apart = sum_before(np.where(is_told, np.minimum(np.abs(middle), _MIDDLE_APART), 0), self._span)
        apart /= np.maximum(sum_before(is_told, self._span), 1)
        middle /= np.maximum(1, apart / _USUAL_APART) ** 1.5
        found = []
        for series in np.flatnonzero((self._tested & (middle > _LEVEL_GOES_ON)).any(axis=1)).tolist():
            for days in _runs(middle[series] > _LEVEL_GOES_ON):
                # A change begins with its first day, and is as surprising as its most surprising one.
                tested = [day for day in days if self._tested[series, day]]
                if not tested:
                    continue
                false = min(self._false("level", float(middle[series, day]), day) for day in tested)
                begins = _begins(higher[series, days[0]], float(middle[series, days[0]]))
                span = days[0], days[-1]
                for day in days:
                    calls_, usually = float(calls[series, day].sum()), float(unscaled(usual[series, day]).sum())
                    hour = begins if day == days[0] else 0
                    found.append(
                        Surprise(series, day, "level", "level", HOURS * 60, hour, calls_, usually, false, span)
                    )
        return found

    def falls(self) -> list[Surprise]:
        """Hours emptier than they ever were: two of an API, eight of a whole Region, which has quiet hours."""
        return [*self._falls("calls", _FALL_HOURS), *self._falls("regions", _REGION_FALL_HOURS)]

    def _falls(self, kind: str, width: int) -> list[Surprise]:
        counts = self._counts
        apis = np.array([each.kind == kind for each in counts.series], np.bool_)
        if not apis.any():
            return []
        flat = counts.hourly.reshape(len(counts.series), -1)
        is_known = counts.known.reshape(flat.shape)
        sums, known = flat.copy(), is_known.copy()
        for back in range(1, width):
            sums[:, back:] += flat[:, :-back]
            known[:, back:] &= is_known[:, :-back]
        calls: Floats = sums.reshape(counts.hourly.shape)
        known = known.reshape(counts.hourly.shape) & self._covered[:, :, None]
        values = scaled(calls)
        least = least_before(around(np.where(known, values, np.inf).astype(np.float32), np.minimum), self._span)
        tells = known & np.isfinite(least) & (least >= scaled(np.float32(_FALL_THAT_TELLS)))
        below = np.where(tells, least - values, -np.inf).astype(np.float32)
        day_below = self._of_day(below)
        before = np.maximum(most_before(day_below, self._span), 0)
        over = day_below - before
        found = []
        for series, day in self._cells(self._tested & (over > 0) & self._is_daily() & apis[:, None]):
            hour = int(below[series, day].argmax())
            window = _Window(width * 60, hour, calls, float(least[series, day, hour]))
            found.append(self._surprise(series, day, "fall", "fall", window, float(over[series, day])))
        return found

    def in_own_terms(self, found: Sequence[Surprise]) -> list[Surprise]:
        """
        Those of the tested days, each as seldom as the constants say or as the account's own days before do.

        The account's days are counted: how often was anything as seldom by the constants? They count as a few days of
        their own, so that nothing is as seldom as never.
        """
        own = _Own(found)
        looked_at = self._tested[0] if len(self._tested) else np.zeros(0, np.bool_)
        told = []
        for each in found:
            if each.last_day < self._first or each.first_day > self._last:
                continue
            begin, false = each.first_day, each.false_per_week
            weeks = float(looked_at[max(0, begin - OWN_DAYS) : begin].sum() / 7)
            if weeks >= _LEAST_OWN_WEEKS:
                false = min(false, max(_SELDOMEST, own.rate(each, weeks)))
            told.append(replace(each, false_per_week=false * _EITHER_WAY))
        return told

    def _surprise(self, series: int, day: int, way: str, tail: str, window: _Window, number: float) -> Surprise:
        calls = float(window.calls[series, day, window.hour])
        expected = float(unscaled(np.float32(window.height)))
        return Surprise(
            series, day, way, tail, window.width, window.hour, calls, expected, self._false(tail, number, day)
        )

    def _judged(self, series: int, day: int, over: float, record: float, spread: float) -> tuple[float, str]:
        """The number that says how surprising a peak is, and whose tail it is judged by."""
        active, days = self._active_days[series, day], self._days[series, day]
        if self._errors[series]:
            return (over, "new errors") if active < 1 else (over / float(np.sqrt(1 + spread)), "errors")
        if active < 1:
            return over, "new"
        if active >= 0.95 * days:
            # Counts that are large, and days that are alike, make the same distance more certain.
            return over * (1 + record) / (0.3 + spread), "daily"
        return over, "often" if active > 0.2 * days else "seldom"

    def _false(self, tail: str, number: float, day: int) -> float:
        """How many false insights a week, if all that are as surprising were reported."""
        chosen = _TAILS[tail]
        days = float(self._days[0, day])
        fewer_days = (_MEASURED_DAYS + 1) / (min(days, _MEASURED_DAYS) + 1)
        series = float(self._series[day]) / _MEASURED_SERIES
        exponent = min((chosen.start - number) / chosen.step, 700.0)
        return float(_MEASURED_RATE * np.exp(exponent) * fewer_days * series)

    def _of_day(self, hours: Floats) -> Floats:
        """The most of a day; -inf while the days before are too few to tell."""
        found: Floats = hours.max(axis=2)
        found[:, self._too_early] = -np.inf
        return found

    def _is_daily(self) -> Bools:
        found: Bools = self._active_days >= np.maximum(10, self._days / 3)
        return found

    @staticmethod
    def _cells(chosen: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
        return [(int(series), int(day)) for series, day in zip(*np.nonzero(chosen), strict=True)]


def _middles(rows: Floats) -> Floats:
    """The median of each row's numbers, of which there is at least one; others are NaN."""
    ordered = np.sort(rows, axis=1)  # NaN comes last
    told = np.isfinite(rows).sum(axis=1)
    at = np.arange(len(rows))
    found: Floats = (ordered[at, (told - 1) // 2] + ordered[at, told // 2]) / 2
    return found


def _begins(higher: Floats, middle: float) -> int:
    """The hour of a day from which on its hours are high, told by the middle of each three."""
    told = np.where(np.isnan(higher), middle, higher)
    padded = np.concatenate([told[:1], told, told[-1:]])
    smooth = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    low = np.flatnonzero(smooth < 0.4 * middle)
    early = low[low < HOURS // 2 + 2]
    return int(early[-1]) + 1 if len(early) else 0


def _runs(chosen: Bools) -> list[list[int]]:
    """The days that are chosen, in runs that a single other day does not part."""
    runs: list[list[int]] = []
    for day in np.flatnonzero(chosen).tolist():
        if runs and day - runs[-1][-1] <= 2:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs
