"""
A run's files: `rates.parquet`, which detectors see, and `truth.json`, which they do not.

`rates.parquet` has a row for each minute in which a series has calls, in no order to rely on:

| column | type | |
| --- | --- | --- |
| account | string | recipientAccountId |
| region | string | awsRegion |
| eventSource | string | |
| eventName | string | |
| errorCode | string, null | null: the calls without an error. All calls of an API are the sum over its rows. |
| minute | timestamp[us, UTC] | its start |
| count | int64 | calls, 1 or more |
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow.parquet as pq

from tests.bench.insights.accounts import Series, draw_account, draw_rates, latent_of
from tests.bench.insights.calm import draw_calm_account
from tests.bench.insights.chances import first_windows, is_watched, with_chances, with_chances_of_new
from tests.bench.insights.clock import DAY, FIRST_MINUTE, WEEK, moment
from tests.bench.insights.labels import AccountTruth, Label, Quiet, Truth, read_truth, write_truth
from tests.bench.insights.plant import plant

BASELINE_DAYS = 28
_MADE_BY = 1
"""Raised when the same seed gives other files."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The two files of a run, and what the second says."""

    rates: Path
    truth: Truth


def make_dataset(out: Path, *, seed: int = 1, accounts: int = 24, days: int = 70, is_calm: bool = False) -> Dataset:
    """
    Make a run's files, or find them made.

    Args:
        out: A folder; the run gets one of its own in it.
        seed: The same seed gives the same files.
        accounts: Every third has no anomalies; at least 3.
        days: Of history, the first 28 of which are not tested.
        is_calm: Accounts of `tests.bench.insights.calm` instead of restless ones.
    """
    folder = out / f"v{_MADE_BY}-{'calm-' if is_calm else ''}seed-{seed}-accounts-{accounts}-days-{days}"
    rates_file, truth_file = folder / "rates.parquet", folder / "truth.json"
    if truth_file.exists():
        return Dataset(rates_file, read_truth(truth_file))
    folder.mkdir(parents=True, exist_ok=True)
    tested_from, end = BASELINE_DAYS * DAY, days * DAY
    truths: list[AccountTruth] = []
    labels: list[Label] = []
    quiet: list[Quiet] = []
    begun: dict[bool, list[npt.NDArray[np.int64]]] = {False: [], True: []}
    with pq.ParquetWriter(rates_file, _frame({}).to_arrow().schema) as writer:
        for index in range(accounts):
            rng = np.random.default_rng([seed, index, 2])
            account = (draw_calm_account if is_calm else draw_account)(seed, index, days, tested_from)
            rates = draw_rates(account, latent_of(account, rng, end), rng, end)
            watched = [series for series in rates if is_watched(series)]
            since = max(tested_from, account.first + 7 * DAY)
            for series in watched:
                if (began := first_windows(rates[series], since)) is not None and account.processes[
                    series
                ].first < since:
                    begun[series.error_code is not None].append(began)
            is_clean = index % 3 == 2
            if not is_clean:
                planted = plant(account, rates, tested_from, end, rng, len(labels))
                labels += with_chances(account, planted, len(watched), rng, end)
            weeks = (end - since) / WEEK
            truths.append(AccountTruth(account.number, is_clean, moment(since), weeks, len(watched)))
            quiet += [Quiet(series, moment(at - 60), moment(at + DAY)) for series, at in account.changes]
            writer.write_table(_frame(rates).to_arrow())
    labels = with_chances_of_new(labels, begun, sum(each.weeks for each in truths))
    truth = Truth(moment(tested_from), moment(end), tuple(truths), tuple(labels), tuple(quiet))
    write_truth(truth, truth_file)
    return Dataset(rates_file, truth)


def _frame(rates: dict[Series, npt.NDArray[np.int32]]) -> pl.DataFrame:
    names = pl.DataFrame(
        [(at, each.account, each.region, each.source, each.name, each.error_code) for at, each in enumerate(rates)],
        schema={
            "at": pl.UInt32,
            **dict.fromkeys(("account", "region", "eventSource", "eventName", "errorCode"), pl.String),
        },
        orient="row",
    )
    active = [np.flatnonzero(calls) for calls in rates.values()]
    none = [np.zeros(0, np.int64)]
    counts = [calls[at] for calls, at in zip(rates.values(), active, strict=True)]
    minutes = np.concatenate([*active, *none]) * 60_000_000 + int(FIRST_MINUTE.timestamp()) * 1_000_000
    rows = pl.DataFrame(
        {
            "at": np.repeat(np.arange(len(rates), dtype=np.uint32), [len(at) for at in active]),
            "minute": pl.Series(minutes, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")),
            "count": np.concatenate([*counts, *none]).astype(np.int64),
        }
    )
    joined = rows.join(names, on="at", how="left", maintain_order="left")
    return joined.select("account", "region", "eventSource", "eventName", "errorCode", "minute", "count")
