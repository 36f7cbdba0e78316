"""
Calm accounts: what textbooks think of. Rates with a daily and a weekly curve, jobs on time, and not much else.

No deployments, scaling storms, people or gaps: counts are Poisson, or a little rougher, around their curve. What is
planted stands out far more than in the accounts of `tests.bench.insights.accounts`, and a detector that has learnt to
live with those must not have gone deaf.
"""

from __future__ import annotations

import numpy as np

from tests.bench.insights.accounts import Account, Series
from tests.bench.insights.clock import DAY, clock
from tests.bench.insights.process import Cron, Process

_APIS = 25
_EPISODES = {"deploy": 0.0, "work": 1.0, "storm": 0.0, "restart": 0.0, "scan": 0.0}
"""Nothing takes part in them."""
_SERVICES = ("ec2", "iam", "lambda", "s3", "sqs")


def draw_calm_account(seed: int, index: int, days: int, tested_from: int) -> Account:
    """Describe one account; arguments as for `tests.bench.insights.accounts.draw_account`."""
    rng = np.random.default_rng([seed, index, 3])
    number = f"{10**11 + (seed * 6131 + index * 104723) * 7907 % (9 * 10**11):012d}"
    regions = ("us-east-1", "eu-west-1")[: 1 + index % 2]
    slow_noise = float(rng.choice([0.0, 0.05, 0.15]))
    fast_shape = float(rng.choice([5.0, 20.0, 1000.0]))
    processes: dict[Series, Process] = {}
    for api in range(_APIS):
        source = f"{rng.choice(_SERVICES)}.amazonaws.com"
        name = f"Describe{api}" if api % 3 == 0 else f"Update{api}"
        rhythm = str(rng.choice(["flat", "waking", "office"]))
        base = float(10 ** rng.uniform(-3.0, 1.3))
        own = Process(
            source, name, None, "steady" if rhythm == "flat" else "rhythmic", int(rng.integers(1 << 40)),
            base=base, rhythm=rhythm, slow_noise=slow_noise, fast_shape=fast_shape, crons=_jobs(rng, base),
        )  # fmt: skip
        region = regions[api % len(regions)]
        share = float(rng.choice([0, 0.01, 0.05]))
        for each in (own, own.scaled(share, "AccessDenied")) if share else (own,):
            processes[Series(number, region, source, name, each.error_code)] = each
    return Account(number, regions, clock("UTC", days, frozenset()), _EPISODES, processes, 0, (), ())


def _jobs(rng: np.random.Generator, base: float) -> tuple[Cron, ...]:
    """Every seventh API is called by a nightly job as well."""
    if rng.random() > 1 / 7:
        return ()
    return (Cron(DAY, int(rng.integers(0, DAY)), 10 + base * 200, 0.1, 10),)
