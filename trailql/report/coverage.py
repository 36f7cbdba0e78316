"""Coverage for eyes and machines: holes, a row per account and Region or day, and a strip of days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trailql.report.rows import Format, render_values, terminal_width, write_objects, write_text, write_values
from trailql.report.text import as_text, count_of, iso, json_text, plain, visible

if TYPE_CHECKING:
    import pyarrow as pa

    from trailql.forensics.coverage import Coverage, Gap
    from trailql.forensics.trail_changes import TrailChange

_UNKNOWN = "unknown"
_NAMES_SHOWN, _CHANGES_SHOWN = 8, 4
_STRIP_DAYS = 100
_SHADES = "·░▒▓█"


class By(StrEnum):
    """What a row of the result is."""

    REGION = "region"
    DAY = "day"
    GAP = "gap"


GAP_COLUMNS = (
    "scope",
    "account",
    "region",
    "since",
    "until",
    "hours",
    "heard_share",
    "basis",
    "chance",
    "last_delivery",
    "next_delivery",
    "ongoing",
    "digest_files",
    "explained",
    "changes",
)
"""The promise for json, jsonl and csv: columns are added at the end, not renamed."""


def write_coverage(
    coverage: Coverage,
    format: Format,
    output: Path | None,
    *,
    by: By = By.REGION,
    limit: int = 0,
    chart: bool = False,
) -> None:
    """
    Write coverage to a file, or to standard output: everything as json, one table as csv or jsonl, what eyes want else.

    Args:
        coverage: What was found.
        format: One that is text.
        output: A file, or None.
        by, limit, chart: See `coverage_text`; csv and jsonl hold every row.
    """
    if format is Format.JSON:
        write_text(json_text(coverage_object(coverage), indent=2) + "\n", output)
    elif format is Format.JSONL:
        names, rows = coverage_rows(coverage, by)
        write_objects([_plain(dict(zip(names, row, strict=True))) for row in rows], format, output)
    elif format is Format.CSV:
        write_values(*coverage_rows(coverage, by), format, output)
    else:
        width = None if output else terminal_width()
        write_text(coverage_text(coverage, by, limit=limit, chart=chart, format=format, width=width), output)


def coverage_rows(coverage: Coverage, by: By) -> tuple[list[str], list[list[Any]]]:
    """Names and rows of one of its tables, all of them."""
    if by is By.GAP:
        return list(GAP_COLUMNS), [[_gap_object(gap)[name] for name in GAP_COLUMNS] for gap in coverage.gaps]
    table = coverage.days if by is By.DAY else coverage.regions
    return table.column_names, [list(row) for row in _values(table)]


def coverage_object(coverage: Coverage) -> dict[str, Any]:
    """Everything, as JSON can hold it."""
    document = {
        "since": coverage.since,
        "until": coverage.until,
        "files": coverage.total("files"),
        "bytes": coverage.total("bytes"),
        "events": coverage.total("events"),
        "rejected": coverage.total("rejected"),
        "undated_files": coverage.undated_files,
        "gaps": [_gap_object(gap) for gap in coverage.gaps],
        "never_delivered": coverage.never_delivered,
        "changes": [asdict(change) for change in coverage.changes],
        "regions": _objects(coverage.regions),
        "days": _objects(coverage.days),
    }
    return {name: _plain(value) for name, value in document.items()}


def coverage_text(
    coverage: Coverage, by: By, *, limit: int, chart: bool, format: Format = Format.TABLE, width: int | None = None
) -> str:
    """
    Coverage for eyes.

    Args:
        coverage: What was found.
        by: What a row of the last table is; none for gaps, which are shown in any case.
        limit: The most rows of each table; 0 for all.
        chart: With a strip of days under the tables.
        format: `table` or `md`.
        width: The columns a table has to fit into.
    """

    def table(names: Sequence[str], rows: Sequence[Sequence[Any]], total: int) -> str:
        return render_values(names, rows, format, width=width) + _more(total - len(rows))

    most = limit or max(len(coverage.gaps), coverage.days.num_rows, coverage.regions.num_rows)
    parts = [_summary(coverage)]
    if coverage.gaps and format is Format.MD:
        parts.append(table(_GAP_HEADS, [_gap_row(gap) for gap in coverage.gaps[:most]], len(coverage.gaps)))
    elif coverage.gaps:
        parts.append("".join(map(_gap_lines, coverage.gaps[:most])) + _more(len(coverage.gaps) - most))
    if by is not By.GAP and coverage.regions.num_rows:
        rows = coverage.days if by is By.DAY else coverage.regions
        names = [_HEADS.get(name, name) for name in rows.column_names]
        parts.append(table(names, [_row(row) for row in _values(rows.slice(0, most))], rows.num_rows))
    if coverage.changes:
        parts.append(_changes(coverage, most))
    if chart:
        parts.append(_chart(coverage, most))
    if coverage.never_delivered:
        parts.append(_never(coverage.never_delivered, most))
    return "\n".join(part for part in parts if part)


_HEADS = {
    "region": "Region",
    "first_delivery": "first (UTC)",
    "last_delivery": "last (UTC)",
    "hours_delivered": "hours",
    "gap_hours": "missing hours",
}
_JUDGED = {
    "by hour": "by the hour",
    "by day": "by the day (only silences of several days stand out)",
    "too few": "heard too seldom to miss it",
}
_GAP_HEADS = ["missing from (UTC)", "until", "hours", "account, Region", "usual hours", "what may explain it"]


def _summary(coverage: Coverage) -> str:
    if coverage.since is None or coverage.until is None:
        if not coverage.total("files"):
            return "no log files in this lake: nothing was ever delivered, and nothing can be looked at\n"
        return f"{count_of(coverage.total('files'), 'file')}, and no time known of any: nothing to look at\n"
    regions = coverage.regions.column("judged").to_pylist()
    judged = ", ".join(f"{regions.count(how)} {means}" for how, means in _JUDGED.items() if how in regions)
    lines = [
        f"{_minute(coverage.since)} to {_minute(coverage.until)} UTC: {count_of(coverage.total('files'), 'file')}, "
        f"{coverage.total('bytes'):,} bytes, {count_of(coverage.total('events'), 'event')}, "
        f"{coverage.total('rejected'):,} rejected",
        f"{count_of(len(regions), 'account and Region', 'accounts and Regions')}: {judged or 'none'}",
        f"{count_of(len(coverage.gaps), 'hole')}:" if coverage.gaps else "no holes found",
    ]
    if coverage.undated_files:
        lines.insert(1, f"{count_of(coverage.undated_files, 'file')} without a delivery minute in the name")
    return "\n".join(lines) + "\n"


def _gap_lines(gap: Gap) -> str:
    """A hole in a few lines: where, what was to be expected, what may explain it."""
    until = f"{_minute(gap.until)}, where the time looked at ends" if gap.ongoing else _minute(gap.until)
    lines = [f"{_where(gap)}: {_minute(gap.since)} to {until}, {count_of(gap.hours, 'hour')}"]
    before = f"last delivery {_minute(gap.last_delivery)}" if gap.last_delivery else "no delivery known before"
    after = f", next {_minute(gap.next_delivery)}" if gap.next_delivery else ""
    lines.append(f"{_habit(gap)}; {before}{after}")
    lines += _explanations(gap)
    return visible(lines[0]) + "\n" + "".join(f"    {visible(line)}\n" for line in lines[1:])


def _habit(gap: Gap) -> str:
    if gap.basis == "length" and not gap.heard_share:
        return "no deliveries to compare with"
    how = {"days": ", judged by the day", "length": ", silent for four weeks or more"}.get(gap.basis, "")
    return f"usually heard in {gap.heard_share:.0%} of hours{how}"


def _gap_row(gap: Gap) -> list[Any]:
    explained = "; ".join(_explanations(gap))
    return [_minute(gap.since), _minute(gap.until), gap.hours, _where(gap), f"{gap.heard_share:.0%}", explained]


def _where(gap: Gap) -> str:
    if gap.scope == "lake":
        return "nothing delivered at all"
    return f"{gap.account} {gap.region or 'all Regions'}"


def _explanations(gap: Gap) -> list[str]:
    said = [_change(change) for change in gap.changes[:_CHANGES_SHOWN]]
    if len(gap.changes) > len(said):
        said.append(f"and {count_of(len(gap.changes) - len(said), 'more change')} to trails")
    if gap.digest_files:
        said.append(f"{count_of(gap.digest_files, 'digest file')} came meanwhile: logging was on")
    if not said:
        said.append("most likely not ingested" if gap.scope == "lake" else "no change to a trail explains it")
    return said


def _changes(coverage: Coverage, most: int) -> str:
    lines = [_change(change) for change in coverage.changes[:most]]
    listed = "".join(f"  {visible(line)}\n" for line in lines)
    return f"changes to trails in that time:\n{listed}{_more(len(coverage.changes) - most)}"


def _change(change: TrailChange) -> str:
    other = "" if change.same_account else "an organization's trail? "
    where = f"{change.account or _UNKNOWN} {change.region or ''}".strip()
    return f"{other}{_minute(change.time)} {change.name} {change.trail or ''} by {change.actor}, {where}"


def _more(rows: int) -> str:
    return f"… and {rows:,} more (--limit 0 shows all)\n" if rows > 0 else ""


def _never(never: Mapping[str, Sequence[str]], most: int) -> str:
    lines = ["no files ever, though other accounts have some there:"]
    for account, regions in list(never.items())[:most]:
        more = f" and {len(regions) - _NAMES_SHOWN} more" if len(regions) > _NAMES_SHOWN else ""
        lines.append(f"  {visible(account)}  {', '.join(map(visible, regions[:_NAMES_SHOWN]))}{more}")
    if len(never) > most:
        lines.append(f"  … and {len(never) - most:,} more accounts")
    return "\n".join(lines) + "\n"


def _chart(coverage: Coverage, most: int) -> str:
    """A character a day, or for several: how many hours had a delivery, ! where some are missing."""
    days = {(row[0], row[1], row[2]): (row[-2], row[-1]) for row in _values(coverage.days) if row[2]}
    if not days or coverage.since is None or coverage.until is None:
        return ""
    first, last = coverage.since.date(), max(day for _, _, day in days)
    step = -(-((last - first).days + 1) // _STRIP_DAYS)
    lines = []
    for account, region, *_ in _values(coverage.regions.slice(0, most)):
        cells = [
            [days.get((account, region, first + timedelta(days=start + n)), (0, 0)) for n in range(step)]
            for start in range(0, (last - first).days + 1, step)
        ]
        lines.append((f"{account or _UNKNOWN}  {region or _UNKNOWN}", "".join(map(_shade, cells))))
    room = max(len(name) for name, _ in lines)
    unit = "a day" if step == 1 else f"{step} days"
    legend = f"{first} to {last}, a character is {unit}: · no delivery, ░▒▓█ in ever more hours, ! hours are missing\n"
    return legend + "".join(f"{visible(name).ljust(room)}  {strip}\n" for name, strip in lines)


def _shade(days: Sequence[tuple[int, int]]) -> str:
    if any(missing for _, missing in days):
        return "!"
    heard = sum(hours for hours, _ in days) / (24 * len(days))
    return _SHADES[0 if not heard else min(4, 1 + int(heard * 4))]


def _gap_object(gap: Gap) -> dict[str, Any]:
    fields = {name: getattr(gap, name) for name in GAP_COLUMNS if name not in ("explained", "changes")}
    return {**fields, "explained": gap.is_explained, "changes": [asdict(change) for change in gap.changes]}


def _objects(table: pa.Table) -> list[dict[str, Any]]:
    return [dict(zip(table.column_names, row, strict=True)) for row in _values(table)]


def _values(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _plain(value: Any) -> Any:
    """Unlike `plain`, keeps a null: an unknown account is told by it."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return plain(value)


def _row(row: Sequence[Any]) -> list[Any]:
    named = [_UNKNOWN if value is None else value for value in row[:2]]
    return [*named, *(_cell(value) for value in row[2:])]


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return _minute(value)
    return as_text(value) if isinstance(value, date) else value


def _minute(moment: datetime) -> str:
    return iso(moment).replace("T", " ")[:16]
