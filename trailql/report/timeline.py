"""A timeline for eyes and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trailql.report.rows import Format, terminal_width, write_text, write_values
from trailql.report.table import cells_of, cut, fold, pad
from trailql.report.text import count_of, visible
from trailql.report.tree import who

if TYPE_CHECKING:
    from trailql.detect.finding import Finding
    from trailql.forensics.timeline import Entry, Mark, Timeline
    from trailql.insights.anomaly import Insight

ENTRY_COLUMNS = (
    "kind",
    "first_event_time",
    "last_event_time",
    "calls",
    "errors",
    "actor",
    "principal",
    "access_keys",
    "account",
    "regions",
    "source_ip",
    "apis",
    "error_codes",
    "read",
    "subjects",
    "event_ids",
    "id",
    "title",
    "severity",
)
"""The promise for json, jsonl and csv: columns are added at the end, not renamed."""
_MOST_APIS = 3
_WIDTH, _WHO, _FROM, _GAP = 120, 28, 24, 2


def marks_of(findings: Sequence[Finding], insights: Sequence[Insight]) -> list[Mark]:
    """Findings and insights as a timeline takes them."""
    from trailql.forensics.timeline import Mark

    marks = [
        Mark(
            "finding",
            each.first_event_time,
            each.last_event_time,
            each.id,
            each.title,
            each.severity.name.lower(),
            each.actor,
            each.account,
            each.region,
            each.source_ip,
            each.event_ids,
        )
        for each in findings
    ]
    return marks + [_insight(each) for each in insights]


def _insight(insight: Insight) -> Mark:
    from trailql.forensics.timeline import Mark
    from trailql.report.findings import type_in_words, what_in_words

    title = (
        f"unusual {type_in_words(insight)}: {what_in_words(insight)}, {insight.window_calls:,.0f} in "
        f"{insight.window_minutes} minutes instead of {insight.expected_calls:,.0f}"
    )
    return Mark(
        "insight",
        insight.start,
        insight.end,
        insight.insight_type,
        title,
        "",
        account=insight.account,
        region=insight.region,
        service=insight.event_source,
        name=insight.event_name,
    )


def write_timeline(timeline: Timeline, format: Format, output: Path | None, *, zone: tzinfo = UTC) -> None:
    """
    Write a timeline.

    Args:
        timeline: What was found.
        format: table and md are for eyes; the others hold everything, in UTC.
        output: The file; None for standard output.
        zone: The time zone for eyes.
    """
    if format is Format.TABLE:
        write_text(timeline_text(timeline, width=None if output else terminal_width(), zone=zone), output)
    elif format is Format.MD:
        names = [f"time ({zone_name(zone)})", "who", "from", "what", "about"]
        write_values(names, [entry_cells(entry, zone) for entry in timeline.entries], format, output)
    else:
        write_values(ENTRY_COLUMNS, [entry_values(entry) for entry in timeline.entries], format, output)


def timeline_text(timeline: Timeline, *, width: int | None = None, zone: tzinfo = UTC) -> str:
    """A timeline as lines under their days; long ones go on below themselves."""
    rows = [[visible(str(cell or "")) for cell in entry_cells(entry, zone)] for entry in timeline.entries]
    widths = [min(max((cells_of(row[i]) for row in rows), default=0), most) for i, most in ((1, _WHO), (2, _FROM))]
    indent = " " * (len("00:00:00") + sum(widths) + 3 * _GAP)
    lines: list[str] = []
    day = ""
    for time, actor, ip, what, about in rows:
        if time[:10] != day:
            day = time[:10]
            lines += [*([""] if lines else []), f"{day} {datetime.fromisoformat(day):%A} ({zone_name(zone)})"]
        told = (" " * _GAP).join([time[11:], pad(cut(actor, widths[0]), widths[0]), pad(cut(ip, widths[1]), widths[1])])
        text = what + (f": {about}" if about and not what.startswith("▲") else f"  {about}" if about else "")
        first, *more = fold(text, max((width or _WIDTH) - len(indent) - 2, 30))
        lines.append(f"{told}{' ' * _GAP}{first}".rstrip())
        lines += [f"{indent}  {each.strip()}".rstrip() for each in more]
    return "\n".join(lines) + "\n" if lines else ""


def zone_name(zone: tzinfo) -> str:
    """`Europe/Berlin`, `UTC`."""
    return getattr(zone, "key", None) or "UTC"


def entry_cells(entry: Entry, zone: tzinfo = UTC) -> list[Any]:
    """A line for eyes: time, who, from, what, about."""
    time = clock(entry.first, zone)
    named = entry.principal if entry.principal and entry.principal.startswith("arn:") else entry.actor
    actor = who(named).removeprefix("user ").removeprefix("role ") if named else ""
    if entry.kind != "event":
        return [time, actor, entry.source_ip or "", _flag(entry), entry.id if entry.kind == "finding" else ""]
    about = ", ".join(entry.subjects) + (f" and {entry.subjects_left:,} more" if entry.subjects_left else "")
    return [time, actor, entry.source_ip or "", what_of(entry), about]


def clock(moment: datetime, zone: tzinfo) -> str:
    """`2026-10-15 03:11:53` in a zone; UTC for the first and last day of all, which other zones do not have."""
    with suppress(OverflowError):
        moment = moment.astimezone(zone)
    return moment.isoformat(" ", "seconds")[:19]


def _flag(entry: Entry) -> str:
    return f"▲ {entry.severity.upper()} {entry.title}" if entry.severity else f"▲ {entry.title}"


def what_of(entry: Entry) -> str:
    """`ModifySnapshotAttribute ×188 in 14 min`, `220 reads of 26 APIs in 12 min, 99 failed`."""
    lasted = duration(entry.first, entry.last)
    if len(entry.apis) == 1:
        text = entry.apis[0][1] + (f" ×{entry.calls:,}" if entry.calls > 1 else "") + lasted
    else:
        names = ", ".join(name for _, name, _ in entry.apis[:_MOST_APIS])
        more = f" and {len(entry.apis) - _MOST_APIS} more" if len(entry.apis) > _MOST_APIS else ""
        text = f"{count_of(entry.calls, 'read')}{lasted}: {names}{more}"
    if len(entry.regions) > 1:
        text += f", {len(entry.regions)} Regions"
    if entry.errors:
        codes = ", ".join(code if len(code) < 40 else code[:39] + "…" for code in entry.error_codes[:2])
        text += f", {entry.errors:,} failed" if entry.errors < entry.calls else ", failed"
        text += f" ({codes}{' …' if entry.error_codes[2:] else ''})"
    return text


def duration(first: datetime, last: datetime) -> str:
    """How long a run lasted, for behind its count."""
    seconds = (last - first).total_seconds()
    if seconds < 1:
        return ""
    return f" in {seconds:.0f} s" if seconds < 120 else f" in {seconds / 60:.0f} min"


def entry_values(entry: Entry) -> list[Any]:
    """Everything, in the order of `ENTRY_COLUMNS`."""
    return [
        entry.kind,
        entry.first,
        entry.last,
        entry.calls,
        entry.errors,
        entry.actor,
        entry.principal,
        list(entry.access_keys),
        entry.account,
        list(entry.regions),
        entry.source_ip,
        [{"eventSource": service, "eventName": name, "calls": calls} for service, name, calls in entry.apis],
        list(entry.error_codes),
        entry.is_read,
        list(entry.subjects),
        list(entry.event_ids),
        entry.id,
        entry.title,
        entry.severity,
    ]
