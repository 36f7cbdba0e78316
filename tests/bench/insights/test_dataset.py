"""The generator keeps its promises."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from tests.bench.insights.accounts import draw_account, draw_rates, latent_of
from tests.bench.insights.clock import DAY, FIRST_MINUTE
from tests.bench.insights.dataset import Dataset, make_dataset
from tests.bench.insights.labels import Label, read_truth
from tests.bench.insights.plant import plant, usual_calls


def test_same_seed_same_files(tmp_path: Path) -> None:
    """The same seed gives the same bytes, another one does not."""
    runs = (("once", 5), ("again", 5), ("other", 6))
    first, again, other = (make_dataset(tmp_path / name, seed=seed, accounts=1, days=30) for name, seed in runs)

    assert first.rates.read_bytes() == again.rates.read_bytes()
    assert first.truth == again.truth == read_truth(first.rates.parent / "truth.json")
    assert first.rates.read_bytes() != other.rates.read_bytes()


def test_calm_accounts_are_calm(tmp_path: Path) -> None:
    """Days of a series are alike, unlike those of restless accounts; anomalies are planted there as well."""
    runs = [make_dataset(tmp_path, seed=5, accounts=2, days=35, is_calm=is_calm) for is_calm in (True, False)]

    def unlike(data: Dataset) -> float:
        """A usual series' busiest day in units of its middle day, before anything is planted."""
        rates = pl.read_parquet(data.rates).filter(pl.col("minute") < data.truth.test_from)
        days = rates.group_by("account", "region", "eventName", "errorCode", pl.col("minute").dt.date()).agg(
            pl.col("count").sum()
        )
        found = days.group_by("account", "region", "eventName", "errorCode").agg(
            (pl.col("count").max() / pl.col("count").median()).alias("unlike")
        )
        return float(found["unlike"].to_numpy().mean())

    calm, restless = map(unlike, runs)
    assert calm < 1.9 < restless
    assert all(data.truth.labels for data in runs)


def test_columns(small: Dataset) -> None:
    """One row per series and minute, none of them empty."""
    rates = pl.read_parquet(small.rates)

    assert {
        "account": pl.String,
        "region": pl.String,
        "eventSource": pl.String,
        "eventName": pl.String,
        "errorCode": pl.String,
        "minute": pl.Datetime("us", "UTC"),
        "count": pl.Int64,
    } == dict(rates.schema)
    assert rates["count"].min() == 1
    assert not rates.select(pl.exclude("count")).is_duplicated().any()


def test_labels_hold_what_the_rates_hold(small: Dataset) -> None:
    """The calls of a label's window are in the rates; labels lie in the tested time, none in a clean account."""
    rates = pl.read_parquet(small.rates)
    clean = {each.account for each in small.truth.accounts if each.is_clean}
    assert small.truth.labels

    for label in small.truth.labels:
        assert label.calls == _calls_in(rates, label)
        assert label.anomaly == "drop" or label.calls >= label.planted * (label.anomaly != "drift")
        assert small.truth.test_from <= label.start < label.end <= small.truth.test_until
        assert label.series.account not in clean


def test_planting_changes_labelled_windows_only() -> None:
    """Outside the labels' windows, the rates are those drawn before."""
    days = 42
    account = draw_account(3, 0, days, 28 * DAY)
    rng = np.random.default_rng(1)
    rates = draw_rates(account, latent_of(account, rng, days * DAY), rng, days * DAY)
    before = {series: calls.copy() for series, calls in rates.items()}

    labels = plant(account, rates, 28 * DAY, days * DAY, rng, 0)

    for label in labels:
        first = int((label.start - FIRST_MINUTE).total_seconds()) // 60
        here = slice(first, first + label.minutes)
        drawn = before.setdefault(label.series, np.zeros(days * DAY, np.int32))
        assert label.planted == int(rates[label.series][here].sum() - drawn[here].sum())
        drawn[here] = rates[label.series][here]
    assert all(np.array_equal(rates[series], before[series]) for series in rates)


def test_usual_calls_of_a_steady_and_a_sparse_series() -> None:
    """A busy API's usual window holds its rate times the minutes; a sparse one's what an active window holds."""
    weekend = np.arange(60 * 24) // 24 % 7 >= 5
    steady = np.full(40 * DAY, 4, np.int32)
    sparse = np.zeros(40 * DAY, np.int32)
    sparse[::1000] = 2

    assert usual_calls(steady, weekend, 30 * DAY, 15) == 60
    assert usual_calls(sparse, weekend, 30 * DAY, 15) == 2
    assert usual_calls(np.zeros(40 * DAY, np.int32), weekend, 30 * DAY, 15) == 0


def test_a_size_of_100_can_be_told_from_chance(small: Dataset) -> None:
    """Chances follow the size: most labels of 100x are separable, fewer of 3x."""

    def share(size: int) -> float:
        some = [label.separable for label in small.truth.labels if label.anomaly == "burst" and label.size == size]
        return sum(some) / len(some)

    assert share(100) >= share(3)


def _calls_in(rates: pl.DataFrame, label: Label) -> int:
    series = label.series
    first = label.end - timedelta(days=1) if label.anomaly == "drift" else label.start
    return int(
        rates.filter(
            pl.col("account") == series.account,
            pl.col("region") == series.region,
            pl.col("eventSource") == series.source,
            pl.col("eventName") == series.name,
            pl.col("errorCode").eq_missing(pl.lit(series.error_code)),
            pl.col("minute").is_between(first, label.end, closed="left"),
        )["count"].sum()
    )
