"""
How one API's calls come about: the process behind a series, which can be drawn from as often as wanted.

A minute's calls are Poisson, with a mean that is the sum of

- a base rate: rhythm x growth x slow noise (log-normal, over minutes to days) x fast noise (Gamma, minute by minute,
  which makes the counts negative binomial);
- scheduled runs: hourly, nightly, weekly, on the first of the month;
- a share in the account's episodes (`Latent`): deployments, scaling storms, restarts, scans, people at work. All APIs
  of an account see the same episodes, so they burst together.

Error codes of an API are processes too, with the parent's episodes and slow noise, scaled down.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from tests.bench.insights.clock import DAY, FIRST_MINUTE, WEEK, Clock

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

MONTHLY = 0
"""`Cron.every` of a job that runs on the first of the month."""


@dataclass(frozen=True, slots=True)
class Cron:
    """
    A scheduled run, by UTC.

    Args:
        every: Minutes from run to run, or `MONTHLY`.
        at: Minutes from the start of the hour, day, week (Monday) or month.
        calls: Calls of a middle run.
        spread: Of the calls between runs: standard deviation of the logarithm.
        minutes: How long a run takes.
        skip: The share of runs that are left out.
    """

    every: int
    at: int
    calls: float
    spread: float
    minutes: int
    skip: float = 0.0


@dataclass(frozen=True, slots=True)
class Share:
    """An API's part in the episodes of one kind: in which share of them it is called, and how often then."""

    kind: str
    calls: float
    spread: float
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class Episodes:
    """Episodes of one kind, as arrays: first minute, length in minutes, strength (1 in the middle)."""

    start: Counts
    minutes: Counts
    strength: Floats


@dataclass(frozen=True, slots=True)
class Latent:
    """What an account's series have in common in one draw."""

    seed: int
    episodes: dict[str, Episodes]


@dataclass(frozen=True, slots=True)
class Process:
    """
    The process behind one series.

    Args:
        source: eventSource.
        name: eventName.
        error_code: None for calls without an error.
        kind: steady, rhythmic, scheduled, bursty, sparse or rare: for the report only.
        noise_key: Series with the same key see the same slow noise.
        base: Calls per minute, before rhythm and noise.
        rhythm: A key of `RHYTHMS`.
        slow_noise: Standard deviation of the logarithm.
        fast_shape: Shape of the Gamma noise; the smaller the rougher.
        growth: Factor in 30 days.
        crons, shares: See there.
        first, end: Minutes between which the API is in use.
        steps: Minutes at which the rate changes for good, and the factors.
    """

    source: str
    name: str
    error_code: str | None
    kind: str
    noise_key: int
    base: float = 0.0
    rhythm: str = "flat"
    slow_noise: float = 0.15
    fast_shape: float = 10.0
    growth: float = 1.0
    crons: tuple[Cron, ...] = ()
    shares: tuple[Share, ...] = ()
    first: int = 0
    end: int = 1 << 40
    steps: tuple[tuple[int, float], ...] = field(default=())

    def scaled(self, factor: float, error_code: str | None) -> Process:
        """The same process with other sizes, for an error code or a smaller Region."""
        return replace(
            self,
            error_code=error_code,
            base=self.base * factor,
            crons=tuple(replace(each, calls=each.calls * factor) for each in self.crons),
            shares=tuple(replace(each, calls=each.calls * factor) for each in self.shares),
        )


def draw(
    process: Process, clock: Clock, latent: Latent, rng: np.random.Generator, first: int, end: int
) -> npt.NDArray[np.int32]:
    """Calls in each minute of `first <= minute < end`, one draw from the process."""
    mean = _base(process, clock, latent, rng, first, end)
    for cron in process.crons:
        _add(mean, *_runs(cron, rng, first, end), rng, first)
    for share in process.shares:
        _add(mean, *_part(share, latent.episodes[share.kind], rng), rng, first)
    for minute, factor in process.steps:
        mean[max(0, minute - first) :] *= factor
    mean[: max(0, process.first - first)] = 0
    mean[max(0, process.end - first) :] = 0
    calls = np.zeros(end - first, np.int32)
    active = np.flatnonzero(mean)
    calls[active] = rng.poisson(mean[active])
    return calls


def _base(process: Process, clock: Clock, latent: Latent, rng: np.random.Generator, first: int, end: int) -> Floats:
    if process.base <= 0:
        return np.zeros(end - first)
    mean = process.base * clock.rhythm(process.rhythm, first, end)
    if process.growth != 1:
        mean *= process.growth ** (np.arange(first, end) / (30 * DAY))
    slow = np.random.default_rng([latent.seed, process.noise_key])
    mean *= np.exp(process.slow_noise * _slow_noise(slow, end - first))
    if process.base > 0.02:
        mean *= rng.standard_gamma(process.fast_shape, end - first) / process.fast_shape
    return mean


def _slow_noise(rng: np.random.Generator, minutes: int) -> Floats:
    """Normal noise that wanders over a quarter of an hour, three hours and a day."""
    noise = np.zeros(minutes)
    at = np.arange(minutes)
    for period, weight in ((15, 0.5), (180, 0.6), (DAY, 0.6)):
        knots = rng.standard_normal(minutes // period + 2)
        noise += weight * np.interp(at, np.arange(len(knots)) * period, knots)
    return noise


def _runs(cron: Cron, rng: np.random.Generator, first: int, end: int) -> tuple[Counts, Counts, Floats]:
    if cron.every == MONTHLY:
        starts = np.array(_firsts_of_months(first, end), np.int64) + cron.at
    else:
        starts = np.arange(first // cron.every, end // cron.every + 1) * cron.every + cron.at
    starts = starts[rng.random(len(starts)) >= cron.skip]
    starts = starts + rng.geometric(0.6, len(starts)) - 1
    minutes = np.maximum(1, np.rint(cron.minutes * rng.lognormal(0, 0.2, len(starts)))).astype(np.int64)
    return starts, minutes, cron.calls * rng.lognormal(0, cron.spread, len(starts))


def _firsts_of_months(first: int, end: int) -> list[int]:
    days = range(first // DAY, end // DAY + 1)
    return [day * DAY for day in days if (FIRST_MINUTE + timedelta(days=day)).day == 1]


def _part(share: Share, episodes: Episodes, rng: np.random.Generator) -> tuple[Counts, Counts, Floats]:
    taken = rng.random(len(episodes.start)) < share.chance
    lag = rng.integers(0, 4, int(taken.sum()))
    calls = share.calls * episodes.strength[taken] * rng.lognormal(0, share.spread, int(taken.sum()))
    return episodes.start[taken] + lag, episodes.minutes[taken], calls


def _add(mean: Floats, starts: Counts, minutes: Counts, calls: Floats, rng: np.random.Generator, first: int) -> None:
    """Spread each run's calls over its minutes, unevenly, and add them."""
    if not len(starts):
        return
    run = np.repeat(np.arange(len(starts)), minutes)
    at = np.repeat(starts - np.concatenate(([0], np.cumsum(minutes)[:-1])), minutes) + np.arange(len(run)) - first
    weight = rng.standard_gamma(0.8, len(run)) + 1e-9
    weight /= np.bincount(run, weight)[run]
    inside = (at >= 0) & (at < len(mean))
    np.add.at(mean, at[inside], (weight * calls[run])[inside])


def draw_latent(rates: dict[str, float], clock: Clock, rng: np.random.Generator, end: int) -> Latent:
    """
    One draw of an account's episodes up to a minute.

    Args:
        rates: By kind: `deploy`, the chance that a working day has deployments; `work`, sittings on a working day;
            `storm`, `restart`, `scan`: a week.
        clock: The account's.
        rng: Where chance comes from.
        end: In minutes.
    """
    episodes = {
        "deploy": _in_office(clock, rng, rates["deploy"], runs=2.5, minutes=8, spread=0.7),
        "work": _in_office(clock, rng, 1.0, runs=rates["work"], minutes=15, spread=0.5),
        "storm": _at_any_time(clock, rng, end, rates["storm"], "waking", minutes=12, spread=0.9),
        "restart": _at_any_time(clock, rng, end, rates["restart"], "flat", minutes=4, spread=0.4),
        "scan": _at_any_time(clock, rng, end, rates["scan"], "office", minutes=30, spread=0.5),
    }
    return Latent(int(rng.integers(1 << 40)), episodes)


def _in_office(
    clock: Clock, rng: np.random.Generator, day_chance: float, *, runs: float, minutes: float, spread: float
) -> Episodes:
    """Clumps of episodes on working days: a first one, and others soon after."""
    starts: list[int] = []
    for nine in clock.working_days:
        if nine is None or rng.random() >= day_chance:
            continue
        at = nine + rng.uniform(0, 7 * 60)
        for _ in range(rng.geometric(1 / runs)):
            starts.append(int(at))
            at += 3 + rng.exponential(50)
    return _episodes(np.array(starts, np.int64), rng, minutes, spread)


def _at_any_time(
    clock: Clock, rng: np.random.Generator, end: int, per_week: float, rhythm: str, *, minutes: float, spread: float
) -> Episodes:
    hours = clock.rhythm(rhythm, 0, end)[30::60]
    drawn = rng.poisson(per_week / WEEK * 60 * hours / hours.mean())
    starts = np.repeat(np.arange(len(hours)) * 60, drawn)
    return _episodes(starts + rng.integers(0, 60, len(starts)), rng, minutes, spread)


def _episodes(starts: Counts, rng: np.random.Generator, minutes: float, spread: float) -> Episodes:
    length = np.maximum(1, np.rint(minutes * rng.lognormal(0, 0.5, len(starts)))).astype(np.int64)
    return Episodes(starts, length, rng.lognormal(0, spread, len(starts)))
