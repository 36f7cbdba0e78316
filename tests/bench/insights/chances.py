"""
How often chance alone does what was planted: the processes are drawn from again, many times.

A detector can at best know the process behind each series. What that process itself does often cannot be told from an
anomaly, so recall is also given over the labels that are *separable*: the series' process reaches as many calls
(for a drop: as few) in a window as long so seldom that, with every series of the account granted as much, there would
be 0.5 false insights per account-week. By `_DRAWS` draws of the 28 days before, which is about 80 weeks, that means in
practice: never once in 80 weeks. `separable_at_hour` asks the same of an oracle that knows the time of day, and looks
only at windows within an hour of it, on weekdays or on weekends.

A series that did not exist has no process. It is compared with those that begin by themselves: how many an
account-week has as many calls in a first window as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tests.bench.insights.accounts import Account, Series, latent_of
from tests.bench.insights.catalogue import is_read_only
from tests.bench.insights.clock import DAY, FIRST_MINUTE, WEEK
from tests.bench.insights.labels import Label
from tests.bench.insights.process import draw

_DRAWS = 20
FALSE_PER_ACCOUNT_WEEK = 0.5


def with_chances(
    account: Account, labels: Sequence[Label], series: int, rng: np.random.Generator, end: int
) -> list[Label]:
    """
    Give an account's labels their chances; those of series without a process are left for `with_chances_of_new`.

    Args:
        account: Whose.
        labels: Planted there.
        series: How many series a detector watches in it.
        rng: Where chance comes from.
        end: Minutes there are.
    """
    latents = [latent_of(account, rng, end) for _ in range(_DRAWS)]
    weekend = account.clock.hour_of_week >= 5 * 24
    found: list[Label] = []
    for label in labels:
        process = account.processes.get(label.series)
        if process is None:
            found.append(label)
            continue
        start = _minute(label)
        first, stop = max(process.first, start - 28 * DAY), start + label.minutes
        times = days_reached = days_seen = 0
        for latent in latents:
            calls = draw(process, account.clock, latent, rng, first, stop)
            reached, begins, minutes = _reached(calls, label)
            begins = begins + first
            times += _clusters(begins[reached], max(60, minutes))
            away = (begins - start) % DAY
            near = (np.minimum(away, DAY - away) <= 60) & (weekend[begins // 60] == weekend[start // 60])
            if minutes >= DAY:
                near[:] = True
            days_seen += len(np.unique(begins[near] // DAY))
            days_reached += len(np.unique(begins[near & reached] // DAY))
        per_week = times / (_DRAWS * (stop - first) / WEEK)
        found.append(
            replace(
                label,
                chance_per_week=per_week,
                chance_at_hour=days_reached / max(1, days_seen),
                separable=per_week * series <= FALSE_PER_ACCOUNT_WEEK,
                separable_at_hour=days_reached == 0,
            )
        )
    return found


def first_windows(calls: npt.NDArray[np.int32], since: int) -> npt.NDArray[np.int64] | None:
    """
    Calls so far, minute by minute for five hours from the first call on, of a series that begins at `since` or later.
    """
    active = np.flatnonzero(calls)
    if not len(active) or active[0] < since:
        return None
    return np.cumsum(
        np.pad(calls[active[0] : active[0] + 300], (0, max(0, active[0] + 300 - len(calls)))), dtype=np.int64
    )


def with_chances_of_new(
    labels: Sequence[Label], begun: dict[bool, list[npt.NDArray[np.int64]]], account_weeks: float
) -> list[Label]:
    """
    Give labels of series that did not exist their chances.

    Args:
        labels: All; those with a process are left as they are.
        begun: First windows of the series that began by themselves in the tested weeks: of calls, and of errors (True).
        account_weeks: Tested.
    """
    found: list[Label] = []
    for label in labels:
        if label.kind != "none":
            found.append(label)
            continue
        at = min(label.minutes, 300) - 1
        others = begun[label.series.error_code is not None]
        chance = sum(int(each[at] >= label.calls) for each in others) / account_weeks
        is_rare = chance <= FALSE_PER_ACCOUNT_WEEK
        found.append(replace(label, chance_per_week=chance, separable=is_rare, separable_at_hour=is_rare))
    return found


def is_watched(series: Series) -> bool:
    """Whether detectors watch a series, as CloudTrail Insights does: write calls, and errors of any call."""
    return series.error_code is not None or not is_read_only(series.name)


def _reached(calls: npt.NDArray[np.int32], label: Label) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], int]:
    """Which windows are as extreme as the label's, where they begin, and their length."""
    minutes = DAY if label.anomaly == "drift" else label.minutes
    total = np.concatenate(([0], np.cumsum(calls, dtype=np.int64)))
    begins = np.arange(0, len(calls) - minutes + 1, max(1, minutes // 10))
    sums = total[begins + minutes] - total[begins]
    return (sums <= label.calls if label.anomaly == "drop" else sums >= label.calls), begins, minutes


def _clusters(begins: npt.NDArray[np.int64], apart: int) -> int:
    return int(len(begins) > 0) + int((np.diff(begins) > apart).sum())


def _minute(label: Label) -> int:
    return int((label.start - FIRST_MINUTE).total_seconds()) // 60
