"""
Looking back along the days of an array of series × days (× hours): sums, most and least of the days before.

And the scale on which counts are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trailql.insights.series import Bools, Floats

_DISPERSION = 0.1
_OTHER_DAYS = 0.15
"""What a day of the weekend counts for a working day, and the other way round."""


def scaled(calls: Floats | np.float32) -> Floats:
    """
    Counts on a scale on which their usual spread is the same at all sizes: 2 √n for few, about 3.2 ln n for many.

    It is the variance-stabilizing transformation of a negative binomial count of variance n + n²/10: chance moves few
    calls by one step, and many by a third of their number.
    """
    return np.asarray(np.arcsinh(np.sqrt(_DISPERSION * calls)) * (2 / np.sqrt(_DISPERSION)), np.float32)


def unscaled(values: Floats | np.float32) -> Floats:
    """The counts that `scaled` maps to these values."""
    return np.asarray(np.sinh(values * (np.sqrt(_DISPERSION) / 2)) ** 2 / _DISPERSION, np.float32)


def sum_before(values: npt.NDArray[Any], days: int) -> npt.NDArray[np.float64]:
    """The sum over so many days before each day."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1, *values.shape[2:]))
    np.cumsum(values, axis=1, out=sums[:, 1:], dtype=np.float64)
    found = sums[:, :-1].copy()
    found[:, days:] -= sums[:, : max(0, values.shape[1] - days)]
    return found


def most_before(values: Floats, days: int) -> Floats:
    """The most of so many days before each day; -inf where there is none."""
    width, most = 1, values
    while 2 * width <= days:
        most = np.maximum(most, _earlier(most, width))
        width *= 2
    return _earlier(np.maximum(most, _earlier(most, days - width)), 1)


def least_before(values: Floats, days: int) -> Floats:
    """The least of so many days before each day; +inf where there is none."""
    return -most_before(-values, days)


def around(values: Floats, choose: np.ufunc) -> Floats:
    """The most or least (`np.maximum`, `np.minimum`) of each hour and the two beside it, over midnight as well."""
    flat = values.reshape(len(values), -1)
    found = flat.copy()
    choose(found[:, 1:], flat[:, :-1], out=found[:, 1:])
    choose(found[:, :-1], flat[:, 1:], out=found[:, :-1])
    return found.reshape(values.shape)


def usual_before(values: Floats, counts: Bools, weekend: Bools, days: int) -> Floats:
    """
    The mean of the same hour on days of the same kind, weekend or not, and a little of the others.

    Args:
        values: By series, day and hour.
        counts: Which of them count.
        weekend: By day.
        days: How many before.
    """
    return usual_of([values], counts, weekend, days)[0]


def usual_of(several: Sequence[Floats], counts: Bools, weekend: Bools, days: int) -> list[Floats]:
    """The same of several arrays of which the same count."""
    is_weekend = weekend[None, :, None]
    chosen = (counts & is_weekend, counts & ~is_weekend)

    def weighed(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        at_weekends, else_ = (sum_before(np.where(each, values, 0), days) for each in chosen)
        return np.where(is_weekend, at_weekends + _OTHER_DAYS * else_, else_ + _OTHER_DAYS * at_weekends)

    number = np.maximum(weighed(np.ones((1, 1, 1), np.float32)), 1e-9)
    return [(weighed(values) / number).astype(np.float32) for values in several]


def spread_before(values: Floats, counts: Bools, weekend: Bools, days: int) -> Floats:
    """
    How far days usually lie from the mean of days of their kind, weekend or not, as a standard deviation.

    Args:
        values: By series and day.
        counts: Which of them count.
        weekend: By day.
        days: How many before.
    """
    squares, number = np.zeros(values.shape), np.zeros(values.shape)
    for kind in (weekend, ~weekend):
        chosen = counts & kind[None, :]
        found = np.where(chosen, values, 0).astype(np.float64)
        here = sum_before(chosen, days)
        squares += np.maximum(sum_before(found**2, days) - sum_before(found, days) ** 2 / np.maximum(here, 1), 0)
        number += here
    return np.sqrt(squares / np.maximum(number, 1)).astype(np.float32)


def ranks_before(values: Floats, days: int) -> tuple[Floats, Floats, Floats]:
    """The second and the third most and the middle of so many days before each day; 0 where there are not three."""
    found = np.zeros((3, *values.shape), np.float32)
    for day in range(3, values.shape[1]):
        past = np.sort(values[:, max(0, day - days) : day], axis=1)
        found[:, :, day] = past[:, -2], past[:, -3], past[:, past.shape[1] // 2]
    return found[0], found[1], found[2]


def roughness(means: Floats, squares: Floats) -> Floats:
    """
    How much rougher than a Poisson count each day of a series is: 1/k of a negative binomial of variance n + n²/k.

    The middle of its hours is told, so that one anomaly in the days before does not make all of them rough.

    Args:
        means, squares: The means of counts and of their squares, by series, day and hour.
    """
    rough = np.where(means > 0.5, (squares - means**2 - means) / np.maximum(means, 0.5) ** 2, np.nan)
    told = np.isfinite(rough).sum(axis=2)
    ordered = np.sort(rough, axis=2)  # what is unknown comes last
    chosen = np.clip(np.ceil(told * _ROUGHER_HOURS).astype(np.int64) - 1, 0, None)
    found = np.take_along_axis(ordered, chosen[:, :, None], axis=2)[:, :, 0]
    # Of a series with few hours that are usually busy, all hours together tell.
    together = (squares - means**2 - means).sum(axis=2) / np.maximum((means**2).sum(axis=2), 1e-6)
    middle = np.where(told >= _LEAST_TOLD_HOURS, found, together).astype(np.float32)
    return np.clip(middle, _LEAST_ROUGH, _MOST_ROUGH)


def count_excess(calls: Floats, expected: Floats, rough: Floats) -> Floats:
    """
    How improbable a count at least as high is, as the Chernoff exponent (natural logarithm) of a negative binomial.

    Args:
        calls, expected: By series, day and hour.
        rough: By series and day, see `roughness`.

    Returns:
        0 where no more calls came than expected.
    """
    k = 1 / rough[:, :, None]
    ratio = np.maximum(calls, expected) / expected
    exponent = np.maximum(calls, expected) * np.log(ratio)
    exponent -= (np.maximum(calls, expected) + k) * np.log((np.maximum(calls, expected) + k) / (expected + k))
    return np.where(calls > expected, exponent, 0).astype(np.float32)


_LEAST_ROUGH, _MOST_ROUGH = 0.01, 50.0
_LEAST_TOLD_HOURS = 6
_ROUGHER_HOURS = 0.8


def _earlier(values: Floats, days: int) -> Floats:
    if not days:
        return values
    found = np.full_like(values, -np.inf)
    if days < values.shape[1]:
        found[:, days:] = values[:, :-days]
    return found
