"""The whole of `trailql insights`: rates → surprises → bursts → attributions → insights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from trailql.errors import UsageError
from trailql.insights.anomaly import Attribution, Insight
from trailql.insights.attributions import attribute_bursts
from trailql.insights.kinds import AWS_KINDS, KINDS, PRINCIPAL_KINDS
from trailql.insights.locate import Burst, located
from trailql.insights.rates import Rates, count_events, open_file
from trailql.insights.series import EPOCH, moment_of
from trailql.insights.surprise import LEAST_DAYS, LONGEST_MEMORY, OWN_DAYS, WIDTHS, surprises

_DAY = 1440


@dataclass(frozen=True, slots=True)
class History:
    """
    What there is to compare with.

    Args:
        accounts: Accounts with events in the time looked at.
        enough: Of them with a baseline long enough to test their last day.
        most_days: The longest baseline of all, in days.
    """

    accounts: int
    enough: int
    most_days: int


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What is looked for.

    Args:
        since, until: Insights of minutes `since <= time < until`; by default all there are.
        baseline_days: How many days before a day to compare it with, 7 or more. A day on which the account has no
            events is not counted, nor is the day of its first event; with fewer than seven left nothing is tested.
        false_per_account_week: How many false insights an account may have in a week, on average, if the model is
            right, over all kinds together. Smaller means fewer insights.
        kinds: Which series are counted, see `trailql.insights.kinds`.

    Raises:
        UsageError: Arguments that cannot be meant.
    """

    since: datetime | None = None
    until: datetime | None = None
    baseline_days: int = 28
    false_per_account_week: float = 0.5
    kinds: tuple[str, ...] = tuple(KINDS)

    def __post_init__(self) -> None:
        _check(self.since, self.until, self.baseline_days, self.false_per_account_week)
        for kind in self.kinds:
            if kind not in KINDS:
                raise UsageError(f"there is no kind {kind!r}", hint=f"one of {', '.join((*KINDS, 'aws', 'all'))}")

    @property
    def first_minute(self) -> int | None:
        """Minutes since 1970, the first to test; None for the first there is."""
        return None if self.since is None else _whole_minutes(self.since)

    @property
    def end_minute(self) -> int | None:
        """The first not to test; None for all there are."""
        return None if self.until is None else _whole_minutes(self.until)

    @property
    def first_counted(self) -> int | None:
        """The first minute that the test looks at: records reach back farther than the baseline."""
        if self.first_minute is None:
            return None
        reach = (OWN_DAYS + max(self.baseline_days, LONGEST_MEMORY) + self.baseline_days + 1) * _DAY + max(WIDTHS)
        return max(0, self.first_minute // _DAY * _DAY - reach)


def find_insights_in(con: duckdb.DuckDBPyConnection, asked: Asked) -> tuple[list[Insight], History]:
    """
    Find unusual rates in a lake's events.

    Args:
        con: Has a view `events` with the columns of `trailql.schema`, and the macro `actor`. It must also hold the
            baseline, the days before `since`; narrowing the view narrows the baseline.
        asked: What is looked for.

    Returns:
        The insights in order of their start, and how much there was to compare with.

    Raises:
        QueryError: No view `events`, or not with the columns needed.
    """
    return find_insights_of(con, count_events(con, asked.first_counted, asked.end_minute, asked.kinds), asked)


def find_insights_of(con: duckdb.DuckDBPyConnection, counted: Any, asked: Asked) -> tuple[list[Insight], History]:
    """The same from minute counts that are there already, see `trailql.insights.rates.count_events`."""
    with Rates(counted, asked.kinds) as rates:
        bursts, history = _bursts(rates, asked)
    insights = map(_insight, bursts, attribute_bursts(con, bursts))
    return sorted(insights, key=_order), history


def find_insights_in_rates(path: Path, asked: Asked) -> tuple[list[Insight], History]:
    """
    Find unusual rates in a Parquet file of minute counts, see `trailql.insights.rates.FILE_COLUMNS`.

    Such a file does not say who called, so the insights have no attributions.

    Raises:
        SourceError: No such file, or not of that form.
    """
    file = open_file(path, asked.first_counted, asked.end_minute)
    if file is None:
        return [], History(0, 0, 0)
    with Rates(file, asked.kinds) as rates:
        bursts, history = _bursts(rates, asked)
    return sorted((_insight(burst, ()) for burst in bursts), key=_order), history


def _bursts(rates: Rates, asked: Asked) -> tuple[list[Burst], History]:
    """All accounts' bursts, and how much there was to compare with."""
    covered = {account: rates.covered_days(account) for account in rates.accounts}
    history = _history(covered, asked)
    found: list[Burst] = []
    for counts in rates.of_accounts():
        days = covered[counts.series[0].account]
        first = days[0] if asked.first_minute is None else asked.first_minute // _DAY
        last = days[-1] if asked.end_minute is None else (asked.end_minute - 1) // _DAY
        surprising = surprises(
            counts,
            first_day=first,
            last_day=last,
            baseline_days=asked.baseline_days,
            false_per_account_week=asked.false_per_account_week,
        )
        found += [each for each in located(counts, surprising, asked.baseline_days) if _lies_within(each, asked)]
    return found, history


def _lies_within(burst: Burst, asked: Asked) -> bool:
    """Whether any of its minutes are asked for."""
    return (asked.first_minute is None or burst.end_minute > asked.first_minute) and (
        asked.end_minute is None or burst.start_minute < asked.end_minute
    )


def _history(covered: dict[str, list[int]], asked: Asked) -> History:
    """How much there is to compare with."""
    most = {}
    for account, days in covered.items():
        first = days[0] if asked.first_minute is None else asked.first_minute // _DAY
        last = days[-1] if asked.end_minute is None else (asked.end_minute - 1) // _DAY
        if tested := [day for day in days if first <= day <= last]:
            begin = max(days[0] + 1, tested[-1] - asked.baseline_days)
            most[account] = sum(begin <= day < tested[-1] for day in days)
    enough = sum(each >= LEAST_DAYS for each in most.values())
    return History(len(most), enough, max(most.values(), default=0))


def _check(since: datetime | None, until: datetime | None, baseline_days: int, false_per_account_week: float) -> None:
    for name, moment in (("since", since), ("until", until)):
        if moment is not None and moment.tzinfo is None:
            raise UsageError(f"{name} has no time zone", hint="datetime(…, tzinfo=UTC)")
    if since is not None and until is not None and since >= until:
        raise UsageError(f"nothing lies between {since.isoformat()} and {until.isoformat()}")
    if baseline_days < LEAST_DAYS:
        raise UsageError(f"a baseline of {baseline_days} days is too short", hint=f"at least {LEAST_DAYS} days")
    if not 0 < false_per_account_week < math.inf:
        message = f"{false_per_account_week} false insights per account and week cannot be asked for"
        raise UsageError(message, hint="a number above 0, such as 0.5")


def _whole_minutes(moment: datetime) -> int:
    return -((EPOCH - moment) // timedelta(minutes=1))


def _insight(burst: Burst, attributions: Sequence[Attribution]) -> Insight:
    series = burst.series
    kind = KINDS[series.kind]
    minutes = burst.end_minute - burst.start_minute
    return Insight(
        account=series.account,
        region=series.region or None,
        event_source=series.event_source or None,
        event_name=series.event_name or None,
        error_code=series.subject if series.kind == "errors" else None,
        principal=series.subject if series.kind in PRINCIPAL_KINDS else None,
        insight_type=kind.insight_type,
        way=burst.way,
        start=moment_of(burst.start_minute),
        end=moment_of(burst.end_minute),
        calls=burst.calls,
        baseline_average=burst.baseline_calls / (max(1, burst.baseline_days) * _DAY),
        insight_average=burst.calls / minutes,
        start_average=burst.start_calls,
        baseline_minutes=burst.baseline_days * _DAY,
        insight_minutes=minutes,
        window_minutes=burst.window_minutes,
        window_calls=burst.window_calls,
        expected_calls=burst.expected,
        false_per_week=burst.false_per_week,
        attributions=tuple(attributions),
    )


def _order(insight: Insight) -> tuple[datetime, str, str, str, str, str, str]:
    api = (insight.event_source or "", insight.event_name or "", insight.error_code or insight.principal or "")
    return (insight.start, insight.account, insight.insight_type, insight.region or "", *api)


def kinds_named(names: Iterable[str]) -> tuple[str, ...]:
    """Kinds by name; `aws` means CloudTrail's own two, `all` every kind."""
    found: list[str] = []
    for name in names:
        found += {"aws": AWS_KINDS, "all": tuple(KINDS)}.get(name, (name,))
    return tuple(dict.fromkeys(found))
