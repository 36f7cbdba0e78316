"""
Run the detectors over one data set and print what they find at equal false rates.

    python -m tests.bench.insights --seed 1 --accounts 24 --days 70 --out bench-data/insights

The table goes to stdout, and all figures to `figures-SEED.json` in the output folder.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.bench.insights import ours
from tests.bench.insights.dataset import Dataset, make_dataset
from tests.bench.insights.dense import Rates, read_rates
from tests.bench.insights.forest import FOREST
from tests.bench.insights.labels import CLASSES, Label, Truth
from tests.bench.insights.rivals import RIVALS, Rival
from tests.bench.insights.score import Score
from tests.bench.insights.sweep import FALSE_RATES, Sweep
from tests.bench.insights.tune import sweep_of
from tests.bench.insights.windows import score_windows

OURS = "trailql"


def main() -> None:
    """Make the data, run the detectors, print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.insights", description=__doc__.splitlines()[1])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--accounts", type=int, default=24)
    parser.add_argument("--days", type=int, default=70, help="of history, 28 of them untested")
    parser.add_argument("--calm", action="store_true", help="accounts without deployments, storms, people and gaps")
    parser.add_argument("--out", type=Path, default=Path("bench-data/insights"))
    parser.add_argument("--only", help="detectors whose name contains this; none: make the data only")
    asked = parser.parse_args()
    data = make_dataset(asked.out, seed=asked.seed, accounts=asked.accounts, days=asked.days, is_calm=asked.calm)
    _say(f"{len(data.truth.labels)} anomalies in {data.rates}")
    if asked.only == "none":
        return
    figures = measure(data, asked.only or "")
    (asked.out / f"figures-{'calm-' if asked.calm else ''}{asked.seed}.json").write_text(json.dumps(figures, indent=1))
    sys.stdout.write(table(figures, data.truth) + "\n")


def measure(data: Dataset, only: str) -> dict[str, Any]:
    """Run the detectors whose name contains some text; figures by detector and false rate."""
    figures: dict[str, Any] = {}
    if only in OURS:
        if reason := ours.missing():
            _say(f"{OURS}: skipped, {reason}")
        else:
            figures[OURS] = _figures(lambda: ours.ask(data.rates, data.truth.test_from), data.truth)
    rivals = [rival for rival in RIVALS if only in rival.name]
    if only in FOREST.name and _has_scikit_learn():
        rivals.append(FOREST)
    if rivals:
        rates = read_rates(data.rates, data.truth.test_from)
        for rival in rivals:
            figures[rival.name] = _figures(lambda rival=rival: rival_sweep(rival, rates), data.truth)  # type: ignore[misc]
    return figures


def rival_sweep(rival: Rival, rates: Rates) -> Sweep:
    """A rival's alarms with the settings chosen for it."""
    return sweep_of(score_windows(rates, rival.method(*rival.chosen), rival.settings.widths), rival.settings)


def table(figures: dict[str, Any], truth: Truth) -> str:
    """
    Recall by class at 0.5 false insights per account-week: over all labels / over the separable ones.
    """
    heads = [*CLASSES, "mean", "prec.", "onset", "delay", "false", "clean", "seconds"]
    lines = [f"{'at 0.5 false per account-week':<30}" + "".join(f"{head:>11}" for head in heads)]
    sizes = [(_of(truth.labels, each), _separable(_of(truth.labels, each))) for each in CLASSES]
    lines.append(f"{'labels, all/separable':<30}" + "".join(f"{f'{len(a)}/{len(s)}':>11}" for a, s in sizes))
    for name, found in figures.items():
        at = found["at"]["0.5"]
        cells = [_pair(at["recall"][each]["all"], at["recall"][each]["separable"]) for each in CLASSES]
        cells.append(_pair(at["mean_recall"]["all"], at["mean_recall"]["separable"]))
        cells += [_number(at[key], places) for key, places in _COLUMNS]
        cells.append(f"{found['seconds']:.0f}")
        lines.append(f"{name:<30}" + "".join(f"{cell:>11}" for cell in cells))
    lines += [
        "",
        f"{'bursts by size, all/separable':<30}" + "".join(f"{f'{size}x':>11}" for size in (3, 5, 10, 30, 100)),
    ]
    lines[-1] += "".join(f"{head:>11}" for head in ("2-5 min", "15 min", "60 min", "hours", "mean@0.1", "mean@1"))
    for name, found in figures.items():
        recall = found["at"]["0.5"]["recall"]
        keys = [f"burst {size}x" for size in (3, 5, 10, 30, 100)] + [f"burst {each}" for each in _DURATIONS]
        cells = [_pair(recall[key]["all"], recall[key]["separable"]) for key in keys]
        cells += [
            _pair(*(found["at"][rate]["mean_recall"][of] for of in ("all", "separable"))) for rate in ("0.1", "1")
        ]
        lines.append(f"{name:<30}" + "".join(f"{cell:>11}" for cell in cells))
    return "\n".join(lines)


_COLUMNS = (
    ("precision", 2),
    ("onset_minutes", 0),
    ("delay_minutes", 0),
    ("false_per_account_week", 2),
    ("false_per_clean_account_week", 2),
)

_DURATIONS: dict[str, Callable[[int], bool]] = {
    "2-5 min": lambda minutes: minutes <= 5,
    "15 min": lambda minutes: minutes == 15,
    "60 min": lambda minutes: minutes == 60,
    "hours": lambda minutes: minutes > 60,
}


def _figures(run: Callable[[], Sweep], truth: Truth) -> dict[str, Any]:
    began = time.perf_counter()
    sweep = run()
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "at": {f"{rate:g}": _at(sweep.at_false_rate(truth, rate), truth) for rate in FALSE_RATES},
    }


def _at(score: Score, truth: Truth) -> dict[str, Any]:
    bursts = _of(truth.labels, "burst")
    groups = {anomaly: _of(truth.labels, anomaly) for anomaly in CLASSES}
    recall = {name: _recalls(score, labels) for name, labels in groups.items()}
    for anomaly, labels in groups.items():
        for size in sorted({label.size for label in labels if not _is_enumeration(label)}):
            recall[f"{anomaly} {size:g}x"] = _recalls(score, [each for each in labels if each.size == size])
        for kind in sorted({label.kind for label in labels}):
            recall[f"{anomaly} on {kind}"] = _recalls(score, [each for each in labels if each.kind == kind])
    for size in (3, 5, 10, 30, 100):
        recall.setdefault(f"burst {size}x", _recalls(score, []))
    for name, fits in _DURATIONS.items():
        recall[f"burst {name}"] = _recalls(score, [each for each in bursts if fits(each.minutes)])
    mean = {of: _mean([recall[each][of] for each in CLASSES]) for of in ("all", "separable", "separable_at_hour")}
    figures = asdict(score)
    del figures["found"]
    return figures | {"labels_found": len(score.found), "recall": recall, "mean_recall": mean}


def _is_enumeration(label: Label) -> bool:
    return label.anomaly == "error" and label.size == label.planted


def _recalls(score: Score, labels: list[Label]) -> dict[str, float | int | None]:
    at_hour = [label for label in labels if label.separable_at_hour]
    separable = _separable(labels)
    return {
        "labels": len(labels),
        "all": score.recall(labels),
        "separable": score.recall(separable),
        "separable_at_hour": score.recall(at_hour),
    }


def _of(labels: tuple[Label, ...], anomaly: str) -> list[Label]:
    return [label for label in labels if label.anomaly == anomaly]


def _separable(labels: list[Label]) -> list[Label]:
    return [label for label in labels if label.separable]


def _mean(values: list[float | int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _pair(of_all: float | None, of_separable: float | None) -> str:
    return f"{_number(of_all, 2)}/{_number(of_separable, 2)}"


def _number(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"


def _has_scikit_learn() -> bool:
    if find_spec("sklearn"):
        return True
    _say(f"{FOREST.name}: skipped, scikit-learn is not installed (pip install '.[bench]')")
    return False


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
