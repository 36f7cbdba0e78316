"""
Choose what the rivals have to choose, on a seed of its own; prints the settings that `rivals.py` holds.

    python -m tests.bench.insights.tune --seed 101 --accounts 12

The aim is the mean over the classes of recall over all labels, at 0.5 false insights per account-week.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tests.bench.insights.dataset import make_dataset
from tests.bench.insights.dense import read_rates
from tests.bench.insights.forest import FOREST
from tests.bench.insights.labels import CLASSES, Truth
from tests.bench.insights.rivals import RIVALS, Rival
from tests.bench.insights.score import Score
from tests.bench.insights.sweep import Sweep
from tests.bench.insights.windows import STEPS, Scored, Settings, score_windows

_WIDTHS = (tuple(STEPS), (5, 15, 60), (5, 60), (1, 5), (5,), (15,), (60,))
_LEAST_CALLS = (2, 3, 5, 10, 20)
_FALLS = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


def mean_recall(score: Score, truth: Truth) -> float:
    """Recall by class, over all labels, averaged."""
    each = [score.recall(label for label in truth.labels if label.anomaly == anomaly) for anomaly in CLASSES]
    known = [recall for recall in each if recall is not None]
    return sum(known) / len(known)


def sweep_of(scored: Scored, settings: Settings) -> Sweep:
    """The alarms of scored windows, at a few hundred thresholds."""
    chosen = scored.chosen(settings)
    at = np.unique(np.geomspace(1, max(1, len(chosen.score)), 1000).astype(np.int64)) - 1
    thresholds = sorted({float(each) for each in chosen.score[at[: len(chosen.score)]]}, reverse=True)
    return Sweep(thresholds, chosen.alarms)


def tune(rival: Rival, scored: Scored, truth: Truth) -> tuple[float, Settings]:
    """The best settings for scored windows: one after the other, twice."""

    def worth(settings: Settings) -> float:
        return mean_recall(sweep_of(scored, settings).at_false_rate(truth, 0.5), truth)

    best = Settings(tuple(rival.widths), 5, 0.0)
    tried = {best}
    reached = worth(best)
    for _ in range(2):
        widths = [each for each in _WIDTHS if set(each) <= set(rival.widths)]
        tries = [Settings(each, best.least_calls, best.fall) for each in widths]
        tries += [Settings(best.widths, each, best.fall) for each in _LEAST_CALLS]
        tries += [Settings(best.widths, best.least_calls, each) for each in _FALLS if scored.is_fall.any() or not each]
        for settings in tries:
            if settings in tried:
                continue
            tried.add(settings)
            if (found := worth(settings)) > reached:
                best, reached = settings, found
    return reached, best


def main() -> None:
    """Print the best settings of each rival."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--accounts", type=int, default=12)
    parser.add_argument("--out", type=Path, default=Path("bench-data/insights"))
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    data = make_dataset(asked.out, seed=asked.seed, accounts=asked.accounts)
    rates = read_rates(data.rates, data.truth.test_from)
    for rival in (*RIVALS, FOREST):
        if asked.only in rival.name:
            for choice in rival.choices:
                scored = score_windows(rates, rival.method(*choice), rival.widths)
                print(rival.name, choice, *tune(rival, scored, data.truth), flush=True)


if __name__ == "__main__":
    main()
