"""Find Insights in a lake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from trailql.insights.anomaly import Insight
from trailql.insights.curve import Curve, curve_of
from trailql.insights.find import Asked, History, find_insights_in, find_insights_of
from trailql.insights.kinds import kind_of_type
from trailql.insights.rates import Rates, count_events
from trailql.insights.rollups import is_fresh, kept_counts, refresh
from trailql.insights.series import moment_of
from trailql.insights.store import save_insights
from trailql.lake.lake import Lake, open_lake_folder
from trailql.query.engine import OpenLake

_DAY = 1440

Progress = Callable[[int, int], None]


def find_insights(
    lake: str | Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    baseline_days: int = 28,
    false_per_account_week: float = 0.5,
    **more: Any,
) -> list[Insight]:
    """
    Find unusual rates of calls and errors; see `find_insights_and_history`, whose first half this is.

    `more` are further fields of `trailql.insights.find.Asked`.
    """
    asked = Asked(since, until, baseline_days, false_per_account_week)
    return find_insights_and_history(lake, replace(asked, **more))[0]


def find_insights_and_history(
    lake: str | Path, asked: Asked, *, save: bool = False, on_progress: Progress | None = None
) -> tuple[list[Insight], History]:
    """
    Find unusual rates, and say how much there was to compare with.

    Minute counts that the lake keeps are used where they are true to its events.

    Args:
        lake: The lake's folder.
        asked: What is looked for.
        save: Keep the minute counts and the insights in the lake.
        on_progress: Called with days counted and days to count, where they are kept.

    Returns:
        Insights by start; and the history, without which none can be found.

    Raises:
        LakeError: No lake there, or it cannot be written to.
    """
    opened_lake = open_lake_folder(lake)
    days = _days(opened_lake, asked)
    is_kept = days is not None and (save or is_fresh(opened_lake, *days))
    if save and days:
        refresh(opened_lake, *days, on_progress)
    reach = None if asked.first_counted is None else moment_of(asked.first_counted)
    with OpenLake(opened_lake, reach, asked.until) as opened:
        if is_kept:
            counted = kept_counts(opened, asked.first_counted, asked.end_minute)
            found, history = find_insights_of(opened.connection, counted, asked)
        else:
            found, history = find_insights_in(opened.connection, asked)
    if save:
        save_insights(opened_lake, found)
    return found, history


def curve_in(lake: str | Path, insight: Insight) -> Curve:
    """
    The curve of an insight over the days before, from the lake's events.

    Raises:
        LakeError: No lake there.
    """
    return curves_in(lake, [insight])[0]


def curves_in(lake: str | Path, insights: Sequence[Insight]) -> list[Curve]:
    """
    The curves of several insights, from one reading of the lake's events.

    Raises:
        LakeError: No lake there.
    """
    if not insights:
        return []
    spans = [_span(insight) for insight in insights]
    since, until = min(since for since, _ in spans), max(until for _, until in spans)
    with OpenLake(open_lake_folder(lake), since, until) as opened:
        counted = count_events(opened.connection, None, None)
    curves: dict[int, Curve] = {}
    kinds = [kind_of_type(each.insight_type).name for each in insights]
    for kind in dict.fromkeys(kinds):
        with Rates(counted, (kind,)) as rates:
            curves |= {at: curve_of(rates, insights[at]) for at, other in enumerate(kinds) if other == kind}
    return [curves[at] for at in range(len(insights))]


def _span(insight: Insight) -> tuple[datetime, datetime]:
    """The time its curve and the days before take."""
    margin = timedelta(minutes=max(60, 2 * insight.insight_minutes) + _DAY)
    return insight.start - timedelta(days=29) - margin, insight.end + margin


def _days(lake: Lake, asked: Asked) -> tuple[date, date] | None:
    """The days with events that are needed."""
    days = [part.day for part in lake.snapshot("events").parts if part.day is not None]
    if asked.first_counted is not None:
        first = moment_of(asked.first_counted).date()
        days = [day for day in days if day >= first]
    if asked.end_minute is not None:
        last = moment_of(asked.end_minute - 1).date()
        days = [day for day in days if day <= last]
    return (min(days), max(days)) if days else None
