"""
Plant anomalies in an account's minute counts, in the tested weeks only.

"N times the usual" means: together with what is there anyway, about N times the calls that a usual active window of
the same length has at that hour (`usual_calls`). For a busy API that is N times its rate; for an API called once an
hour, a usual active window of five minutes has one call, and 10x is ten calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tests.bench.insights.accounts import Account, Series
from tests.bench.insights.catalogue import ENUMERATED, NEVER_CALLED, is_read_only
from tests.bench.insights.clock import DAY, WEEK, moment
from tests.bench.insights.labels import Label

SIZES = (3, 5, 10, 30, 100)
_KINDS = ("steady", "rhythmic", "scheduled", "bursty", "sparse")
_APART = 5 * DAY
_TRIES = 60

Rates = dict[Series, npt.NDArray[np.int32]]


@dataclass(slots=True)
class _Ground:
    """An account while anomalies are planted in it; `taken` are the minutes already used of a series."""

    account: Account
    rates: Rates
    tested_from: int
    end: int
    rng: np.random.Generator
    taken: dict[Series, list[tuple[int, int]]]
    labels: list[Label]


def plant(
    account: Account, rates: Rates, tested_from: int, end: int, rng: np.random.Generator, number: int
) -> list[Label]:
    """
    Plant an account's anomalies, about seven a week, changing `rates` in place.

    Args:
        account: Where.
        rates: Calls per minute from the first minute on, by series; new series are added.
        tested_from: The first minute that may be changed.
        end: Minutes there are.
        rng: Where chance comes from.
        number: Of the first label.

    Returns:
        The labels, without their chances (`tests.bench.insights.chances`).
    """
    ground = _Ground(account, rates, max(tested_from, account.first + 8 * DAY), end, rng, {}, [])
    share = max(0.0, (end - ground.tested_from) / (6 * WEEK))
    planters: list[Callable[[_Ground, int], None]] = []
    planters += [_burst, _error, _enumeration, _new, _rare, _drift, _drop]
    for planter, times in zip(planters, (20, 3, 1, 4, 4, 4, 4), strict=True):
        for turn in range(rng.binomial(times, min(1.0, share)) if share < 1 else round(times * share)):
            planter(ground, turn)
    return [_numbered(label, number + at, number) for at, label in enumerate(ground.labels)]


def usual_calls(calls: npt.NDArray[np.int32], weekend: npt.NDArray[np.bool_], start: int, minutes: int) -> float:
    """
    Calls in a usual active window: the median of those with any call in the 28 days before.

    Windows of the same length that begin within an hour of the same time of day are compared, of weekdays or of
    weekends; with fewer than five active ones, those at any time.

    Args:
        calls: Per minute.
        weekend: By hour, whether it is one.
        start: The minute the window begins.
        minutes: Its length.

    Returns:
        0 if no window had a call.
    """
    first = max(0, start - 28 * DAY)
    total = np.concatenate(([0], np.cumsum(calls[first:start], dtype=np.int64)))
    begins = np.arange(0, len(total) - minutes, max(1, minutes // 4))
    if not len(begins):
        return 0.0
    sums = total[begins + minutes] - total[begins]
    away = (begins + first - start) % DAY
    alike = (np.minimum(away, DAY - away) <= 60) & (weekend[(begins + first) // 60] == weekend[start // 60])
    active = sums[alike & (sums > 0)]
    if len(active) < 5:
        active = sums[sums > 0]
    return float(np.median(active)) if len(active) else 0.0


def _minutes(rng: np.random.Generator) -> int:
    choices = (int(rng.integers(2, 6)), 15, 60, int(rng.integers(120, 301)))
    return choices[int(rng.integers(4))]


def _burst(ground: _Ground, turn: int) -> None:
    """20 in six weeks: each size in turn, series of each kind in turn."""
    size, kind = SIZES[turn % len(SIZES)], str(ground.rng.choice(_KINDS))
    series = [s for s, p in ground.account.processes.items() if p.kind == kind and not s.error_code and _is_write(s)]
    _multiply(ground, series, "burst", size)


def _error(ground: _Ground, _turn: int) -> None:
    series = [each for each, process in ground.account.processes.items() if each.error_code]
    _multiply(ground, series, "error", int(ground.rng.choice(SIZES)))


def _rare(ground: _Ground, _turn: int) -> None:
    rare = [s for s, p in ground.account.processes.items() if p.kind == "rare" and not s.error_code and _is_write(s)]
    _multiply(ground, rare, "rare", int(ground.rng.choice(SIZES)), at_least=1.0)


def _multiply(ground: _Ground, among: list[Series], anomaly: str, size: int, at_least: float = 0.0) -> None:
    minutes = _minutes(ground.rng)
    for series, start in _places(ground, among, minutes):
        usual = max(at_least, usual_calls(ground.rates[series], _weekend(ground), start, minutes))
        if usual > 0:
            added = max(1, ground.rng.poisson((size - 1) * usual))
            _add(ground, series, start, minutes, added, anomaly, size, usual)
            return


def _enumeration(ground: _Ground, _turn: int) -> None:
    """Several APIs tried one after the other, all denied; existing series or new ones."""
    rng, region = ground.rng, ground.account.regions[0]
    start = int(rng.uniform(ground.tested_from, ground.end - DAY))
    if _in_gap(ground, region, start - 60, start + 120):
        start = min(start + DAY // 2, ground.end - DAY // 2)
    first = len(ground.labels)
    for at in rng.choice(len(ENUMERATED), int(rng.integers(3, 7)), replace=False):
        source, name = ENUMERATED[at]
        series = Series(ground.account.number, region, f"{source}.amazonaws.com", name, "AccessDenied")
        minutes = int(rng.integers(2, 16))
        at_minute = start + int(rng.integers(0, 5))
        if _is_free(ground, series, at_minute, minutes):
            size = int(rng.lognormal(2.7, 0.8)) + 2
            usual = 0.0
            if series in ground.rates:
                usual = usual_calls(ground.rates[series], _weekend(ground), at_minute, minutes)
            _add(ground, series, at_minute, minutes, size, "error", size, usual, incident=first)


def _new(ground: _Ground, _turn: int) -> None:
    rng, account = ground.rng, ground.account
    region = "ap-east-1" if rng.random() < 0.3 else str(rng.choice(account.regions))
    source, name = NEVER_CALLED[rng.integers(len(NEVER_CALLED))]
    series = Series(account.number, region, f"{source}.amazonaws.com", name, None)
    minutes, size = _minutes(rng), int(rng.choice([2, 5, 15, 50, 150]))
    for _ in range(_TRIES if series not in ground.rates else 0):
        start = int(rng.uniform(ground.tested_from, ground.end - minutes - 180))
        if _is_free(ground, series, start, minutes):
            _add(ground, series, start, minutes, size, "new", size, 0.0)
            return


def _drift(ground: _Ground, _turn: int) -> None:
    """The rate climbs for days to 2, 3 or 4 times, stays a day, and is back."""
    rng = ground.rng
    rise, size = int(rng.integers(2, 6)) * DAY, int(rng.choice([2, 3, 4]))
    for series, start in _places(ground, _smooth(ground), rise + DAY):
        calls = ground.rates[series]
        end = start + rise + DAY
        factor = 1 + (size - 1) * np.minimum(1, np.arange(end - start) / rise)
        added = rng.poisson(calls[start:end] * (factor - 1))
        usual = usual_calls(calls, _weekend(ground), end - DAY, DAY)
        calls[start:end] += added.astype(np.int32)
        _label(ground, series, "drift", size, start, end, usual, int(added.sum()), int(calls[end - DAY : end].sum()))
        return


def _drop(ground: _Ground, _turn: int) -> None:
    """A steady API falls to a fifth, or to nothing, for hours."""
    rng = ground.rng
    minutes, left = int(rng.integers(2, 9)) * 60, float(rng.choice([0.0, 0.2]))
    for series, start in _places(ground, _smooth(ground), minutes):
        calls = ground.rates[series]
        usual = usual_calls(calls, _weekend(ground), start, minutes)
        if usual < 20:
            continue
        lost = calls[start : start + minutes] - rng.binomial(calls[start : start + minutes], left)
        calls[start : start + minutes] -= lost.astype(np.int32)
        still = int(calls[start : start + minutes].sum())
        _label(ground, series, "drop", left, start, start + minutes, usual, -int(lost.sum()), still)
        return


def _smooth(ground: _Ground) -> list[Series]:
    processes = ground.account.processes.items()
    return [
        s
        for s, p in processes
        if p.kind in ("steady", "rhythmic") and p.base > 0.1 and not s.error_code and _is_write(s)
    ]


def _add(
    ground: _Ground, series: Series, start: int, minutes: int, added: int, anomaly: str, size: float, usual: float,
    incident: int | None = None,
) -> None:  # fmt: skip
    """Add calls over a window, unevenly; its first and last minute get at least one if there are two."""
    calls = ground.rates.setdefault(series, np.zeros(ground.end, np.int32))
    weight = ground.rng.standard_gamma(3, minutes)
    spread = ground.rng.multinomial(max(0, added - 2), weight / weight.sum())
    spread[0] += min(added, 1)
    spread[-1] += max(0, min(added, 2) - 1)
    calls[start : start + minutes] += spread.astype(np.int32)
    held = int(calls[start : start + minutes].sum())
    _label(ground, series, anomaly, size, start, start + minutes, usual, added, held, incident)


def _label(
    ground: _Ground, series: Series, anomaly: str, size: float, start: int, end: int, usual: float, planted: int,
    calls: int, incident: int | None = None,
) -> None:  # fmt: skip
    process = ground.account.processes.get(series)
    kind = process.kind if process else "none"
    at = len(ground.labels)
    ground.taken.setdefault(series, []).append((start, end))
    ground.labels.append(
        Label(at, at if incident is None else incident, series, anomaly, kind, float(size), moment(start), moment(end),
              usual, planted, calls)
    )  # fmt: skip


def _numbered(label: Label, number: int, first: int) -> Label:
    values = {name: getattr(label, name) for name in Label.__dataclass_fields__}
    return Label(**(values | {"number": number, "incident": label.incident + first}))


def _places(ground: _Ground, among: list[Series], minutes: int) -> Iterator[tuple[Series, int]]:
    """Free places for a window, at random."""
    if not among:
        return
    for _ in range(_TRIES):
        series = among[ground.rng.integers(len(among))]
        start = int(ground.rng.uniform(ground.tested_from, max(ground.tested_from + 1, ground.end - minutes - 180)))
        if _is_free(ground, series, start, minutes):
            yield series, start


def _is_free(ground: _Ground, series: Series, start: int, minutes: int) -> bool:
    end = start + minutes
    if start < ground.tested_from or end > ground.end - 120 or _in_gap(ground, series.region, start - 60, end + 60):
        return False
    if any(start < stop + _APART and begin - _APART < end for begin, stop in ground.taken.get(series, [])):
        return False
    process = ground.account.processes.get(series)
    if process and not (process.first + 8 * DAY <= start and end <= process.end - 60):
        return False
    return not any(where == series and at - DAY < end and start < at + 2 * DAY for where, at in ground.account.changes)


def _in_gap(ground: _Ground, region: str, start: int, end: int) -> bool:
    gaps = ground.account.gaps
    return any(where == region and start < stop and begin < end for where, begin, stop in gaps)


def _is_write(series: Series) -> bool:
    return not is_read_only(series.name)


def _weekend(ground: _Ground) -> npt.NDArray[np.bool_]:
    return ground.account.clock.hour_of_week >= 5 * 24
