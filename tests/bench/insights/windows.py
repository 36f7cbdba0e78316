"""
Windows of several widths, scored by day against the days before; from scored windows to alarms.

A method scores all windows of a chunk of series; `score_windows` runs it over everything and keeps the most unusual
windows, from which alarms at any threshold follow (`Scored.alarms`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tests.bench.insights.clock import DAY
from tests.bench.insights.dense import Rates
from tests.bench.insights.score import Alarm

STEPS = {1: 1, 5: 1, 15: 3, 60: 5}
"""Widths of windows, and how far apart they are, in minutes."""

LEAST_DAYS = 7
_JOINED = 5
"""Minutes between unusual windows of one alarm."""

_MOST = 250_000
"""Windows kept, each for rises and falls; tens of false alarms an account-week."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Block:
    """
    Windows of one width of a chunk of series.

    Args:
        width: In minutes.
        calls: series x days x windows that end on the day.
        known: series x days: how many of the 28 days before the account had.
    """

    width: int
    calls: Floats
    known: npt.NDArray[np.int64]


Method = Callable[[Block], tuple[Floats, Floats | None]]
"""Scores of all windows, for rises and (if it looks for them) for falls, both in the shape of `Block.calls`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """
    What every method has to choose.

    Args:
        widths: Of `STEPS`.
        least_calls: A window of fewer is no rise.
        fall: What a fall's score is multiplied by; 0 to ignore falls, which are looked for in windows of an hour.
    """

    widths: tuple[int, ...]
    least_calls: int
    fall: float


@dataclass(frozen=True, slots=True)
class Scored:
    """Unusual windows, as arrays: number of the series, end and width in minutes, calls, score, whether a fall."""

    rates: Rates
    series: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    width: npt.NDArray[np.int64]
    calls: Floats
    score: Floats
    is_fall: npt.NDArray[np.bool_]

    def chosen(self, settings: Settings) -> Scored:
        """Those that pass some settings, with falls weighted, most unusual first."""
        rises = ~self.is_fall & np.isin(self.width, settings.widths) & (self.calls >= settings.least_calls)
        kept = np.flatnonzero(rises | (self.is_fall & (settings.fall > 0)))
        score = np.where(self.is_fall[kept], self.score[kept] * settings.fall, self.score[kept])
        order = np.argsort(-score, kind="stable")
        return replace(self._at(kept[order]), score=score[order].astype(np.float32))

    def alarms(self, threshold: float) -> list[Alarm]:
        """Alarms from windows, sorted by `chosen`, of this score or more: windows that touch are joined."""
        some = self._at(np.arange(np.searchsorted(-self.score, -threshold, side="right")))
        some = some._at(np.lexsort((some.end - some.width, some.series)))
        alarms: list[Alarm] = []
        if not len(some.end):
            return alarms
        shift = some.series * (1 << 40)
        start, end = some.end - some.width + shift, np.maximum.accumulate(some.end + shift)
        begins = np.flatnonzero(np.concatenate(([True], start[1:] > end[:-1] + _JOINED)))
        best = np.maximum.reduceat(some.score, begins)
        seen = np.minimum.reduceat(some.end, begins)
        ends = end[np.append(begins[1:], len(end)) - 1] - shift[begins]
        for at, until, score, noticed in zip(begins, ends, best, seen, strict=True):
            each = self.rates.series[some.series[at]]
            alarms.append(
                Alarm(each.account, each.region, each.source, each.name, each.error_code,
                      self.rates.time(some.end[at] - some.width[at]), self.rates.time(until), float(score),
                      self.rates.time(noticed))
            )  # fmt: skip
        return alarms

    def _at(self, index: npt.NDArray[np.intp]) -> Scored:
        return Scored(self.rates, self.series[index], self.end[index], self.width[index], self.calls[index],
                      self.score[index], self.is_fall[index])  # fmt: skip


def score_windows(rates: Rates, method: Method, widths: Sequence[int] = tuple(STEPS)) -> Scored:
    """Score all windows of the tested days, and keep those most unusual."""
    parts: list[Scored] = []
    for first, minutes in rates.chunks():
        series = np.arange(first, first + len(minutes))
        known = np.clip(np.arange(rates.days) - rates.first_day[series, None], 0, 28)
        total = np.zeros((len(series), minutes.shape[1] + 1))
        np.cumsum(minutes, axis=1, dtype=np.float64, out=total[:, 1:])
        for width in widths:
            ends = np.arange(STEPS[width], minutes.shape[1] + 1, STEPS[width])
            sums = (total[:, ends] - total[:, np.maximum(0, ends - width)]).astype(np.float32)
            block = Block(width, sums.reshape(len(series), rates.days, -1), known)
            rises, falls = method(block)
            parts.append(_kept(rates, series, block, rises, False))
            if falls is not None and width == 60:
                for row, at in enumerate(series):
                    hidden = rates.silent[rates.series[at].account, rates.series[at].region]
                    gone = np.concatenate(([0], np.cumsum(hidden)))
                    touched = gone[ends] - gone[np.maximum(0, ends - 60)] > 0
                    falls[row] = np.where(touched.reshape(rates.days, -1), 0, falls[row])
                parts.append(_kept(rates, series, block, falls, True))
    return _joined(rates, parts)


def _kept(rates: Rates, series: npt.NDArray[np.int64], block: Block, scores: Floats, is_fall: bool) -> Scored:
    tested = scores[:, rates.test_day :].copy()
    tested[block.known[:, rates.test_day :] < LEAST_DAYS] = 0
    calls = block.calls[:, rates.test_day :]
    if not is_fall:
        tested[calls < 2] = 0
    most = max(1, _MOST * len(series) // (3 * len(rates.series)))
    flat = tested.ravel()
    kept = np.flatnonzero(flat > 0)
    if len(kept) > most:
        kept = kept[np.argpartition(flat[kept], len(kept) - most)[-most:]]
    row, day, at = np.unravel_index(kept, tested.shape)
    end = (day + rates.test_day) * DAY + (at + 1) * STEPS[block.width]
    size = len(kept)
    return Scored(rates, series[row], end, np.full(size, block.width), calls.ravel()[kept], flat[kept],
                  np.full(size, is_fall))  # fmt: skip


def _joined(rates: Rates, parts: list[Scored]) -> Scored:
    def column(name: str) -> npt.NDArray[np.generic]:
        return np.concatenate([getattr(part, name) for part in parts])

    return Scored(rates, *(column(name) for name in ("series", "end", "width", "calls", "score", "is_fall")))  # type: ignore[arg-type]


def before(by_day: npt.NDArray[np.float64], days: int, how: str) -> npt.NDArray[np.float64]:
    """For each day the sum or maximum (`how`) of values of so many days before it: series x days in and out."""
    padded = np.concatenate([np.zeros((len(by_day), days)), by_day], axis=1)[:, :-1]
    view = np.lib.stride_tricks.sliding_window_view(padded, days, axis=1)
    result: npt.NDArray[np.float64] = view.sum(axis=2) if how == "sum" else view.max(axis=2)
    return result
