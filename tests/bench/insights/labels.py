"""What is planted, what is known about it, and the file (`truth.json`) that holds it beside the rates."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.bench.insights.accounts import Series

CLASSES = ("burst", "error", "new", "rare", "drift", "drop")


@dataclass(frozen=True, slots=True)
class Label:
    """
    One planted anomaly.

    Args:
        number: Counted within the run.
        incident: Labels planted together (an enumeration) share it.
        series: Where.
        anomaly: One of `CLASSES`.
        kind: Of the series: steady, rhythmic, scheduled, bursty, sparse, rare; `none` for one that did not exist.
        size: N of "N times the usual calls of such a window"; for `new` and enumerations all calls planted, for a
            drift the factor at its height, for a drop the share that is left.
        start, end: `start <= t < end`, whole minutes, UTC.
        usual: Calls in a usual active window of that length at that hour; see `tests.bench.insights.plant.usual_calls`.
        planted: Calls added, below 0 for a drop.
        calls: Calls the window holds now; for a drift, the last day of its rise.
        chance_per_week: How many times a week the series' own process has such a window, at any hour.
        chance_at_hour: The share of days on which it has one at about that hour (weekdays and weekends apart).
        separable: `chance_per_week` times the account's series is 0.5 or less.
        separable_at_hour: Never seen at about that hour.
    """

    number: int
    incident: int
    series: Series
    anomaly: str
    kind: str
    size: float
    start: datetime
    end: datetime
    usual: float
    planted: int
    calls: int
    chance_per_week: float = 0.0
    chance_at_hour: float = 0.0
    separable: bool = True
    separable_at_hour: bool = True

    @property
    def minutes(self) -> int:
        """Length of the window."""
        return int((self.end - self.start).total_seconds()) // 60


@dataclass(frozen=True, slots=True)
class Quiet:
    """A series and a time in which alarms count neither way: the first day after a benign change."""

    series: Series
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class AccountTruth:
    """
    Args:
        account: Twelve digits.
        is_clean: Without any planted anomaly.
        tested_from: From when alarms count: the start of the test, or a week after a new account's first call.
        weeks: Tested.
        series: Series of write calls and of errors, which detectors are asked to watch.
    """

    account: str
    is_clean: bool
    tested_from: datetime
    weeks: float
    series: int


@dataclass(frozen=True, slots=True)
class Truth:
    """
    All that is known about a run.

    Args:
        test_from, test_until: The tested time.
        accounts, labels, quiet: See there.
    """

    test_from: datetime
    test_until: datetime
    accounts: tuple[AccountTruth, ...]
    labels: tuple[Label, ...]
    quiet: tuple[Quiet, ...]


def write_truth(truth: Truth, path: Path) -> None:
    """Write `truth.json`."""
    path.write_text(json.dumps(asdict(truth), default=datetime.isoformat, indent=1))


def read_truth(path: Path) -> Truth:
    """Read what `write_truth` wrote."""
    found = json.loads(path.read_text())
    return Truth(
        datetime.fromisoformat(found["test_from"]),
        datetime.fromisoformat(found["test_until"]),
        tuple(AccountTruth(**(each | {"tested_from": _time(each["tested_from"])})) for each in found["accounts"]),
        tuple(Label(**_typed(each)) for each in found["labels"]),
        tuple(Quiet(**_typed(each)) for each in found["quiet"]),
    )


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"series": Series(**row["series"]), "start": _time(row["start"]), "end": _time(row["end"])}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
