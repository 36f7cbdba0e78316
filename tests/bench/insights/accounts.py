"""
Invented accounts: where and when they work, what runs in them, and what changes without being an anomaly.

Everything follows from a seed. `draw_account` describes an account; `draw_rates` draws its minute counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from tests.bench.insights.catalogue import WORKLOADS, Api
from tests.bench.insights.clock import DAY, FIRST_MINUTE, Clock, clock
from tests.bench.insights.patterns import PATTERNS
from tests.bench.insights.process import Latent, Process, draw, draw_latent

_ZONES = {
    "America/New_York": ("us-east-1", "us-west-2"),
    "America/Los_Angeles": ("us-west-2", "us-east-1"),
    "America/Sao_Paulo": ("sa-east-1", "us-east-1"),
    "Europe/London": ("eu-west-2", "eu-west-1"),
    "Europe/Berlin": ("eu-central-1", "eu-west-1"),
    "Asia/Kolkata": ("ap-south-1", "ap-southeast-1"),
    "Asia/Tokyo": ("ap-northeast-1", "us-east-1"),
    "Australia/Sydney": ("ap-southeast-2", "us-east-1"),
}


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """What is counted: one API of an account and Region, without an error or with one error code."""

    account: str
    region: str
    source: str
    name: str
    error_code: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """
    Args:
        number: Twelve digits.
        regions: The main one first.
        clock: Its own time.
        rates: Of its episodes, see `draw_latent`.
        processes: What it does, by series.
        first: The minute it begins.
        gaps: Region, first minute and end of log gaps.
        changes: Benign changes: series and minute (a release that changes a rate for good, an API begins or ceases).
    """

    number: str
    regions: tuple[str, ...]
    clock: Clock
    rates: dict[str, float]
    processes: dict[Series, Process]
    first: int
    gaps: tuple[tuple[str, int, int], ...]
    changes: tuple[tuple[Series, int], ...]


def draw_account(seed: int, index: int, days: int, tested_from: int) -> Account:
    """
    Describe one account.

    Args:
        seed: Of the run.
        index: Of the account in the run.
        days: Of history.
        tested_from: The first tested minute.
    """
    rng = np.random.default_rng([seed, index, 1])
    zone = str(rng.choice(list(_ZONES)))
    regions = _ZONES[zone][: int(rng.choice([1, 2]))]
    first = int(rng.uniform(0.1, 0.6) * days * DAY) if index % 8 == 5 else 0
    rates = {
        "deploy": float(rng.uniform(0.15, 0.95)),
        "work": float(rng.uniform(1.5, 6)),
        "storm": float(rng.lognormal(0.8, 0.8)),
        "restart": float(rng.uniform(0.1, 1)),
        "scan": float(rng.uniform(0.3, 2)),
    }
    number = f"{10**11 + (seed * 7919 + index * 104729) * 7907 % (9 * 10**11):012d}"
    processes: dict[Series, Process] = {}
    changes: list[tuple[Series, int]] = []
    size = float(rng.lognormal(0, 0.9))
    chosen = [each for each in WORKLOADS if rng.random() < each.share]
    for place, region in enumerate(regions):
        for workload in chosen:
            if place and rng.random() < 0.6 and workload.name != "people":
                continue
            span = _span(rng, days, tested_from)
            for api in workload.apis:
                drawn = _of_api(rng, api, size * 0.3**place, number, region, span, days)
                processes |= {series: process for series, process, _ in drawn}
                changes += [(series, minute) for series, _, minutes in drawn for minute in minutes if minute > first]
    if first:
        processes = {series: replace(each, first=max(first, each.first)) for series, each in processes.items()}
    return Account(
        number, regions, clock(zone, days, _holidays(rng, days)), rates, processes, first,
        _gaps(rng, regions, days), tuple(changes),
    )  # fmt: skip


def draw_rates(
    account: Account, latent: Latent, rng: np.random.Generator, end: int
) -> dict[Series, npt.NDArray[np.int32]]:
    """Calls in each minute up to `end`, by series, with the log gaps cut out."""
    rates = {series: draw(process, account.clock, latent, rng, 0, end) for series, process in account.processes.items()}
    for region, start, stop in account.gaps:
        for series, calls in rates.items():
            if series.region == region:
                calls[start:stop] = 0
    return rates


def latent_of(account: Account, rng: np.random.Generator, end: int) -> Latent:
    """One draw of what the account's series have in common."""
    return draw_latent(account.rates, account.clock, rng, end)


def _span(rng: np.random.Generator, days: int, tested_from: int) -> tuple[int, int]:
    """When a workload runs: most always, some begin or cease in the tested weeks."""
    chance = rng.random()
    when = int(rng.uniform(tested_from + DAY, days * DAY - DAY))
    if chance < 0.05:
        return when, 1 << 40
    return (0, when) if chance < 0.09 else (0, 1 << 40)


def _of_api(
    rng: np.random.Generator, api: Api, size: float, account: str, region: str, span: tuple[int, int], days: int
) -> list[tuple[Series, Process, list[int]]]:
    """The API's own process and those of its errors, with the minutes of benign changes."""
    sized = api.calls * size ** (1.0 if api.pattern in ("agents", "rhythmic", "office") else 0.5)
    parts = PATTERNS[api.pattern](rng, sized * rng.lognormal(0, 0.4))
    first, end = span
    if parts["kind"] == "rare":
        first, end = 0, 1 << 40
    steps: tuple[tuple[int, float], ...] = ()
    if rng.random() < 0.05 and parts["kind"] != "rare":
        steps = ((int(rng.uniform(0.1, 0.98) * days * DAY), float(rng.choice([0.5, 1.6, 2, 2, 2.5, 3]))),)
    own = Process(
        f"{api.source}.amazonaws.com", api.name, None, noise_key=int(rng.integers(1 << 40)),
        growth=float(rng.choice([1, 1, 1.05, 1.1, 1.3, 0.95])), first=first, end=end, steps=steps, **parts,
    )  # fmt: skip
    errors = [
        own.scaled(share * float(rng.lognormal(0, 0.5)), code) for code, share in api.errors if rng.random() < 0.8
    ]
    minutes = [minute for minute in (first, end) if 0 < minute < days * DAY] + [minute for minute, _ in steps]
    return [
        (Series(account, region, each.source, each.name, each.error_code), each, minutes) for each in (own, *errors)
    ]


def _holidays(rng: np.random.Generator, days: int) -> frozenset[date]:
    weekdays = [day for day in range(days) if (FIRST_MINUTE + timedelta(days=day)).weekday() < 5]
    drawn = rng.choice(weekdays, max(1, days // 30), replace=False)
    return frozenset((FIRST_MINUTE + timedelta(days=int(day))).date() for day in drawn)


def _gaps(rng: np.random.Generator, regions: tuple[str, ...], days: int) -> tuple[tuple[str, int, int], ...]:
    """Hours without any log, about one in five weeks and Region."""
    gaps: list[tuple[str, int, int]] = []
    for region in regions:
        for _ in range(rng.poisson(days / 35)):
            start = int(rng.uniform(0, days * DAY))
            gaps.append((region, start, start + int(rng.lognormal(4.9, 0.7))))
    return tuple(gaps)
