"""Bursts: runs of minutes in which a series was busier than its baseline allows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, groupby

import duckdb
import pyarrow as pa

from trailql.insights.baseline import WIDTHS
from trailql.insights.windows import UnusualDay, count_windows, unusual_days

_UNUSUAL_WINDOWS = """
SELECT windows.id, windows.minute, least.day, least.width,
       CASE least.width WHEN 1 THEN calls_1 WHEN 5 THEN calls_5 WHEN 15 THEN calls_15 ELSE calls_60 END AS calls_within
FROM windows JOIN least ON least.id = windows.id AND windows.day BETWEEN least.day AND least.day + 1
WHERE calls_within >= least.calls AND windows.minute >= $first_minute AND windows.minute < $end_minute
ORDER BY windows.id, windows.minute - least.width, least.width, least.day
"""
"""Windows unusual for their own day, or for the day before: after midnight a burst's start is part of the baseline."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is counted: one API of one account and Region; with an error code, its calls that failed so."""

    account: str
    region: str
    event_source: str
    event_name: str
    error_code: str | None


@dataclass(frozen=True, slots=True)
class Burst:
    """
    One run of unusual minutes.

    Args:
        series: Whose.
        start_minute: Minutes since 1970, the first with a call.
        end_minute: One past the last with a call.
        calls: Calls between.
        start_calls: Calls in the first minute.
        baseline_calls: Calls on the days of the baseline.
        baseline_days: How many days that were.
        baseline_start_minute: Where the earliest of them may begin.
        baseline_end_minute: Where the last of them ends: midnight, UTC.
        p_value: The chance of such a day, over all widths of windows together.
    """

    series: Series
    start_minute: int
    end_minute: int
    calls: int
    start_calls: int
    baseline_calls: int
    baseline_days: int
    baseline_start_minute: int
    baseline_end_minute: int
    p_value: float


@dataclass(frozen=True, slots=True)
class _Window:
    """A window with too many calls for `day`: `start <= minute < end`, and the logarithm of its chance."""

    start: int
    end: int
    day: int
    width: int
    log_chance: float


def find_bursts(
    rates: pa.Table,
    covered: pa.Table,
    *,
    first_minute: int,
    end_minute: int,
    baseline_days: int,
    false_per_account_week: float,
) -> list[Burst]:
    """
    Find the bursts in windows that end within some minutes.

    Args:
        rates: From `trailql.insights.rates.minute_calls`, reaching back over the baseline.
        covered: From `trailql.insights.rates.covered_days`.
        first_minute: Minutes since 1970, the first to test.
        end_minute: The first not to test.
        baseline_days: How many days before a tested day to compare with; days without any event do not count.
        false_per_account_week: See `trailql.insights.baseline.log_limit`.
    """
    with duckdb.connect() as lab:
        count_windows(lab, rates, covered)
        days = unusual_days(lab, first_minute // 1440, (end_minute - 1) // 1440, baseline_days, false_per_account_week)
        if not days:
            return []
        lab.register("least", _least_table(days))
        asked = {"first_minute": first_minute, "end_minute": end_minute}
        rows = lab.execute(_UNUSUAL_WINDOWS, asked).fetchall()
        found: list[Burst] = []
        for series_id, unusual in groupby(rows, key=lambda row: int(row[0])):
            windows = [
                _window(days[series_id, day], minute, day, width, calls) for _, minute, day, width, calls in unusual
            ]
            for together in _overlapping(windows):
                if any(_is_of_its_day(window) for window in together):
                    found.append(_burst(lab, series_id, together, days, baseline_days))
        return found


def _least_table(days: dict[tuple[int, int], UnusualDay]) -> pa.Table:
    rows = [(*key, width, calls) for key, on in days.items() for width, calls in on.least.items()]
    columns = [pa.array(column, pa.int64()) for column in zip(*rows, strict=True)]
    return pa.table(columns, ["id", "day", "width", "calls"])


def _window(on: UnusualDay, minute: int, day: int, width: int, calls: int) -> _Window:
    return _Window(minute - width + 1, minute + 1, day, width, on.baselines[width].log_chance(calls))


def _is_of_its_day(window: _Window) -> bool:
    return (window.end - 1) // 1440 == window.day


def _overlapping(windows: list[_Window]) -> Iterator[list[_Window]]:
    """Windows in order of their start, in groups that overlap or touch."""
    group: list[_Window] = []
    end = -math.inf
    for window in windows:
        if group and window.start > end:
            yield group
            group, end = [], -math.inf
        group.append(window)
        end = max(end, window.end)
    if group:
        yield group


def _burst(
    lab: duckdb.DuckDBPyConnection,
    series_id: int,
    windows: list[_Window],
    days: dict[tuple[int, int], UnusualDay],
    baseline_days: int,
) -> Burst:
    """
    One burst from windows that overlap.

    Windows of every width look at the same calls; those as wide as the most unlikely one fit the burst best. They may
    reach over ordinary calls before and after it, which are trimmed.
    """
    best = min(windows, key=lambda window: (window.log_chance, window.width))
    fitting = [window for window in windows if window.width == best.width]
    start, end = min(window.start for window in fitting), max(window.end for window in fitting)
    sql = "SELECT minute, calls_1 FROM windows WHERE id = ? AND minute >= ? AND minute < ? ORDER BY minute"
    active: list[tuple[int, int]] = lab.execute(sql, [series_id, start, end]).fetchall()
    key = lab.execute("SELECT * EXCLUDE (id) FROM series WHERE id = ?", [series_id]).fetchall()[0]
    on = days[series_id, best.day]
    minutes = _trimmed(active, (on.calls_before + 0.5) / (on.days_before * 1440))
    return Burst(
        series=Series(*key),
        start_minute=minutes[0][0],
        end_minute=minutes[-1][0] + 1,
        calls=sum(calls for _, calls in minutes),
        start_calls=minutes[0][1],
        baseline_calls=on.calls_before,
        baseline_days=on.days_before,
        baseline_start_minute=(best.day - baseline_days) * 1440,
        baseline_end_minute=best.day * 1440,
        p_value=min(1.0, len(WIDTHS) * math.exp(best.log_chance)),
    )


def _trimmed(minutes: list[tuple[int, int]], usual: float) -> list[tuple[int, int]]:
    """
    Leave out calls at either end that belong to the ordinary rate rather than to the burst.

    What stays has the largest likelihood ratio of its own rate to the usual one, among all later starts and then among
    all earlier ends (Kulldorff's scan statistic, one end at a time).

    Args:
        minutes: Active minutes and their calls, in order.
        usual: Calls per minute in the baseline, above 0.
    """
    last = minutes[-1][0]
    from_here = [*accumulate(calls for _, calls in reversed(minutes))][::-1]
    scores = [_log_ratio(calls, last + 1 - at, usual) for (at, _), calls in zip(minutes, from_here, strict=True)]
    minutes = minutes[scores.index(max(scores)) :]
    first = minutes[0][0]
    up_to_here = accumulate(calls for _, calls in minutes)
    scores = [_log_ratio(calls, at + 1 - first, usual) for (at, _), calls in zip(minutes, up_to_here, strict=True)]
    return minutes[: scores.index(max(scores)) + 1]


def _log_ratio(calls: int, length: int, usual: float) -> float:
    """How much more likely so many calls in so many minutes are at their own rate than at the usual one."""
    expected = usual * length
    return calls * math.log(calls / expected) - (calls - expected) if calls > expected else 0.0
