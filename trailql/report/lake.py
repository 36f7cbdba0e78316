"""What `trailql lake` prints: the lake described, checked, compacted, shortened."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from trailql.lake.check import Checked
from trailql.lake.compact import Compacted
from trailql.lake.describe import LakeInfo
from trailql.lake.retention import Expired, Vacuumed
from trailql.report.text import visible

_SHOWN = 20
_BAR = 30


def info_text(info: LakeInfo, *, days: bool) -> str:
    """The lake in lines; with `days`, each day with a bar for its events."""
    lines = [f"{visible(info.root)}: {info.events:,} events in {len(info.days):,} days"]
    if info.oldest and info.newest:
        lines.append(f"from {info.oldest:%Y-%m-%d %H:%M:%S} to {info.newest:%Y-%m-%d %H:%M:%S} UTC")
    lines += ["", f"{'table':<10} {'rows':>15} {'files':>9} {'MB':>12} {'MB out of use':>14} {'version':>8}"]
    lines += [
        f"{table.table:<10} {table.rows:>15,} {table.files:>9,} {table.bytes / 1e6:>12,.1f} "
        f"{table.bytes_out_of_use / 1e6:>14,.1f} {table.version:>8}"
        for table in info.tables
    ]
    if days and info.days:
        most = max(day.events for day in info.days)
        lines += ["", f"{'day':<10} {'events':>15} {'files':>9} {'MB':>12}"]
        lines += [
            f"{day.day} {day.events:>15,} {day.files:>9,} {day.bytes / 1e6:>12,.1f}  "
            + "█" * max(1, round(_BAR * day.events / most))
            for day in info.days
        ]
    if info.writers:
        lines += ["", "writers at work, or dead: " + ", ".join(map(visible, info.writers))]
    return "\n".join(lines) + "\n"


def check_text(checked: Checked) -> str:
    """The verdict in lines, problems first."""
    lines = [f"{visible(each.kind)}: {visible(each.at)}: {visible(each.what)}" for each in checked.problems[:_SHOWN]]
    if len(checked.problems) > _SHOWN:
        lines.append(f"… and {len(checked.problems) - _SHOWN:,} more: --format json has them all")
    lines += [f"orphan: {visible(path)}" for path in checked.orphans[:_SHOWN]]
    if len(checked.orphans) > _SHOWN:
        lines.append(f"… and {len(checked.orphans) - _SHOWN:,} more orphans")
    if checked.writers:
        lines.append(f"writers at work, or dead: {', '.join(map(visible, checked.writers))}")
    lines += [f"repaired: {visible(each)}" for each in checked.repaired]
    lines.append(
        f"{checked.files:,} files ({checked.bytes / 1e6:,.1f} MB), {checked.events:,} events of "
        f"{checked.log_files:,} log files: "
        + (f"{len(checked.problems):,} problems" if checked.problems else "all there and unchanged")
    )
    return "\n".join(lines) + "\n"


def compacted_text(done: Compacted) -> str:
    """What a compaction did, in a line."""
    if not done.files_before:
        return "nothing to compact: no day has two small files\n"
    return (
        f"{done.files_before:,} files became {done.files_after:,}, {done.bytes_before / 1e6:,.1f} MB became "
        f"{done.bytes_after / 1e6:,.1f} MB, {done.rows:,} rows read back and found the same\n"
    )


def expired_text(done: Expired, *, dry_run: bool) -> str:
    """What went, or would go, in a line."""
    if not done.days:
        return "nothing to expire\n"
    went = "would go" if dry_run else "went"
    return (
        f"{len(done.days):,} days from {done.days[0]} to {done.days[-1]} {went}: {done.events:,} events, "
        f"{done.files:,} files, {done.bytes / 1e6:,.1f} MB\n"
    )


def vacuumed_text(done: Vacuumed, *, dry_run: bool) -> str:
    """Which files were deleted, or would be."""
    listed = "".join(f"{visible(path)}\n" for path in done.files) if dry_run else ""
    return f"{listed}{len(done.files):,} files {'to delete' if dry_run else 'deleted'}, {done.bytes / 1e6:,.1f} MB\n"


def as_json(told: LakeInfo | Checked | Compacted | Expired | Vacuumed) -> str:
    """Any of them as a JSON document, with the names of its class."""
    return json.dumps(asdict(told), indent=2, default=_plain) + "\n"


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
