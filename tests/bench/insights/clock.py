"""
An account's own time: local hours, weekends and holidays, for minutes counted from the first one generated.

Rhythms are tables of 168 local hours of the week, Monday first, with a mean near 1 in the hours that matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

FIRST_MINUTE = datetime(2026, 1, 26, tzinfo=UTC)
"""A Monday, so that summer time begins in the tested weeks of a run of 70 days."""

DAY, WEEK = 1440, 10080
"""In minutes."""

_OFFICE_DAY = [0.02] * 6 + [
    0.08,
    0.3,
    1.0,
    1.9,
    2.2,
    2.1,
    1.3,
    1.7,
    2.1,
    2.0,
    1.6,
    0.9,
    0.4,
    0.25,
    0.2,
    0.12,
    0.06,
    0.03,
]
_WAKING_DAY = [0.35, 0.25, 0.2, 0.2, 0.2, 0.3, 0.5, 0.8, 1.0, 1.1, 1.2, 1.25, 1.3, 1.3, 1.2, 1.2, 1.25, 1.35, 1.5, 1.7]
_WAKING_DAY += [1.8, 1.6, 1.1, 0.6]

RHYTHMS = {
    "flat": np.ones(168),
    "office": np.array([*(_OFFICE_DAY * 5), *[each * 0.06 for each in _OFFICE_DAY] * 2]),
    "waking": np.array([*(_WAKING_DAY * 5), *[each * 0.85 for each in _WAKING_DAY] * 2]),
}


@dataclass(frozen=True, slots=True)
class Clock:
    """
    Args:
        hour_of_week: By UTC hour since the start: the local hour of the week, 0 on Monday at midnight; on a holiday
            that of Sunday.
        working_days: By UTC day since the start: the minute at which nine o'clock local time is, None if nobody works.
    """

    hour_of_week: npt.NDArray[np.int64]
    working_days: Sequence[int | None]

    def rhythm(self, name: str, first: int, end: int) -> npt.NDArray[np.float64]:
        """A rhythm for `first <= minute < end`, smooth from hour to hour."""
        by_hour = RHYTHMS[name][self.hour_of_week]
        smooth: npt.NDArray[np.float64] = np.interp(np.arange(first, end), np.arange(len(by_hour)) * 60 + 30, by_hour)
        return smooth


def clock(zone: str, days: int, holidays: frozenset[date]) -> Clock:
    """The clock of an account in a time zone, for so many days from `FIRST_MINUTE`."""
    here = ZoneInfo(zone)
    hours: list[int] = []
    for hour in range(days * 24):
        local = (FIRST_MINUTE + timedelta(hours=hour)).astimezone(here)
        weekday = 6 if local.date() in holidays else local.weekday()
        hours.append(weekday * 24 + local.hour)
    working: list[int | None] = []
    for day in range(days):
        local_day = (FIRST_MINUTE + timedelta(days=day)).date()
        nine = datetime(local_day.year, local_day.month, local_day.day, 9, tzinfo=here)
        is_off = nine.weekday() >= 5 or local_day in holidays
        working.append(None if is_off else int((nine - FIRST_MINUTE).total_seconds()) // 60)
    return Clock(np.array(hours), working)


def moment(minute: int) -> datetime:
    """The time of a minute counted from the start."""
    return FIRST_MINUTE + timedelta(minutes=int(minute))
