"""
An isolation forest (scikit-learn, of the optional dependencies `bench`) over features of quarter-hour windows.

A forest serves 64 series together, about those of an account: features are relative to each series' own past, so that
a busy API and a rare one look alike as long as they do the usual. Only windows with calls are looked at, and only those
above their series' mean.

Source:
    https://scikit-learn.org/stable/modules/generated/sklearn.ensemble.IsolationForest.html
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tests.bench.insights.rivals import Rival, moments
from tests.bench.insights.windows import Block, Floats, Method, Settings, before

_FITTED_ON = 20_000
"""Windows of the untested days, drawn at random."""

_UNTESTED = 28
"""Days."""


def isolation_forest(trees: float, sample: float, weight: float) -> Method:
    """
    The forest's path-length score, times (x against its past) to a power: plain forests saturate at the edge of what
    they have seen, so that 5x and 100x are alike; weight 0 is the plain forest.
    """
    from sklearn.ensemble import IsolationForest

    def method(block: Block) -> tuple[Floats, Floats | None]:
        features, active = _features(block)
        scores = np.zeros(block.calls.shape, np.float32)
        active &= (block.known >= 7)[:, :, None]
        usual = features[:, :_UNTESTED][active[:, :_UNTESTED]]
        usual = usual if len(usual) else features[active]
        active[:, :_UNTESTED] = False
        if active.any():
            some = np.random.default_rng(7).choice(len(usual), min(len(usual), _FITTED_ON), replace=False)
            forest = IsolationForest(
                n_estimators=round(trees), max_samples=min(round(sample), len(some)), random_state=7
            )
            forest.fit(usual[some])
            found = features[active]
            scores[active] = -forest.score_samples(found) * np.exp(weight * np.maximum(0, found[:, 0]))
        return scores, None

    return method


def _features(block: Block) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Per window: x against the record, against the mean, in deviations, its size; and which windows to look at."""
    calls = block.calls
    mean, deviation = moments(block)
    most = before(calls.max(axis=2).astype(np.float64), 28, "max")[:, :, None].astype(np.float32)
    size = np.log1p(calls)
    hour = np.zeros_like(calls)
    hour[:, 1:] = np.maximum(calls[:, :-1], hour[:, 1:])
    features = np.stack(
        [
            np.log((calls + 3) / (most + 3)),
            np.log((calls + 1) / (mean + 1)),
            np.log1p(np.maximum(0, (calls - mean) / (deviation + 1))),
            np.log((calls + 3) / (hour + 3)),
            size,
        ],
        axis=-1,
    )
    return features, (calls >= 2) & (calls > mean)


FOREST = Rival(
    "isolation forest",
    isolation_forest,
    ((100, 256, 0.0), (100, 256, 0.5), (100, 2048, 0.5)),
    (100, 256, 0.5),
    Settings((15,), 5, 0),
    (15,),
)
