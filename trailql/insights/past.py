"""
Looking back along the days of an array of series × days (× hours): sums, most and least of the days before.

And the scale on which counts are compared.
"""

from __future__ import annotations

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
    is_weekend = weekend[None, :, None]
    sums = [sum_before(np.where(counts & chosen, values, 0), days) for chosen in (is_weekend, ~is_weekend)]
    numbers = [sum_before(counts & chosen, days) for chosen in (is_weekend, ~is_weekend)]
    same = [np.where(is_weekend, each[0], each[1]) for each in (sums, numbers)]
    other = [np.where(is_weekend, each[1], each[0]) for each in (sums, numbers)]
    total, number = (a + _OTHER_DAYS * b for a, b in zip(same, other, strict=True))
    return (total / np.maximum(number, 1e-9)).astype(np.float32)


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


def _earlier(values: Floats, days: int) -> Floats:
    if not days:
        return values
    found = np.full_like(values, -np.inf)
    if days < values.shape[1]:
        found[:, days:] = values[:, :-days]
    return found
