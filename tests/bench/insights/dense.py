"""The rates as arrays, for detectors that are written with numpy: one row per watched series, one column per minute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from tests.bench.insights.accounts import Series
from tests.bench.insights.catalogue import is_read_only
from tests.bench.insights.clock import DAY

_KEYS = ("account", "region", "eventSource", "eventName", "errorCode")
_LEAST_GAP = 10
"""Minutes without any call in a Region that count as a log gap."""


@dataclass(frozen=True, slots=True)
class Rates:
    """
    Args:
        series: Watched: all calls of each write API (errorCode None), and errors by code.
        first: The time of the first column, a midnight, UTC.
        days: Whole days there are.
        test_day: The first tested one, counted from the first.
        first_day: By series: the day its account has its first call on.
        silent: By account and Region: minutes of log gaps.
    """

    series: tuple[Series, ...]
    first: datetime
    days: int
    test_day: int
    first_day: npt.NDArray[np.int64]
    silent: dict[tuple[str, str], npt.NDArray[np.bool_]]
    _rows: npt.NDArray[np.int64]
    _minutes: npt.NDArray[np.int64]
    _counts: npt.NDArray[np.int64]

    def chunks(self, size: int = 64) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """The number of the first series of a chunk, and calls per minute: series x minutes."""
        for at in range(0, len(self.series), size):
            until = min(at + size, len(self.series))
            calls = np.zeros((until - at, self.days * DAY), np.float32)
            here = slice(self._rows[at], self._rows[until])
            which = np.repeat(np.arange(until - at), np.diff(self._rows[at : until + 1]))
            calls[which, self._minutes[here]] = self._counts[here]
            yield at, calls

    def time(self, minute: int) -> datetime:
        """The time of a column."""
        return self.first + timedelta(minutes=int(minute))


def read_rates(path: Path, test_from: datetime) -> Rates:
    """Read `rates.parquet`; see `tests.bench.insights.dataset`."""
    rows = pl.scan_parquet(path)
    values = rows.select(pl.col(_KEYS).unique().implode()).collect().row(0, named=True)
    # As enumerations the keys sort and group by number, three times as fast as by text.
    kinds = {key: pl.Enum(sorted(each for each in values[key] if each is not None)) for key in _KEYS}
    rows = rows.with_columns(pl.col(key).cast(kind) for key, kind in kinds.items())
    span = rows.select(pl.col("minute").min().alias("first"), pl.col("minute").max().alias("last")).collect().row(0)
    first = span[0].replace(hour=0, minute=0)
    days = (span[1] - first) // timedelta(days=1) + 1
    at = ((pl.col("minute") - first).dt.total_minutes()).alias("at")
    writes = [name for name in kinds["eventName"].categories if not is_read_only(name)]
    is_write = pl.col("eventName").is_in(pl.Series(writes, dtype=kinds["eventName"]).implode())
    calls = rows.filter(is_write).with_columns(errorCode=pl.lit(None, kinds["errorCode"]))
    errors = rows.filter(pl.col("errorCode").is_not_null())
    both = pl.concat([calls.select(*_KEYS, at, "count"), errors.select(*_KEYS, at, "count")])
    counted = both.group_by(*_KEYS, "at").agg(pl.col("count").sum()).sort(*_KEYS, "at").collect()
    sizes = counted.group_by(_KEYS, maintain_order=True).len()
    series = tuple(Series(*row[:5]) for row in sizes.iter_rows())
    began = rows.group_by("account").agg(pl.col("minute").min()).collect()
    first_days = {account: (minute - first).days for account, minute in began.iter_rows()}
    return Rates(
        series,
        first,
        days,
        (test_from - first).days,
        np.array([first_days[each.account] for each in series]),
        _silent(rows.select("account", "region", at).unique().collect(), days),
        np.concatenate(([0], np.cumsum(sizes["len"].to_numpy(), dtype=np.int64))),
        counted["at"].to_numpy(),
        counted["count"].to_numpy(),
    )


def _silent(active: pl.DataFrame, days: int) -> dict[tuple[str, str], npt.NDArray[np.bool_]]:
    silent: dict[tuple[str, str], npt.NDArray[np.bool_]] = {}
    for (account, region), minutes in active.group_by("account", "region"):
        at = np.sort(minutes["at"].to_numpy())
        here = np.zeros(days * DAY, np.bool_)
        for gap in np.flatnonzero(np.diff(at) > _LEAST_GAP):
            here[at[gap] + 1 : at[gap + 1]] = True
        silent[str(account), str(region)] = here
    return silent
