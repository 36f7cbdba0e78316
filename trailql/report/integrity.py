"""
What `trailql verify` found: for eyes, for machines, and as `aws cloudtrail validate-logs` prints it.

`table` is for eyes and may change; json, jsonl and csv are promises: columns are added at the end, not renamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from trailql.integrity.names import ChainName
from trailql.integrity.verdict import (
    ChainSummary,
    DigestResult,
    Gap,
    GapKind,
    LogResult,
    Result,
    Summary,
    Verdict,
)
from trailql.report.rows import Format, render_values, terminal_width, write_text
from trailql.report.table import fold
from trailql.report.text import count_of, iso, json_text, plain, visible

COLUMNS = (
    "kind",
    "verdict",
    "reason",
    "uri",
    "file",
    "account",
    "region",
    "trail",
    "home_region",
    "backfill",
    "start",
    "end",
    "digest",
    "changes",
)
"""The promise for jsonl, csv and the `files` and `gaps` of json."""

_CHANGES_SHOWN = 4
Explain = Callable[[Gap], Gap]


def result_row(result: Result) -> dict[str, Any]:
    """A result as an object with all of `COLUMNS`; null for what does not apply."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    chain = result.chain
    if chain is not None:
        row |= {"account": chain.account, "region": chain.region, "trail": chain.trail}
        row |= {"home_region": chain.home_region, "backfill": chain.is_backfill}
    if isinstance(result, Gap):
        changes = [plain(asdict(change)) for change in result.changes]
        row |= {"kind": "gap", "reason": result.kind.value, "start": iso(result.since), "end": iso(result.until)}
        return row | {"changes": changes}
    row |= {"verdict": result.verdict.value, "reason": result.reason or None}
    row |= {"uri": result.uri or None, "file": result.file or None}
    if isinstance(result, DigestResult):
        start, end = (iso(each) if each else None for each in (result.start, result.end))
        return row | {"kind": "digest", "start": start, "end": end}
    row |= {"account": result.account or None, "region": result.region or None}
    return row | {"kind": "log", "digest": result.digest or None}


def is_shown(result: Result, *, verbose: bool) -> bool:
    """Whether a result is listed: everything that is not valid, or all."""
    return verbose or isinstance(result, Gap) or result.verdict is not Verdict.VALID


def write_results(
    results: Iterable[Result],
    summary: Summary,
    explain: Explain,
    format: Format,
    output: Path | None,
    *,
    requested: tuple[datetime | None, datetime | None],
    verbose: bool = False,
    limit: int = 40,
) -> None:
    """
    Write results; the gaps come last, when everything is known that may explain them.

    Args:
        results: What is found, while it is found.
        summary: Its counts, complete when the results are.
        explain: Adds to a gap what may explain it.
        format: A format that is text.
        output: A file, or None for standard output.
        requested: The time asked for.
        verbose: Valid files as well.
        limit: Most files listed in a table; 0 for all.
    """
    gaps: list[Gap] = []
    if format is Format.JSONL and output is None:
        for result in _without_gaps(results, gaps):
            if is_shown(result, verbose=verbose):
                write_text(json_text(result_row(result)) + "\n", None)
        write_text("".join(json_text(result_row(explain(gap))) + "\n" for gap in gaps), None)
        return
    for_eyes = format in (Format.TABLE, Format.MD)
    kept: list[Result] = []
    for result in _without_gaps(results, gaps):
        is_counted = for_eyes and isinstance(result, LogResult) and result.verdict is Verdict.UNCOVERED
        if is_shown(result, verbose=verbose) and not is_counted and not (for_eyes and limit and len(kept) >= limit):
            kept.append(result)
    explained = [explain(gap) for gap in gaps]
    if for_eyes:
        width = None if output else terminal_width()
        write_text(_text(summary, kept, explained, format, verbose=verbose, limit=limit, width=width), output)
    elif format is Format.JSON:
        write_text(json_text(_document(summary, kept, explained, requested), indent=2) + "\n", output)
    else:
        rows = [result_row(each) for each in (*kept, *explained)]
        if format is Format.JSONL:
            write_text("".join(json_text(row) + "\n" for row in rows), output)
        else:
            values = [[row[name] for name in COLUMNS] for row in rows]
            write_text(render_values(COLUMNS, values, format, width=None), output)


def _without_gaps(results: Iterable[Result], gaps: list[Gap]) -> Iterator[Result]:
    for result in results:
        if isinstance(result, Gap):
            gaps.append(result)
        else:
            yield result


def _document(
    summary: Summary,
    kept: Sequence[Result],
    gaps: Sequence[Gap],
    requested: tuple[datetime | None, datetime | None],
) -> dict[str, Any]:
    since, until = (iso(each) if each else None for each in requested)
    return {
        "since": since,
        "until": until,
        "invalid": summary.invalid,
        "unverifiable": summary.unverifiable,
        "digests": _counts(summary.digests),
        "log_files": _counts(summary.logs),
        "chains": [_chain_object(chain, found) for chain, found in summary.chains.items()],
        "files": [result_row(each) for each in kept],
        "gaps": [result_row(each) for each in gaps],
    }


def _counts(counts: Any) -> dict[str, int]:
    return {verdict.value: counts[verdict] for verdict in Verdict if counts[verdict]}


def _chain_object(chain: ChainName, found: ChainSummary) -> dict[str, Any]:
    return {
        "account": chain.account,
        "region": chain.region,
        "organization": chain.organization or None,
        "trail": chain.trail,
        "home_region": chain.home_region,
        "backfill": chain.is_backfill,
        "since": iso(found.since) if found.since else None,
        "until": iso(found.until) if found.until else None,
        "digests": _counts(found.digests),
        "log_files": _counts(found.logs),
    }


_HEADS = ["trail", "account", "Region", "digests", "valid", "log files", "valid", "valid from (UTC)", "until"]


def _text(
    summary: Summary,
    kept: Sequence[Result],
    gaps: Sequence[Gap],
    format: Format,
    *,
    verbose: bool,
    limit: int,
    width: int | None,
) -> str:
    parts = []
    rows = [_chain_row(chain, found) for chain, found in summary.chains.items()]
    if rows:
        parts.append(render_values(_HEADS, rows, format, width=width))
    listed = [each for each in kept if isinstance(each, DigestResult | LogResult)]
    if listed:
        parts.append("".join(_file_lines(each, width) for each in listed) + _more(summary, len(listed), verbose, limit))
    if gaps:
        parts.append("".join(map(_gap_lines, gaps)))
    if summary.uncovered:
        parts.append(_uncovered(summary, limit))
    if summary.digests:
        parts.append(_conclusion(summary))
    return "\n".join(parts)


def _chain_row(chain: ChainName, found: ChainSummary) -> list[Any]:
    name = f"{chain.trail} (backfill)" if chain.is_backfill else chain.trail
    since, until = (_minute(each) if each else None for each in (found.since, found.until))
    counts = (found.digests.total(), found.digests[Verdict.VALID], found.logs.total(), found.logs[Verdict.VALID])
    return [name, chain.account, chain.region, *counts, since, until]


def _file_lines(result: DigestResult | LogResult, width: int | None) -> str:
    """A file in two or three lines: what it is, where, and why the verdict is so."""
    what = "digest" if isinstance(result, DigestResult) else "log file"
    lines = [f"{result.verdict.value} {what}: {visible(result.uri or result.file)}"]
    if result.reason:
        lines += [f"    {line}" for line in fold(visible(result.reason), (width - 4) if width else None)]
    if result.file and result.uri and result.file != result.uri:
        lines.append(f"    copy: {visible(result.file)}")
    return "\n".join(lines) + "\n"


def _more(summary: Summary, listed: int, verbose: bool, limit: int) -> str:
    total = sum(
        count
        for counts in (summary.digests, summary.logs)
        for verdict, count in counts.items()
        if (verbose or verdict is not Verdict.VALID) and not (counts is summary.logs and verdict is Verdict.UNCOVERED)
    )
    return f"… and {total - listed:,} more (--limit 0 shows all)\n" if limit and total > listed else ""


def _gap_lines(gap: Gap) -> str:
    chain = gap.chain
    which = f"{chain.trail}{' (backfill)' if chain.is_backfill else ''}, {chain.account} {chain.region}"
    lines = [f"{which}: {gap.kind.value} from {_minute(gap.since)} to {_minute(gap.until)} UTC"]
    for change in gap.changes[:_CHANGES_SHOWN]:
        other = "" if change.same_account else "in another account: "
        lines.append(f"    {other}{_minute(change.time)} {change.name} {change.trail or ''} by {change.actor}")
    if len(gap.changes) > _CHANGES_SHOWN:
        lines.append(f"    and {count_of(len(gap.changes) - _CHANGES_SHOWN, 'more change')} to trails")
    if not gap.changes and gap.kind is GapKind.RESTART:
        lines.append("    no change to a trail is known that explains it")
    return "".join(visible(line) + "\n" for line in lines)


def _uncovered(summary: Summary, limit: int) -> str:
    found = sorted(summary.uncovered.items())
    total = sum(summary.uncovered.values())
    lines = [f"of {count_of(total, 'log file')} nothing is known:"]
    for (account, region, reason), count in found[: limit or None]:
        lines.append(f"    {account or 'unknown'} {region or 'unknown'}: {count:,}, {reason}")
    if limit and len(found) > limit:
        lines.append(f"    … and {len(found) - limit:,} more accounts and Regions (--limit 0 shows all)")
    return "".join(visible(line) + "\n" for line in lines)


def _conclusion(summary: Summary) -> str:
    """What all of it comes to, in a line."""
    digests, logs = summary.digests, summary.logs
    valid = (
        f"{count_of(digests[Verdict.VALID], 'digest file')} and {count_of(logs[Verdict.VALID], 'log file')} are valid"
    )
    said = []
    for verdict in (Verdict.MODIFIED, Verdict.MISSING, Verdict.UNLISTED, Verdict.UNVERIFIABLE):
        counted = [count_of(counts[verdict], name) for counts, name in ((digests, "digest file"), (logs, "log file"))]
        if digests[verdict] or logs[verdict]:
            there = [text for text, counts in zip(counted, (digests, logs), strict=True) if counts[verdict]]
            said.append(f"{' and '.join(there)} {verdict.value}")
    return f"{'INVALID: ' if summary.invalid else ''}{'; '.join([*said, valid])}\n"


def _minute(moment: datetime) -> str:
    return iso(moment).replace("T", " ")[:16]
