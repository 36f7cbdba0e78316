"""`trailql ingest`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trailql.cli.options import Lake, moment
from trailql.errors import UsageError
from trailql.report.text import visible

if TYPE_CHECKING:
    from trailql.ingest import IngestSummary

_SHOWN_PROBLEMS = 20
_LINE_EVERY_SECONDS = 10


def ingest(
    sources: Annotated[
        list[str], typer.Argument(help="Files, folders, globs, .zip or .tar archives.", metavar="SOURCE…")
    ],
    lake: Lake = Path("lake"),
    from_: Annotated[str | None, typer.Option("--from", help="Only events from this time on.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Only events before this time.")] = None,
    account: Annotated[list[str] | None, typer.Option("--account", help="Only this account; repeatable.")] = None,
    region: Annotated[list[str] | None, typer.Option("--region", help="Only this Region; repeatable.")] = None,
    max_file_size: Annotated[
        int, typer.Option("--max-file-size", help="Most MiB a single JSON document may unpack to.", min=1)
    ] = 256,
    retry_rejected: Annotated[
        bool, typer.Option("--retry-rejected", help="Read unchanged files again that were rejected before.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no summary; problems only.")] = False,
) -> None:
    """
    Bring CloudTrail log files into the lake, each event once.

    Gzip or plain JSON, told by content: trail files, arrays, NDJSON, LookupEvents, EventBridge, CloudWatch Logs,
    SIEM exports. Running it again adds nothing. Exit code 3 when a file was rejected.

    Example: trailql ingest ./AWSLogs --lake lake
    """
    from trailql.ingest import Selection, ingest_logs

    selection = Selection(
        since=moment(from_, "--from"),
        until=moment(to, "--to"),
        accounts=frozenset(account or ()),
        regions=frozenset(region or ()),
    )
    if selection.since and selection.until and selection.since >= selection.until:
        raise UsageError("--to must be later than --from")
    with _progress(quiet) as on_progress:
        summary = ingest_logs(
            sources,
            lake,
            selection=selection,
            max_file_bytes=max_file_size * 2**20,
            retry_rejected=retry_rejected,
            on_progress=on_progress,
        )
    _print_problems(summary)
    if not quiet:
        print(summary_text(summary, str(lake)), file=sys.stderr)
    if summary.rejected:
        raise typer.Exit(3)


def summary_text(summary: IngestSummary, lake: str) -> str:
    """The closing lines of an ingest."""
    rows = [("files seen", f"{summary.files_seen:,}", _already(summary))]
    rows.append(("  ingested", f"{summary.ingested:,}", f"{summary.content_bytes / 1e6:,.1f} MB of JSON"))
    if summary.empty:
        rows.append(("  empty", f"{summary.empty:,}", "no records in them"))
    for reason, count in sorted(summary.skipped.items()):
        rows.append(("  skipped", f"{count:,}", reason))
    if summary.files_not_selected:
        rows.append(("  not selected", f"{summary.files_not_selected:,}", "by --from, --to, --account or --region"))
    if summary.rejected:
        rows.append(("  rejected", f"{summary.rejected:,}", "named above and in the table files"))
    rows.append(("records read", f"{summary.records:,}", ""))
    rows.append(
        (
            "  events added",
            f"{summary.events_added:,}",
            f"{summary.records / max(summary.seconds, 1e-9):,.0f} records/s",
        )
    )
    for label, count, note in (
        ("  duplicates dropped", summary.duplicates_dropped, "copies of events the lake holds"),
        ("  of them in conflict", summary.conflicts, "same eventID, other content: both kept"),
        ("  filtered out", summary.records_filtered, "by --from, --to, --account or --region"),
        ("  set aside", summary.records_set_aside, "no events: kept as text in the table set_aside"),
    ):
        if count:
            rows.append((label, f"{count:,}", note))
    width = max(len(row[0]) for row in rows)
    numbers = max(len(row[1]) for row in rows)
    lines = [f"{label:<{width}}  {number:>{numbers}}  {note}".rstrip() for label, number, note in rows]
    return "\n".join([*lines, f"{lake} is up to date, {summary.seconds:.1f} s"])


def _already(summary: IngestSummary) -> str:
    notes = [f"{summary.files_known:,} known already"] if summary.files_known else []
    if summary.files_rejected_before:
        notes.append(f"{summary.files_rejected_before:,} rejected before and unchanged")
    return ", ".join(notes)


def _print_problems(summary: IngestSummary) -> None:
    for uri, reason in summary.problems[:_SHOWN_PROBLEMS]:
        print(f"rejected: {visible(_short(uri))}: {visible(reason)}", file=sys.stderr)
    if len(summary.problems) > _SHOWN_PROBLEMS:
        more = len(summary.problems) - _SHOWN_PROBLEMS
        print(f"… and {more:,} more: SELECT uri, reason FROM files WHERE status = 'rejected'", file=sys.stderr)


def _short(uri: str) -> str:
    """A path below the working folder as it would be typed; the ledger keeps the whole one."""
    here = os.getcwd().rstrip("/") + "/"
    return uri.removeprefix(here)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[IngestSummary], None]]:
    """A live line on a terminal, a line now and then in a log."""
    if quiet:
        yield lambda summary: None
    elif sys.stderr.isatty():
        yield from _live()
    else:
        last = time.monotonic()

        def now_and_then(summary: IngestSummary) -> None:
            nonlocal last
            if time.monotonic() - last >= _LINE_EVERY_SECONDS:
                last = time.monotonic()
                print(f"ingesting: {_figures(summary)}", file=sys.stderr)

        yield now_and_then


def _live() -> Iterator[Callable[[IngestSummary], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("listing files", total=None)
        started = time.monotonic()

        def show(summary: IngestSummary) -> None:
            rate = summary.content_bytes / 1e6 / max(time.monotonic() - started, 1e-9)
            bar.update(
                task,
                total=summary.files_to_read or None,
                completed=summary.files_done,
                description=f"{_figures(summary)}, {rate:,.0f} MB/s",
            )

        yield show


def _figures(summary: IngestSummary) -> str:
    total = f"/{summary.files_to_read:,}" if summary.files_to_read else ""
    return f"{summary.files_done:,}{total} files, {summary.events_added:,} events, {summary.rejected:,} rejected"
