"""The history of a resource, for eyes and for machines."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from trailql.forensics.resource import Change, History
from trailql.forensics.settings import Setting
from trailql.forensics.timeline import Entry
from trailql.report.rows import Format, terminal_width, write_text, write_values
from trailql.report.table import cells_of, cut, fold, pad
from trailql.report.text import count_of, visible
from trailql.report.timeline import clock, what_of, zone_name
from trailql.report.tree import who

HISTORY_COLUMNS = (
    "kind",
    "first_event_time",
    "last_event_time",
    "calls",
    "actor",
    "principal",
    "account",
    "regions",
    "source_ip",
    "apis",
    "error_codes",
    "settings",
    "event_ids",
)
"""The promise for json, jsonl and csv: columns are added at the end, not renamed."""
_WIDTH = 100
_MOST_LINES = 16
_SHORT = 60


def write_history(history: History, format: Format, output: Path | None, *, zone: tzinfo = UTC) -> None:
    """Write a history; table is text with diffs, md a table, the others hold everything, in UTC."""
    if format is Format.TABLE:
        write_text(history_text(history, width=None if output else terminal_width(), zone=zone), output)
    elif format is Format.MD:
        names = [f"time ({zone_name(zone)})", "who", "from", "what", "set"]
        rows = [_row(each, zone) for each in _in_order(history)]
        write_values(names, rows, format, output)
    else:
        write_values(HISTORY_COLUMNS, [_full(each) for each in _in_order(history)], format, output)


def history_text(history: History, *, width: int | None = None, zone: tzinfo = UTC) -> str:
    """A history as lines under their days, what was set below."""
    everything = _in_order(history)
    if not everything:
        return ""
    width = width or _WIDTH
    people = {each.actor for each in everything}
    reads = sum(entry.calls for entry in history.reads)
    lines = [
        visible(
            f"{history.asked}: {count_of(len(history.changes), 'change')}, {count_of(reads, 'read')}, "
            f"by {count_of(len(people), 'principal')}"
        )
    ]
    rows = [[visible(str(cell)) for cell in _row(each, zone)[:4]] for each in everything]
    sizes = [min(max(cells_of(row[i]) for row in rows), most) for i, most in ((1, 28), (2, 24))]
    indent = " " * (8 + sum(sizes) + 6)
    day = ""
    for each, (time, actor, ip, what) in zip(everything, rows, strict=True):
        if time[:10] != day:
            day = time[:10]
            lines += ["", f"{day} {datetime.fromisoformat(day):%A} ({zone_name(zone)})"]
        head = "  ".join([time[11:], pad(cut(actor, sizes[0]), sizes[0]), pad(cut(ip, sizes[1]), sizes[1])])
        first, *more = fold(what, max(width - len(indent) - 2, 30))
        lines.append(f"{head}  {first}".rstrip())
        lines += [f"{indent}  {line.strip()}" for line in more]
        if isinstance(each, Change):
            lines += [cut(f"{' ' * 10}{line}", width) for line in _said(each)]
    return "\n".join(lines) + "\n"


def _in_order(history: History) -> list[Change | Entry]:
    return sorted([*history.changes, *history.reads], key=_when)


def _when(each: Change | Entry) -> tuple[datetime, bool, str]:
    if isinstance(each, Change):
        return each.time, False, each.event_id
    return each.first, True, each.principal or ""


def _row(each: Change | Entry, zone: tzinfo) -> list[Any]:
    time = each.time if isinstance(each, Change) else each.first
    named = each.principal if each.principal and each.principal.startswith("arn:") else each.actor
    actor = who(named or "").removeprefix("user ").removeprefix("role ")
    if isinstance(each, Change):
        what = f"{each.name}, failed ({each.error_code})" if each.error_code else each.name
        settings = "; ".join(_on_one_line(setting) for setting in each.settings)
    else:
        what, settings = what_of(each), ""
    return [clock(time, zone), actor, each.source_ip or "", what, settings]


def _on_one_line(setting: Setting) -> str:
    before = f"{_short(setting.before)} → " if setting.before is not None else ""
    return f"{setting.path}: {before}{_short(setting.after)}"


def _short(text: str | None) -> str:
    flat = " ".join((text or "").split())
    return flat if len(flat) <= _SHORT else flat[: _SHORT - 1] + "…"


def _said(change: Change) -> Iterator[str]:
    """What a change set: a line, or a small diff of a document."""
    unknown = False
    for setting in change.settings:
        is_document = "\n" in setting.after or "\n" in (setting.before or "")
        if setting.is_known and setting.before == setting.after:
            yield visible(f"{setting.path}: as before, {_short(setting.after)}")
        elif not is_document:
            yield visible(_on_one_line(setting))
        elif setting.is_known:
            yield visible(f"{setting.path}, against {setting.before_time:%Y-%m-%d %H:%M:%S}:")
            yield from map(visible, _diff(setting.before or "", setting.after))
        else:
            yield visible(f"{setting.path}:")
            yield from (f"  {visible(line)}" for line in _some(setting.after.split("\n")))
        unknown = unknown or (setting.replaces and not setting.is_known)
    if unknown:
        yield "! what was set before is not in the lake, where no → stands"


def _diff(before: str, after: str) -> list[str]:
    lines = list(difflib.unified_diff(before.split("\n"), after.split("\n"), n=1, lineterm=""))[2:]
    return _some([f"  {line}" for line in lines if not line.startswith("@@")])


def _some(lines: list[str]) -> list[str]:
    left = len(lines) - _MOST_LINES
    return lines if left <= 1 else [*lines[:_MOST_LINES], f"  … {left} more lines: --format json"]


def _full(each: Change | Entry) -> list[Any]:
    if isinstance(each, Change):
        settings = [
            {
                "path": setting.path,
                "after": setting.after,
                "before": setting.before,
                "before_event_time": setting.before_time,
                "before_event_id": setting.before_event_id,
            }
            for setting in each.settings
        ]
        apis = [{"eventSource": each.service, "eventName": each.name, "calls": 1}]
        errors = [each.error_code] if each.error_code else []
        regions = [each.region] if each.region else []
        times = [each.time, each.time, 1]
        return [
            "change",
            *times,
            each.actor,
            each.principal,
            each.account,
            regions,
            each.source_ip,
            apis,
            errors,
            settings,
            [each.event_id],
        ]
    apis = [{"eventSource": service, "eventName": name, "calls": calls} for service, name, calls in each.apis]
    return [
        "reads",
        each.first,
        each.last,
        each.calls,
        each.actor,
        each.principal,
        each.account,
        list(each.regions),
        each.source_ip,
        apis,
        list(each.error_codes),
        [],
        list(each.event_ids),
    ]
