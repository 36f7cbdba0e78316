"""Find Insights in a lake."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from trailql.insights.anomaly import Insight
from trailql.insights.find import History, find_insights_in, history_of
from trailql.lake.lake import open_lake_folder
from trailql.query.engine import OpenLake, window


def find_insights(
    lake: str | Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    baseline_days: int = 28,
    false_per_account_week: float = 0.5,
) -> list[Insight]:
    """
    Find unusual API call rates and error rates; see `find_insights_and_history`, whose first half this is.
    """
    return find_insights_and_history(
        lake, since=since, until=until, baseline_days=baseline_days, false_per_account_week=false_per_account_week
    )[0]


def find_insights_and_history(
    lake: str | Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    baseline_days: int = 28,
    false_per_account_week: float = 0.5,
) -> tuple[list[Insight], History]:
    """
    Find unusual API call rates and error rates, and say how much there was to compare with.

    Args:
        lake: The lake's folder.
        since, until: Insights of activity in `since <= time < until` (one under way at `since` may begin up to an hour
            before); the baseline lies before.
        baseline_days: Days of history to compare with, 7 at least.
        false_per_account_week: How many insights an account without any unusual activity would be expected to give
            in a week.

    Returns:
        Insights by start; and the history, without which none can be found.

    Raises:
        LakeError: No lake there.
        UsageError: A baseline too short, or a rate that is none.
    """
    with OpenLake(open_lake_folder(lake), window(since, timedelta(days=baseline_days + 1)), until) as opened:
        found = find_insights_in(
            opened.connection,
            since=since,
            until=until,
            baseline_days=baseline_days,
            false_per_account_week=false_per_account_week,
        )
        return found, history_of(opened.connection, since=since, until=until, baseline_days=baseline_days)
