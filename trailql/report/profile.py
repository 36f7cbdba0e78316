"""A profile for eyes: bars, and what is new first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from trailql.forensics.profile import Dimension, Profile, Share
from trailql.report.rows import Format, render_values, terminal_width, write_objects, write_text, write_values
from trailql.report.table import cells_of, cut, pad
from trailql.report.text import count_of, iso, plain, visible
from trailql.report.tree import clock

WIDTH = 100
_BAR = 20
_SHOWN = 8
_BLOCKS = " ▏▎▍▌▋▊▉█"
_LEVELS = " ▁▂▃▄▅▆▇█"
_ONE_WORTH_NO_LINE = frozenset({"accounts", "principals", "access keys"})
SHARE_COLUMNS = ("dimension", "value", "calls", "before", "new", "first_event_time", "last_event_time")
"""The promise for jsonl and csv: columns are added at the end, not renamed."""


def write_profile(
    profile: Profile, format: Format, output: Path | None, *, top: int = _SHOWN, zone: str = "UTC"
) -> None:
    """
    Write a profile.

    Args:
        profile: What was found.
        format: `table` is the text with bars; json holds all, jsonl and csv a row for each value.
        output: The file; None for standard output.
        top: How many values of each dimension are shown, besides the new ones; as many of these at most.
        zone: The hours' time zone, to be named.
    """
    if format is Format.TABLE:
        write_text(profile_text(profile, width=None if output else terminal_width(), top=top, zone=zone), output)
    elif format is Format.JSON:
        write_objects(profile_object(profile), Format.JSON, output)  # type: ignore[arg-type]
    elif format is Format.MD:
        write_text(_markdown(profile, top), output)
    else:
        rows = [
            [each.name, share.value, share.calls, share.before, _is_new(profile, share), share.first, share.last]
            for each in profile.dimensions
            for share in each.shares
        ]
        write_values(SHARE_COLUMNS, rows, format, output)


def profile_object(profile: Profile) -> dict[str, Any]:
    """A profile as JSON can hold it."""
    values = {
        "asked": profile.asked,
        "kind": profile.kind,
        "since": profile.since,
        "until": profile.until,
        "first_event_time": profile.first,
        "last_event_time": profile.last,
        "first_event_time_ever": profile.first_ever,
        "calls": profile.calls,
        "changes": profile.changes,
        "errors": profile.errors,
        "calls_before": profile.before,
        "errors_before": profile.errors_before,
        "hours": list(profile.hours),
        "hours_before": list(profile.hours_before),
        "dimensions": [
            {
                "name": each.name,
                "count": each.count,
                "new": each.new if profile.has_past else None,
                "values": [
                    {
                        "value": share.value,
                        "calls": share.calls,
                        "before": share.before,
                        "new": _is_new(profile, share),
                        "first_event_time": share.first,
                        "last_event_time": share.last,
                    }
                    for share in each.shares
                ],
            }
            for each in profile.dimensions
        ],
    }
    return {name: plain(value) for name, value in values.items()}


def _is_new(profile: Profile, share: Share) -> bool | None:
    return share.before == 0 if profile.has_past else None


def profile_text(profile: Profile, *, width: int | None = None, top: int = _SHOWN, zone: str = "UTC") -> str:
    """A profile as text with bars."""
    if not profile.calls or not profile.first or not profile.last:
        return ""
    width = width or WIDTH
    lines = [
        f"{profile.asked} ({profile.kind})",
        f"{clock(profile.first)} to {clock(profile.last)} UTC: {count_of(profile.calls, 'call')}, "
        f"{count_of(profile.changes, 'change')}, {profile.errors:,} failed{_rate(profile.errors, profile.calls)}",
    ]
    if profile.since and profile.first_ever:
        if profile.has_past:
            lines.append(
                f"before, since {clock(profile.first_ever)}: {count_of(profile.before, 'call')}, "
                f"{profile.errors_before:,} failed{_rate(profile.errors_before, profile.before)}"
            )
        else:
            lines.append("before: nothing in the lake, so nothing can be called new")
    if profile.has_past:
        lines += ["", *_new(profile, width, top)]
    for each in profile.dimensions:
        if not (each.count == 1 and each.name in _ONE_WORTH_NO_LINE):
            lines += ["", *_bars(each, profile, width, top)]
    lines += ["", *_hours(profile, zone)]
    return "\n".join(visible(line) for line in lines) + "\n"


def _rate(part: int, whole: int) -> str:
    return f" ({part / whole:.0%})" if part and whole else ""


def _new(profile: Profile, width: int, top: int) -> Iterator[str]:
    """What was never seen before the window, in one place."""
    found = [each for each in profile.dimensions if each.new]
    if not found:
        yield "new: nothing; every API, Region, address, user agent and error was seen before"
        return
    yield "new since then:"
    for each in found:
        shown = [share.value for share in each.shares if share.before == 0][:top]
        more = f" and {each.new - len(shown):,} more" if each.new > len(shown) else ""
        text = f"{each.new:,} of {each.count:,}: {', '.join(cut(visible(value), 60) for value in shown)}{more}"
        yield from _hanging(f"  {each.name:<12}  ", text, width)


def _hanging(head: str, text: str, width: int) -> Iterator[str]:
    from trailql.report.table import fold

    first, *more = fold(text, max(width - len(head), 30))
    yield head + first.strip()
    for line in more:
        yield " " * len(head) + line.strip()


def _bars(dimension: Dimension, profile: Profile, width: int, top: int) -> Iterator[str]:
    yield f"{dimension.name} ({dimension.count:,})"
    shares = sorted(dimension.shares, key=lambda share: (-share.calls, share.value))[:top]
    most = max(share.calls for share in shares)
    room = width - _BAR - 2 - 2 - 9 - 2 - 5
    size = min(max(cells_of(visible(share.value)) for share in shares), room)
    for share in shares:
        new = "  new" if _is_new(profile, share) else ""
        name = pad(cut(visible(share.value), size), size)
        yield f"  {name}  {bar(share.calls / most)}  {share.calls:>9,}{new}".rstrip()
    if dimension.count > len(shares):
        yield f"  and {dimension.count - len(shares):,} more"


def bar(part: float) -> str:
    """A bar of twenty characters, in eighths of one."""
    eighths = max(round(part * _BAR * 8), 1)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_BLOCKS[rest] if rest else "")).ljust(_BAR)


def _hours(profile: Profile, zone: str) -> Iterator[str]:
    yield f"hours of the day ({zone})"
    yield "             0     3     6     9     12    15    18    21"
    yield f"  calls      {_levels(profile.hours)}"
    if profile.has_past:
        yield f"  before     {_levels(profile.hours_before)}"


def _levels(counts: Sequence[int]) -> str:
    most = max(counts) or 1
    return " ".join(_LEVELS[-(-count * 8 // most)] for count in counts).rstrip()


def _markdown(profile: Profile, top: int) -> str:
    if not profile.calls or not profile.first or not profile.last:
        return ""
    rows = [
        [each.name, share.value, share.calls, share.before, "new" if _is_new(profile, share) else "", iso(share.first)]
        for each in profile.dimensions
        for share in sorted(each.shares, key=lambda share: (-share.calls, share.value))[:top]
    ]
    names = ["dimension", "value", "calls", "before", "", "first seen"]
    return render_values(names, rows, Format.MD, width=None)
