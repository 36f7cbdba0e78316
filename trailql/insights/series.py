"""
Series of minute counts: which there are, their calls by minute, and what follows by hour and day.

One account at a time: accounts are independent, and memory follows the largest of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

HOURS = 24
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SERIES_APART = 1 << 34
"""Minutes between two series in one sorted key; more than there will be."""


def moment_of(minute: int) -> datetime:
    """The time of a minute since 1970, UTC."""
    return EPOCH + timedelta(minutes=minute)


def minute_of(moment: datetime) -> int:
    """The minute since 1970 in which a time lies."""
    return int((moment - EPOCH) // timedelta(minutes=1))


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """
    What is counted.

    Args:
        kind: One of `trailql.insights.kinds.KINDS`.
        account: The recipientAccountId.
        region: The awsRegion; empty where Regions are counted together.
        event_source, event_name: The API; empty where APIs are counted together.
        subject: The error code of an error series, the principal of a principal's, else empty.
    """

    kind: str
    account: str
    region: str
    event_source: str
    event_name: str
    subject: str


@dataclass(frozen=True)
class Counts:
    """
    An account's series.

    Args:
        series: Their names.
        which: Index of the series, by row; rows are ordered by series, then minute.
        minute: Minutes since 1970.
        calls: 1 or more.
        first_day: Days since 1970 of the first day that counts.
        known: Hours in which the account and Region of a series have any event, by series, day and hour: the others
            are gaps in the logs and say nothing.
    """

    series: tuple[Series, ...]
    which: Ints
    minute: Ints
    calls: Ints
    first_day: int
    known: Bools

    @property
    def days(self) -> int:
        """How many days there are."""
        return int(self.known.shape[1])

    @cached_property
    def key(self) -> Ints:
        """Series and minute as one rising number."""
        return self.which * _SERIES_APART + self.minute

    @cached_property
    def covered(self) -> Bools:
        """Days with events of the account, by series and day; the first is seldom whole, and does not count."""
        days = np.asarray(self.known.any(axis=(0, 2)), np.bool_)
        if days.any():
            days[int(np.argmax(days))] = False
        return np.broadcast_to(days, (len(self.series), self.days)).copy()

    @cached_property
    def hourly(self) -> Floats:
        """Calls by series, day and hour."""
        return self._by_hour(np.add, self.calls)

    def busiest(self, width: int) -> Floats:
        """The most calls of any window of so many minutes that ends within the hour, by series, day and hour."""
        before = np.concatenate([[0], np.cumsum(self.calls)])
        begins = np.searchsorted(self.key, self.key - (width - 1))
        return self._by_hour(np.maximum, before[1:] - before[begins])

    def rows(self, series: int, first_minute: int, end_minute: int) -> tuple[Ints, Ints]:
        """Minutes and calls of one series in `first <= minute < end`."""
        low, high = np.searchsorted(self.key, series * _SERIES_APART + np.array([first_minute, end_minute]))
        return self.minute[low:high], self.calls[low:high]

    def _by_hour(self, reduce: np.ufunc, values: Ints) -> Floats:
        cells = self.which * (self.days * HOURS) + (self.minute // 60 - self.first_day * HOURS)
        found: Floats = np.zeros(len(self.series) * self.days * HOURS, np.float32)
        if len(cells):
            begins = np.flatnonzero(np.diff(cells, prepend=-1))
            found[cells[begins]] = reduce.reduceat(values, begins)
        return found.reshape(len(self.series), self.days, HOURS)
