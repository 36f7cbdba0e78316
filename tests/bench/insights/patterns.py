"""
From the catalogue's patterns to processes: each draws the sizes that differ from account to account.

A pattern takes chance and the calls the catalogue gives (times the account's size) and returns the parts of a process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.bench.insights.clock import DAY, WEEK
from tests.bench.insights.process import MONTHLY, Cron, Share

Parts = dict[str, Any]
"""Arguments of `Process`."""

_MOST_STEADY = 400.0
"""Calls per minute; far busier APIs exist and are easier."""


def _agents(rng: np.random.Generator, calls: float) -> Parts:
    calls = min(calls, _MOST_STEADY)
    restarts = Share("restart", calls * 5 * rng.uniform(0.5, 3), 0.4, 0.7)
    return {
        "kind": "steady",
        "base": calls,
        "slow_noise": 0.06,
        "fast_shape": rng.uniform(8, 60),
        "shares": (restarts,),
    }


def _rhythmic(rng: np.random.Generator, calls: float) -> Parts:
    return {
        "kind": "rhythmic",
        "base": min(calls, _MOST_STEADY),
        "rhythm": str(rng.choice(["waking", "waking", "office"])),
        "slow_noise": rng.uniform(0.1, 0.5),
        "fast_shape": rng.uniform(1, 10),
        "shares": (Share("storm", calls * 10, 0.8, rng.uniform(0, 0.5)),),
    }


def _office(rng: np.random.Generator, calls: float) -> Parts:
    return _rhythmic(rng, calls) | {"rhythm": "office", "slow_noise": 0.4, "fast_shape": 0.8}


def _cron(every: int, minutes: int) -> Callable[[np.random.Generator, float], Parts]:
    def parts(rng: np.random.Generator, calls: float) -> Parts:
        span = every or DAY
        at = int(rng.integers(0, span)) if every <= 60 else int(rng.integers(0, span // DAY)) * DAY
        if every > 60 or every == MONTHLY:
            at += int(rng.choice([0, 1, 2, 3, 4, 5, 22])) * 60 + int(rng.choice([0, 0, 15, 30, 45]))
        length = max(1, int(minutes * rng.lognormal(0, 0.6)))
        job = Cron(every, at, calls, rng.uniform(0.05, 0.5), length, float(rng.choice([0, 0, 0.02])))
        return {"kind": "scheduled", "crons": (job,)}

    return parts


def _cron_and_rhythm(rng: np.random.Generator, calls: float) -> Parts:
    return _rhythmic(rng, calls) | {"crons": _cron(60, 3)(rng, calls * 20)["crons"]}


def _cron_and_people(rng: np.random.Generator, calls: float) -> Parts:
    return _cron(DAY, 2)(rng, calls) | {"shares": (Share("work", 1.5, 0.5, 0.1),)}


def _deploy(rng: np.random.Generator, calls: float) -> Parts:
    return {"kind": "bursty", "shares": (Share("deploy", calls, rng.uniform(0.3, 1.0), rng.uniform(0.3, 1)),)}


def _deploy_rarely(rng: np.random.Generator, calls: float) -> Parts:
    return {"kind": "sparse", "shares": (Share("deploy", calls, 0.8, rng.uniform(0.03, 0.25)),)}


def _storm(rng: np.random.Generator, calls: float) -> Parts:
    trickle = calls * rng.uniform(0.0005, 0.01)
    storms = Share("storm", calls, rng.uniform(0.2, 0.8), rng.uniform(0.6, 1))
    return {"kind": "bursty", "base": trickle, "rhythm": "waking", "shares": (storms,)}


def _storm_and_steady(rng: np.random.Generator, calls: float) -> Parts:
    return _storm(rng, calls) | {"base": calls * rng.uniform(0.01, 0.05), "slow_noise": 0.3, "fast_shape": 1.5}


def _scan(every: int) -> Callable[[np.random.Generator, float], Parts]:
    def parts(rng: np.random.Generator, calls: float) -> Parts:
        job = _cron(every, 20 if every == DAY else 3)(rng, calls)
        return job | {"shares": (Share("scan", calls * 0.5, 0.6, rng.uniform(0.1, 0.6)),)}

    return parts


def _people(often: float, kind: str) -> Callable[[np.random.Generator, float], Parts]:
    def parts(rng: np.random.Generator, calls: float) -> Parts:
        chance = min(1.0, often * rng.lognormal(0, 0.7))
        return {"kind": kind, "shares": (Share("work", min(calls, 10), 0.6, chance),)}

    return parts


PATTERNS: dict[str, Callable[[np.random.Generator, float], Parts]] = {
    "agents": _agents,
    "rhythmic": _rhythmic,
    "office": _office,
    "cron_hourly": _cron(60, 2),
    "cron_nightly": _cron(DAY, 10),
    "cron_weekly": _cron(WEEK, 5),
    "cron_monthly": _cron(MONTHLY, 10),
    "cron_and_rhythm": _cron_and_rhythm,
    "cron_and_people": _cron_and_people,
    "deploy": _deploy,
    "deploy_rarely": _deploy_rarely,
    "storm": _storm,
    "storm_and_steady": _storm_and_steady,
    "scan_hourly": _scan(60),
    "scan_daily": _scan(DAY),
    "people": _people(0.08, "sparse"),
    "people_often": _people(0.6, "sparse"),
    "people_rarely": _people(0.015, "rare"),
}
