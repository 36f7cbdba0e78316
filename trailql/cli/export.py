"""`trailql export`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trailql.cli.options import Lake, Since, Until, span
from trailql.errors import UsageError

if TYPE_CHECKING:
    from trailql.report.log_files import ExportSummary

_LINE_EVERY_SECONDS = 10


class Shape(StrEnum):
    """What records are written as."""

    CLOUDTRAIL = "cloudtrail"
    JSONL = "jsonl"


def export(
    lake: Lake = "lake",
    format: Annotated[
        Shape, typer.Option("--format", help="CloudTrail log files under AWSLogs/, or one record a line.")
    ] = Shape.CLOUDTRAIL,
    where: Annotated[
        str | None, typer.Option("--where", help="Only events this SQL condition holds for.", metavar="SQL")
    ] = None,
    since: Since = None,
    until: Until = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="An empty folder for cloudtrail; a file for jsonl, or standard output."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no summary.")] = False,
) -> None:
    """
    Write the lake's records out again, equal as JSON to what was delivered.

    The same lake and the same options give the same bytes. What ingest set aside is no event and is not exported.

    Example: trailql export --where "userIdentity.userName = 'alice'" --since 7d --output evidence

    Example: trailql export --format jsonl --where "errorCode = 'AccessDenied'" | jq .eventName
    """
    begin, end = span(since, until)
    if format is Shape.CLOUDTRAIL and output is None:
        raise UsageError("--format cloudtrail writes many files", hint="--output FOLDER, or --format jsonl")
    from trailql.query.engine import open_lake
    from trailql.report.log_files import write_lines, write_log_files

    with open_lake(lake, since=begin, until=end) as opened, _progress(quiet) as on_progress:
        if format is Shape.JSONL:
            summary = write_lines(opened, output, condition=where, on_progress=on_progress)
        else:
            assert output
            summary = write_log_files(opened, output, condition=where, on_progress=on_progress)
    if not quiet:
        print(_summary_text(summary, output), file=sys.stderr)


def _summary_text(summary: ExportSummary, output: Path | None) -> str:
    records = f"{summary.records:,} record{'' if summary.records == 1 else 's'}"
    files = f" in {summary.files:,} file{'' if summary.files == 1 else 's'}" if output else ""
    stored = f"{summary.stored_bytes / 1e6:,.1f} MB stored, " if summary.stored_bytes != summary.json_bytes else ""
    where = f" to {output}" if output else ""
    return (
        f"exported {records}{files}{where}: {stored}{summary.json_bytes / 1e6:,.1f} MB of JSON, {summary.seconds:.1f} s"
    )


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[ExportSummary], None] | None]:
    """A live line on a terminal, a line now and then in a log."""
    if quiet:
        yield None
    elif sys.stderr.isatty() and not sys.stdout.isatty():
        yield from _live()
    else:
        last = time.monotonic()

        def now_and_then(summary: ExportSummary) -> None:
            nonlocal last
            if time.monotonic() - last >= _LINE_EVERY_SECONDS:
                last = time.monotonic()
                print(f"exporting: {_figures(summary)}", file=sys.stderr)

        yield now_and_then


def _live() -> Iterator[Callable[[ExportSummary], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading the lake", total=1.0)

        def show(summary: ExportSummary) -> None:
            bar.update(task, completed=summary.share, description=_figures(summary))

        yield show


def _figures(summary: ExportSummary) -> str:
    files = f" in {summary.files:,} files" if summary.files else ""
    return f"{summary.records:,} records{files}, {summary.share:.0%} of the lake read"
