"""
Well-known detectors, each given its best honest chance: several widths of windows, a least number of calls, falls
weighted apart; what there is to choose was chosen on other seeds (`tests.bench.insights.tune`).

In all of them x are a window's calls and the baseline is the 28 days before (7 for the static mean), computed anew
every day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.bench.insights.windows import STEPS, Block, Floats, Method, Settings, before

Choice = tuple[float, ...]
"""A method's own parameters."""


@dataclass(frozen=True, slots=True)
class Rival:
    """
    A detector.

    Args:
        name: In the table.
        method: From its own parameters to a method.
        choices: Parameters to choose from.
        chosen: Those chosen on the training seed.
        settings: Chosen there too.
        widths: Of windows it can use.
    """

    name: str
    method: Callable[..., Method]
    choices: tuple[Choice, ...]
    chosen: Choice
    settings: Settings
    widths: tuple[int, ...] = tuple(STEPS)


def static_mean(least: float) -> Method:
    """x against the mean of seven days, as AWS documents it: (x + c) / (mean + c), and the inverse for falls."""

    def method(block: Block) -> tuple[Floats, Floats | None]:
        known = np.clip(block.known, 1, 7) * block.calls.shape[2]
        mean = (before(block.calls.sum(axis=2, dtype=np.float64), 7, "sum") / known)[:, :, None].astype(np.float32)
        rise = (block.calls + least) / (mean + least)
        return rise, 1 / rise

    return method


def z_score(least: float) -> Method:
    """(x - mean) / (deviation + c)."""

    def method(block: Block) -> tuple[Floats, Floats | None]:
        mean, deviation = moments(block)
        z = (block.calls - mean) / (deviation + np.float32(least))
        return z, -z

    return method


def mad(least: float, active_only: float) -> Method:
    """
    (x - median) / (1.4826 MAD + c), of windows that do not overlap: of all, or of those with calls. Computed anew
    every week, since medians are slow.
    """

    def method(block: Block) -> tuple[Floats, Floats | None]:
        z = np.zeros_like(block.calls)
        apart = max(1, block.width // STEPS[block.width])
        for first in range(7, block.calls.shape[1], 7):
            past = block.calls[:, max(0, first - 28) : first, apart - 1 :: apart]
            for row, days in enumerate(past):
                known = days[len(days) - min(len(days), max(1, block.known[row, first])) :].ravel()
                known = known[known > 0] if active_only else known
                middle = np.median(known) if len(known) else 0.0
                spread = 1.4826 * np.median(np.abs(known - middle)) if len(known) else 0.0
                z[row, first : first + 7] = (block.calls[row, first : first + 7] - middle) / (spread + least)
        return z, -z

    return method


def ewma(weight: float, least: float) -> Method:
    """A control chart on the exponentially weighted mean of five-minute calls: (ewma - mean) / (its deviation + c)."""

    def method(block: Block) -> tuple[Floats, Floats | None]:
        mean, deviation = moments(block)
        apart = block.width // STEPS[block.width]
        tiles = block.calls[:, :, apart - 1 :: apart].reshape(len(block.calls), -1)
        smooth = np.empty_like(tiles)
        level = tiles[:, 0].copy()
        for at in range(tiles.shape[1]):
            level += np.float32(weight) * (tiles[:, at] - level)
            smooth[:, at] = level
        limit = deviation * np.float32(np.sqrt(weight / (2 - weight))) + np.float32(least)
        z = np.zeros_like(block.calls)
        shape = (*block.calls.shape[:2], -1)
        z[:, :, apart - 1 :: apart] = (smooth.reshape(shape) - mean) / limit
        return z, None

    return method


def seasonal(season: float, logs: float, share: float, least: float) -> Method:
    """
    Hour of the week (season 7) or of the day (season 1): x against its mean in the same hour and the two beside it over
    28 days, in units of the deviation there, mixed with that of all hours. x is its logarithm (plus 1) or its square
    root, which makes Poisson counts of equal spread.
    """

    def method(block: Block) -> tuple[Floats, Floats | None]:
        rows, days, each_day = block.calls.shape
        scaled = np.log1p(block.calls) if logs else np.sqrt(block.calls)
        by_hour = scaled.reshape(rows, days * 24, each_day // 24)
        sums, squares = (
            _around(by_hour.sum(axis=2, dtype=np.float64)),
            _around((by_hour**2).sum(axis=2, dtype=np.float64)),
        )
        known = np.repeat((block.known > 0).astype(np.float64), 24, axis=1)
        known = _around(known * (each_day // 24))
        back = [round(season * 24) * turn for turn in range(1, round(28 / season) + 1)]
        count = np.maximum(1, sum(_shifted(known, each) for each in back))
        mean = sum(_shifted(sums, each) for each in back) / count
        variance = np.maximum(0, sum(_shifted(squares, each) for each in back) / count - mean**2)
        overall = np.repeat(before(variance.reshape(rows, days, 24).mean(axis=2), 28, "sum") / 28, 24, axis=1)
        spread = np.sqrt(share * variance + (1 - share) * overall + least)
        z = (by_hour - mean[:, :, None].astype(np.float32)) / spread[:, :, None].astype(np.float32)
        z = z.reshape(block.calls.shape)
        return z, -z

    return method


def record(least: float) -> Method:
    """x against the busiest window of 28 days: (x + c) / (record + c); five lines that a model should beat."""

    def method(block: Block) -> tuple[Floats, Floats | None]:
        most = before(block.calls.max(axis=2).astype(np.float64), 28, "max")[:, :, None].astype(np.float32)
        return (block.calls + np.float32(least)) / (most + np.float32(least)), None

    return method


def moments(block: Block) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the 28 days before, for each day."""
    size = np.maximum(1, block.known) * block.calls.shape[2]
    mean = before(block.calls.sum(axis=2, dtype=np.float64), 28, "sum") / size
    square = before(np.einsum("sdw,sdw->sd", block.calls, block.calls, dtype=np.float64), 28, "sum") / size
    deviation = np.sqrt(np.maximum(0, square - mean**2))
    return mean[:, :, None].astype(np.float32), deviation[:, :, None].astype(np.float32)


def _around(
    by_hour: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Each hour with the two beside it."""
    total = by_hour.copy()
    total[:, 1:] += by_hour[:, :-1]
    total[:, :-1] += by_hour[:, 1:]
    return total


def _shifted(
    by_hour: np.ndarray[tuple[int, ...], np.dtype[np.float64]], hours: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The value so many hours before, 0 where there is none."""
    moved = np.zeros_like(by_hour)
    moved[:, hours:] = by_hour[:, :-hours]
    return moved


RIVALS = (
    Rival("static 7-day mean", static_mean, ((0.1,), (0.25,), (0.5,), (2.0,), (5.0,)), (0.25,),
          Settings((60,), 5, 0.3)),
    Rival("z-score", z_score, ((0.3,), (1.0,), (3.0,), (10.0,)), (0.3,), Settings((60,), 5, 0)),
    Rival("MAD", mad, ((0.5, 0), (2.0, 0), (0.5, 1), (2.0, 1), (5.0, 1)), (2.0, 1), Settings((5, 60), 5, 0)),
    Rival("EWMA chart", ewma, ((0.01, 0.3), (0.03, 0.3), (0.1, 0.3), (0.1, 1.0), (0.3, 1.0), (0.6, 1.0)), (0.01, 0.3),
          Settings((5,), 5, 0), (5,)),
    Rival("seasonal z", seasonal, ((7, 0, 0.5, 0.25), (1, 0, 0.5, 0.25), (7, 1, 0.5, 0.05), (1, 1, 0.5, 0.05),
          (7, 1, 0.5, 0.25), (1, 1, 0.5, 0.25), (7, 1, 1.0, 0.25)), (1, 1, 0.5, 0.05), Settings((60,), 5, 1)),
    Rival("28-day record", record, ((0.5,), (2.0,), (5.0,), (10.0,)), (0.5,), Settings((60,), 20, 0)),
)  # fmt: skip
