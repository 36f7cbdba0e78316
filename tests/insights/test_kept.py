"""Insights and minute counts in the lake: kept once, true to the events, explained."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import Ingest
from tests.made import record
from trailql.errors import UsageError
from trailql.insights.anomaly import Insight
from trailql.insights.find import Asked
from trailql.insights.rollups import is_fresh, refresh
from trailql.insights.run import curve_in, find_insights_and_history
from trailql.insights.store import kept_insight, kept_insights, save_insights
from trailql.lake.lake import open_lake_folder
from trailql.query.engine import open_lake
from trailql.report.curve import check_plot, insight_page, insight_text, write_plot

_FIRST = datetime(2026, 9, 1, tzinfo=UTC)
_HOSTILE = "evil<script>alert(1)</script>\x1b[31m"


def _call(number: int, moment: datetime, name: str = "CreateTags") -> dict[str, object]:
    return record(
        number,
        eventTime=moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        eventSource="ec2.amazonaws.com",
        eventName=name,
        readOnly=False,
        userAgent=_HOSTILE,
    )


@pytest.fixture
def lake(logs: Path, lake_dir: Path, ingest: Ingest) -> Path:
    """
    Twenty days of a call an hour, and sixty calls in ten minutes on the last but one.
    """
    calls = [_call(number, _FIRST + timedelta(hours=number)) for number in range(20 * 24)]
    burst = [_call(1000 + number, _FIRST + timedelta(days=18, hours=10, seconds=10 * number)) for number in range(60)]
    (logs / "trail.json").write_text(json.dumps({"Records": [*calls, *burst]}))
    ingest()
    return lake_dir


def _found(lake: Path, *, save: bool = False) -> list[Insight]:
    return find_insights_and_history(lake, Asked(kinds=("calls",)), save=save)[0]


def test_kept_counts_give_the_same_insights(lake: Path) -> None:
    """
    From the events, while they are counted into the lake, and from the counts alone.
    """
    from_events = _found(lake)

    assert from_events == _found(lake, save=True) == _found(lake) == kept_insights(open_lake_folder(lake))
    assert 1 == len(from_events)
    with open_lake(lake) as opened:
        assert [(540,)] == opened.sql("SELECT sum(calls)::BIGINT FROM minute_counts").rows()
        assert [(1,)] == opened.sql("SELECT count(*) FROM insights").rows()


def test_late_events_correct_their_day_alone(lake: Path, logs: Path, ingest: Ingest) -> None:
    """
    A file that comes later makes one day stale; that day is counted anew, and its insight has the new number.
    """
    opened = open_lake_folder(lake)
    _found(lake, save=True)
    days = date(2026, 9, 1), date(2026, 9, 20)
    assert is_fresh(opened, *days)
    late = [_call(2000 + number, _FIRST + timedelta(days=18, hours=10, seconds=5 * number)) for number in range(100)]
    (logs / "late.json").write_text(json.dumps({"Records": late}))
    ingest()

    assert not is_fresh(opened, *days)
    assert 1 == refresh(opened, *days)
    assert 0 == refresh(opened, *days)
    assert [161] == [insight.calls for insight in _found(lake, save=True)]
    assert [161] == [insight.calls for insight in kept_insights(opened)]


def test_compaction_makes_counts_stale_and_nothing_else(lake: Path) -> None:
    """
    The same events in other files: counted again, the same insights, nothing new is kept.
    """
    from trailql.lake.compact import compact

    before = _found(lake, save=True)
    compact(open_lake_folder(lake))

    assert before == _found(lake, save=True)
    with open_lake(lake) as opened:
        assert [(540,)] == opened.sql("SELECT sum(calls)::BIGINT FROM minute_counts").rows()
        assert [(1,)] == opened.sql("SELECT count(*) FROM insights").rows()


def test_a_changed_insight_replaces_the_older_one(lake: Path) -> None:
    """
    The newest row of an id counts; an equal one is not written again.
    """
    opened = open_lake_folder(lake)
    [insight] = _found(lake, save=True)

    assert 0 == save_insights(opened, [insight])
    assert 1 == save_insights(opened, [replace(insight, calls=99)])
    assert [99] == [each.calls for each in kept_insights(opened)]
    assert 99 == kept_insight(opened, insight.id[:8]).calls
    with pytest.raises(UsageError, match="no insight"):
        kept_insight(opened, "zzz")


def test_explanation_and_plots(lake: Path, tmp_path: Path) -> None:
    """
    The curve shows the burst over the band; what came from a log is harmless in text and page.
    """
    [insight] = _found(lake)
    curve = curve_in(lake, insight)

    assert sum(curve.calls[curve.first : curve.last + 1]) == insight.calls
    assert max(curve.most) == 1
    text = insight_text(insight, curve, 80)
    assert "▲" in text
    assert "█" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines()[5:18])) <= 80
    page = insight_page(insight, curve)
    assert "<script" not in page
    assert "&lt;script" in page
    assert "default-src &#x27;none" not in page
    for ending, begins in ((".html", b"<!doctype"), (".svg", b"<?xml"), (".png", b"\x89PNG")):
        path = tmp_path / f"insight{ending}"
        write_plot(insight, curve, path)
        assert path.read_bytes().startswith(begins)
        check_plot(path)
    for write in (lambda path: write_plot(insight, curve, path), check_plot):
        with pytest.raises(UsageError, match="a plot is"):
            write(tmp_path / "insight.gif")
    with pytest.raises(UsageError, match="cannot be written"):
        write_plot(insight, curve, tmp_path / "none" / "insight.html")
