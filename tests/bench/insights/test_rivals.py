"""Every rival runs, and finds what nobody should miss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.bench.insights.clock import DAY
from tests.bench.insights.dataset import Dataset
from tests.bench.insights.dense import Rates, read_rates
from tests.bench.insights.rivals import RIVALS, Rival
from tests.bench.insights.run import measure, rival_sweep, table
from tests.bench.insights.windows import before


@pytest.fixture(scope="module")
def rates(small: Dataset) -> Rates:
    return read_rates(small.rates, small.truth.test_from)


def test_rates_are_read_as_written(small: Dataset, rates: Rates) -> None:
    """A label's calls stand in its series' row: for errors and for calls of which none failed."""
    numbers = {series: at for at, series in enumerate(rates.series)}
    rows = np.concatenate([calls for _, calls in rates.chunks()])
    for label in small.truth.labels:
        at = int((label.start - rates.first).total_seconds()) // 60
        if label.anomaly in ("burst", "new", "rare", "error"):
            assert rows[numbers[label.series], at : at + label.minutes].sum() >= label.calls


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
def test_a_rival_finds_a_flood(rival: Rival, rates: Rates) -> None:
    """100,000 calls in a minute of one series are its most unusual window."""
    end = rates._rows[20]
    few = replace(rates, series=rates.series[:20], _rows=rates._rows[:21], _minutes=rates._minutes[:end].copy(),
                  _counts=rates._counts[:end].copy())  # fmt: skip
    at = int(np.flatnonzero(few._minutes >= 30 * DAY)[0])
    few._counts[at] = 100_000
    series = few.series[int(np.searchsorted(few._rows, at, side="right")) - 1]

    sweep = rival_sweep(rival, few)
    alarms = sweep.alarms(sweep.thresholds[0])

    assert {series} == {alarm.series for alarm in alarms}
    assert any(alarm.start <= few.time(int(few._minutes[at])) < alarm.end for alarm in alarms)


def test_the_table_has_a_line_for_each_detector(small: Dataset) -> None:
    """With recall by class, and by size and duration below."""
    figures = measure(small, "record")

    assert ["28-day record"] == list(figures)
    assert 2 == table(figures, small.truth).count("28-day record")


def test_before_leaves_out_the_day_itself() -> None:
    """A day is compared with those before it only."""
    assert [[0, 1, 3, 5]] == before(np.array([[1.0, 2.0, 3.0, 9.0]]), 2, "sum").tolist()
    assert [[0, 1, 2, 3]] == before(np.array([[1.0, 2.0, 3.0, 9.0]]), 2, "max").tolist()
