"""The test for one day of one series."""

from __future__ import annotations

import math

import pytest

from trailql.insights.baseline import Baseline, log_limit

_DEFAULT_LIMIT = log_limit(50, 0.5)


def _least(days: int, busiest: list[int], most: int = 10_000) -> int | None:
    return Baseline(days, busiest).least_unusual(_DEFAULT_LIMIT, most)


def test_nothing_up_to_the_record_is_unusual() -> None:
    """What a baseline day has reached is normal: its chance counts as 1."""
    assert [0.0, 0.0, 0.0] == [Baseline(28, [3, 40, 5]).log_chance(calls) for calls in (1, 5, 40)]


def test_chance_falls_with_every_call() -> None:
    """More calls are never more likely."""
    chances = [Baseline(28, [1, 2, 1, 3]).log_chance(calls) for calls in range(4, 400)]

    assert sorted(chances, reverse=True) == chances


def test_least_unusual_is_where_the_chance_crosses_the_limit() -> None:
    """The search by halves gives the count a search one by one would give."""
    baseline = Baseline(20, [2, 5, 9, 3, 3])
    expected = next(calls for calls in range(1, 1000) if baseline.log_chance(calls) <= _DEFAULT_LIMIT)

    assert expected == baseline.least_unusual(_DEFAULT_LIMIT, 1000)


def test_never_seen_needs_seven_calls_after_four_weeks() -> None:
    """An API without history is unusual from seven calls in a window on, after 28 days of others' calls."""
    assert 7 == _least(28, [])


def test_never_seen_needs_more_after_one_week() -> None:
    """Seven days say less about what never happens than 28 do."""
    assert 9 == _least(7, [])


def test_weekly_single_call_does_not_make_two_or_three_unusual() -> None:
    """With one call on four days of 28, a few at once are nothing, and a dozen are something."""
    least = _least(28, [1, 1, 1, 1])

    assert least is not None
    assert 4 <= least <= 12


def test_uneven_days_need_a_larger_burst_than_even_ones() -> None:
    """The spread between days is part of what is normal."""
    even, uneven = _least(28, [20] * 28), _least(28, [5, 80] * 14)

    assert even is not None
    assert uneven is not None
    assert even < 60 < 160 < uneven


def test_rare_large_days_among_small_ones_count() -> None:
    """Two releases a month make a third one normal, although 25 other days had a single call."""
    least = _least(28, [1] * 25 + [35, 40])

    assert least is not None
    assert least > 60


def test_days_without_calls_are_normal_days() -> None:
    """Many days without a call make a record less likely than few do."""
    assert Baseline(28, [2, 2]).log_chance(9) < Baseline(8, [2, 2]).log_chance(9)


@pytest.mark.parametrize("calls", [2_000_000, 50_000_000])
def test_counts_in_millions_stay_finite(calls: int) -> None:
    """No count is too large for the arithmetic."""
    assert math.isfinite(Baseline(28, [1_000_000] * 27 + [1_500_000]).log_chance(calls))


def test_limit_shares_the_budget_among_series_days_and_widths() -> None:
    """Half a false insight a week, over 100 series, seven days and four widths."""
    assert 0.5 / 2800 == pytest.approx(math.exp(log_limit(100, 0.5)))


def test_small_accounts_are_held_to_fifty_series() -> None:
    """An account with three series is not reported for trifles."""
    assert log_limit(50, 0.5) == log_limit(3, 0.5)
