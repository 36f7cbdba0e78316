"""The whole of `trailql insights`: rates → bursts → attributions → insights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from trailql.errors import UsageError
from trailql.insights.anomaly import API_CALL_RATE, API_ERROR_RATE, Attribution, Insight
from trailql.insights.attributions import attribute_bursts
from trailql.insights.baseline import LEAST_DAYS, WIDTHS
from trailql.insights.bursts import Burst, find_bursts
from trailql.insights.rates import covered_days, minute_calls

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


def find_insights_in(
    con: duckdb.DuckDBPyConnection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    baseline_days: int = 28,
    false_per_account_week: float = 0.5,
) -> list[Insight]:
    """
    Find unusually high rates of write management calls, and of errors of management calls.

    Args:
        con: Has a view `events` with the columns of `trailql.schema`. It must also hold the baseline, the days before
            `since`; narrowing the view narrows the baseline.
        since: Test minutes from here on; by default all. An insight may begin up to an hour earlier.
        until: Test minutes before this; by default all.
        baseline_days: How many days before a day to compare it with, 7 or more. A day on which the account has no
            events is not counted, nor is the day of its first event; with fewer than seven left nothing is tested.
        false_per_account_week: How many false insights an account may have in a week, on average, if the model is
            right. Smaller means fewer insights.

    Returns:
        The insights in order of their start.

    Raises:
        UsageError: Arguments that cannot be meant.
        QueryError: No view `events`, or not with the columns needed.
    """
    _check(since, until, baseline_days, false_per_account_week)
    covered = covered_days(con)
    if not covered.num_rows:
        return []
    first_minute, end_minute = _minutes(covered, since, until)
    reach = baseline_days * 1440 + max(WIDTHS)
    rates = minute_calls(con, max(0, first_minute // 1440 * 1440 - reach), end_minute)
    bursts = find_bursts(
        rates,
        covered,
        first_minute=first_minute,
        end_minute=end_minute,
        baseline_days=baseline_days,
        false_per_account_week=false_per_account_week,
    )
    insights = map(_insight, bursts, attribute_bursts(con, bursts))
    return sorted(insights, key=_order)


def history_of(
    con: duckdb.DuckDBPyConnection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    baseline_days: int = 28,
) -> History:
    """
    How much there is to compare with; arguments as for `find_insights_in`.

    Raises:
        QueryError: No view `events`, or not with the columns needed.
    """
    covered = covered_days(con)
    days: dict[str, list[int]] = {}
    for account, day in zip(covered["account"].to_pylist(), covered["day"].to_pylist(), strict=True):
        days.setdefault(account, []).append(day)
    if not days:
        return History(0, 0, 0)
    first_minute, end_minute = _minutes(covered, since, until)
    first_day, last_day = first_minute // 1440, (end_minute - 1) // 1440
    most = {}
    for account, found in days.items():
        tested = [day for day in found if first_day <= day <= last_day]
        if tested:
            last, begin = max(tested), max(min(found) + 1, max(tested) - baseline_days)
            most[account] = sum(begin <= day < last for day in found)
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


def _minutes(covered: pa.Table, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The first minute to test and the first not to: those that begin within the asked time."""
    days = pc.min_max(covered["day"]).as_py()
    first = days["min"] * 1440 if since is None else _whole_minutes(since)
    end = (days["max"] + 1) * 1440 if until is None else _whole_minutes(until)
    return first, end


def _whole_minutes(moment: datetime) -> int:
    return -((_EPOCH - moment) // timedelta(minutes=1))


def _insight(burst: Burst, attributions: Sequence[Attribution]) -> Insight:
    series = burst.series
    minutes = burst.end_minute - burst.start_minute
    return Insight(
        account=series.account,
        region=series.region,
        event_source=series.event_source,
        event_name=series.event_name,
        error_code=series.error_code,
        insight_type=API_CALL_RATE if series.error_code is None else API_ERROR_RATE,
        start=_EPOCH + timedelta(minutes=burst.start_minute),
        end=_EPOCH + timedelta(minutes=burst.end_minute),
        calls=burst.calls,
        baseline_average=burst.baseline_calls / (burst.baseline_days * 1440),
        insight_average=burst.calls / minutes,
        start_average=burst.start_calls,
        baseline_minutes=burst.baseline_days * 1440,
        insight_minutes=minutes,
        p_value=burst.p_value,
        attributions=tuple(attributions),
    )


def _order(insight: Insight) -> tuple[datetime, str, str, str, str, str]:
    key = (insight.account, insight.region, insight.event_source, insight.event_name, insight.error_code or "")
    return (insight.start, *key)
