"""Looking back along days, in numbers small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pytest

from trailql.insights.past import count_excess, ranks_before, roughness


def test_ranks_of_the_days_before() -> None:
    """The second and third most and the middle of the days before, never of the day itself."""
    days = np.array([[1, 9, 3, 7, 5, 100]], np.float32)

    second, third, middle = ranks_before(days, 4)

    assert [0, 0, 0, 3, 7, 7] == second[0].tolist()
    assert [0, 0, 0, 1, 3, 5] == third[0].tolist()
    assert [0, 0, 0, 3, 7, 7] == middle[0].tolist()


def test_excess_is_the_chernoff_exponent() -> None:
    """Nearly that of a Poisson count where a series is smooth, far less where it is rough; none below the mean."""
    calls, expected = np.array([[[40.0, 5.0]]], np.float32), np.array([[[10.0, 10.0]]], np.float32)

    smooth, rough = (count_excess(calls, expected, np.array([[each]], np.float32))[0, 0] for each in (1e-6, 1.0))

    assert pytest.approx(40 * np.log(4) - 30, rel=1e-2) == smooth[0]
    assert pytest.approx(40 * np.log(4) - 41 * np.log(41 / 11), rel=1e-4) == rough[0]
    assert smooth[1] == rough[1] == 0


def test_roughness_of_most_hours() -> None:
    """Poisson counts are not rough, whatever came once in four of the hours; a series with rough hours is."""
    rng = np.random.default_rng(1)
    counts = rng.poisson(20, (20, 24)).astype(np.float32)
    spoiled, restless = counts.copy(), rng.poisson(20 * rng.standard_gamma(1, (20, 24))).astype(np.float32)
    spoiled[7, :4] = 2000

    told = [
        float(roughness(each.mean(axis=0)[None, None], (each**2).mean(axis=0)[None, None])[0, 0])
        for each in (counts, spoiled, restless)
    ]

    assert told[0] < 0.05
    assert told[1] < 0.1
    assert told[2] > 0.5
