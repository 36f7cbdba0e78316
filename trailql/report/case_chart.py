"""The chart over a case's timeline: events by hour or day, those that failed, findings and insights marked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from typing import TYPE_CHECKING

from trailql.report.case_words import minute
from trailql.report.text import count_of, visible

if TYPE_CHECKING:
    from trailql.cases.case import Activity
    from trailql.forensics.timeline import Entry

_WIDE, _HIGH, _LEFT, _TOP, _BOTTOM = 1000, 250, 52, 44, 26
_LABELS = 6
_TITLES = 6
SEVERITIES = ("critical", "high", "medium", "low", "info")


def activity_svg(activity: Activity, entries: Sequence[Entry]) -> str:
    """
    The drawing, for a page whose style has the classes bar, failed, grid, mark and the severities.

    Args:
        activity: Counts by step.
        entries: The timeline; its findings and insights are marked.
    """
    number = len(activity.events)
    step = (_WIDE - _LEFT) / number
    top = max(*activity.events, 1)
    floor = _HIGH - _BOTTOM

    def y(count: int) -> float:
        return floor - count / top * (floor - _TOP)

    def bars(counts: Sequence[int], name: str) -> str:
        return "".join(
            f'<rect class="{name}" x="{_LEFT + at * step:.1f}" y="{min(y(count), floor - 1):.1f}" '
            f'width="{max(step - 1, 0.7):.1f}" height="{max(floor - y(count), 1):.1f}" '
            f'data-time="{minute(_start(activity, at))}">'
            f"<title>{minute(_start(activity, at))}: {count_of(activity.events[at], 'event')}, "
            f"{activity.failed[at]:,} failed</title></rect>"
            for at, count in enumerate(counts)
            if count
        )

    grid = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDE}" y1="{y(count):.1f}" y2="{y(count):.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y(count) + 4:.1f}" text-anchor="end">{count:,}</text>'
        for count in dict.fromkeys((0, top // 2, top))
    )
    every = max(1, -(-number // _LABELS))
    days = activity.step_seconds >= 6 * 3600
    times = "".join(
        f'<text x="{_LEFT + at * step:.1f}" y="{_HIGH - 8}">{minute(_start(activity, at))[: 10 if days else 16]}</text>'
        for at in range(0, number, every)
        if at + every / 2 < number or at == 0
    )
    marks = _marks(activity, entries, step)
    return (
        f'<svg viewBox="0 0 {_WIDE} {_HIGH}" role="img" aria-label="Events over time">'
        f"{grid}{bars(activity.events, 'bar')}{bars(activity.failed, 'failed')}{marks}{times}</svg>"
    )


def step_in_words(activity: Activity) -> str:
    """`hour`, `6 hours`, `day`."""
    for seconds, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if activity.step_seconds % seconds == 0 and activity.step_seconds >= seconds:
            count = activity.step_seconds // seconds
            return name if count == 1 else f"{count} {name}s"
    return f"{activity.step_seconds} seconds"


def _start(activity: Activity, at: int) -> datetime:
    return activity.start + timedelta(seconds=at * activity.step_seconds)


def _marks(activity: Activity, entries: Sequence[Entry], step: float) -> str:
    """A triangle where findings begin, as severe as the worst of them; a diamond where insights do."""
    found: dict[tuple[str, int], list[Entry]] = {}
    for entry in entries:
        if entry.kind != "event":
            at = int((entry.first - activity.start).total_seconds() // activity.step_seconds)
            found.setdefault((entry.kind, min(max(at, 0), len(activity.events) - 1)), []).append(entry)
    drawn = []
    for (kind, at), those in sorted(found.items()):
        x = _LEFT + (at + 0.5) * step
        worst = min(those, key=lambda each: _rank(each.severity))
        named = worst.severity if worst.severity in SEVERITIES else "info"
        shape = f"M{x:.1f} 8l7 12h-14z" if kind == "finding" else f"M{x:.1f} 24l6 6l-6 6l-6 -6z"
        name = f"mark {named}" if kind == "finding" else "mark insight"
        titles = list(dict.fromkeys(f"{each.severity or 'insight'}: {each.title}" for each in those))
        told = "\n".join([minute(those[0].first), *titles[:_TITLES], *(["…"] if titles[_TITLES:] else [])])
        title = escape("\n".join(visible(line) for line in told.split("\n")))
        begins = minute(those[0].first)
        drawn.append(f'<path class="{name}" d="{shape}" data-time="{begins}"><title>{title}</title></path>')
    return "".join(drawn)


def _rank(severity: str | None) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
