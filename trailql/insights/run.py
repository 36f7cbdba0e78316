"""Find Insights in a lake."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from trailql.insights.anomaly import Insight
from trailql.insights.find import Asked, History, find_insights_in
from trailql.lake.lake import open_lake_folder
from trailql.query.engine import OpenLake


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


def find_insights_and_history(lake: str | Path, asked: Asked) -> tuple[list[Insight], History]:
    """
    Find unusual rates, and say how much there was to compare with.

    Args:
        lake: The lake's folder.
        asked: What is looked for.

    Returns:
        Insights by start; and the history, without which none can be found.

    Raises:
        LakeError: No lake there.
    """
    reach = None if asked.since is None or asked.first_counted is None else _moment(asked.first_counted)
    with OpenLake(open_lake_folder(lake), reach, asked.until) as opened:
        return find_insights_in(opened.connection, asked)


def _moment(minute: int) -> datetime:
    from datetime import UTC

    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
