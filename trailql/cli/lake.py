"""`trailql lake`: look at the lake, check it, keep it tidy."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trailql.cli.options import Lake, days, seconds
from trailql.cli.streams import as_far_as_read
from trailql.errors import UsageError
from trailql.report.rows import not_written, write_text

app = typer.Typer(no_args_is_help=True, help="Look at the lake, check it, keep it tidy.")


class Told(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"


_Format = Annotated[Told, typer.Option("--format", help="How to print the result.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


@app.command()
def info(
    lake: Lake = "lake",
    by_day: Annotated[bool, typer.Option("--by-day", help="Each day with its events, files and bytes.")] = False,
    format: _Format = Told.TABLE,
) -> None:
    """
    Say what the lake holds: tables, days, files, bytes, events, versions.

    Example: trailql lake info --by-day
    """
    from trailql.lake.describe import describe
    from trailql.lake.lake import open_lake_folder
    from trailql.report.lake import as_json, info_text

    told = describe(open_lake_folder(lake))
    write_text(as_json(told) if format is Told.JSON else info_text(told, days=by_day), None)


@app.command()
def check(
    lake: Lake = "lake",
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what is found; the next ingest reads again what was lost.")
    ] = False,
    format: _Format = Told.TABLE,
) -> None:
    """
    Check every file and every count: all there, unchanged, and as many events of each log file as the ledger says.

    Reads the whole lake. Exit code 1 when something is wrong, also when it could be repaired.

    Example: trailql lake check --lake evidence
    """
    from trailql.lake.check import check as check_lake
    from trailql.lake.lake import open_lake_folder
    from trailql.report.lake import as_json, check_text

    with _progress("checked") as on_progress:
        told = check_lake(open_lake_folder(lake), repair=repair, on_progress=on_progress)
    with as_far_as_read():
        write_text(as_json(told) if format is Told.JSON else check_text(told), None)
    if told.problems:
        raise typer.Exit(1)


@app.command()
def compact(
    lake: Lake = "lake",
    target_size: Annotated[str, typer.Option("--target-size", help="Size of the files to make: 64MB, 1GB.")] = "128MB",
    format: _Format = Told.TABLE,
) -> None:
    """
    Make each day's small files into large sorted ones; queries and ingests may go on meanwhile.

    Ingests do this by themselves where a day has more than 24 small files. The old files lie there until
    `trailql lake vacuum`.

    Example: trailql lake compact --target-size 256MB
    """
    from trailql.lake.compact import compact as compact_lake
    from trailql.lake.lake import open_lake_folder
    from trailql.report.lake import as_json, compacted_text

    size = _bytes(target_size, "--target-size")
    with _progress("rewritten") as on_progress:
        told = compact_lake(
            open_lake_folder(lake),
            target_bytes=size,
            on_progress=lambda rewrite, number, count: on_progress(
                f"{rewrite.table} {rewrite.day or ''}".strip(), number - 1, count
            ),
        )
    write_text(as_json(told) if format is Told.JSON else compacted_text(told), None)


@app.command()
def expire(
    lake: Lake = "lake",
    keep: Annotated[str, typer.Option("--keep", help="Keep the events of so many days: 400d, 57w.")] = ...,  # type: ignore[assignment]
    dry_run: _DryRun = False,
    format: _Format = Told.TABLE,
) -> None:
    """
    Let go of days older than a number of days. The ledger keeps what it knows of their log files.

    Example: trailql lake expire --keep 400d --dry-run
    """
    from trailql.lake.lake import open_lake_folder
    from trailql.lake.retention import expire as expire_days
    from trailql.report.lake import as_json, expired_text

    told = expire_days(open_lake_folder(lake), keep_days=days(keep, "--keep"), dry_run=dry_run)
    write_text(as_json(told) if format is Told.JSON else expired_text(told, dry_run=dry_run), None)


@app.command()
def vacuum(
    lake: Lake = "lake",
    older_than: Annotated[
        str, typer.Option("--older-than", help="Only files out of use for longer than this: 12h, 7d.")
    ] = "7d",
    dry_run: _DryRun = False,
    format: _Format = Told.TABLE,
) -> None:
    """
    Delete the files that compaction, expiry and broken runs have left.

    Example: trailql lake vacuum --older-than 24h --dry-run
    """
    from trailql.lake.lake import open_lake_folder
    from trailql.lake.retention import vacuum as vacuum_lake
    from trailql.report.lake import as_json, vacuumed_text

    hours = (seconds(older_than, "--older-than") or 0) / 3600
    if hours != int(hours):
        raise UsageError(f"--older-than {older_than!r} is no number of hours", hint="--older-than 12h")
    told = vacuum_lake(open_lake_folder(lake), hours=int(hours), dry_run=dry_run)
    write_text(as_json(told) if format is Told.JSON else vacuumed_text(told, dry_run=dry_run), None)


@app.command()
def manifest(
    lake: Lake = "lake",
    output: Annotated[Path | None, typer.Option("--output", help="Write to this file.")] = None,
) -> None:
    """
    Write down every source file with its hashes and what became of it: JSON, sorted, to be signed and kept.

    The same ledger gives the same bytes.

    Example: trailql lake manifest --output manifest.json && ssh-keygen -Y sign -f key -n file manifest.json
    """
    from trailql.lake.lake import open_lake_folder
    from trailql.lake.manifest import manifest_lines

    opened = open_lake_folder(lake)
    try:
        file = output.open("w", encoding="utf-8") if output else sys.stdout
        for line in manifest_lines(opened):
            file.write(line + "\n")
        if output:
            file.close()
    except OSError as error:
        if output is None:
            raise
        raise not_written(error, str(output)) from error


@contextmanager
def _progress(done: str) -> Iterator[Callable[[str, int, int], None]]:
    """A live line on a terminal; a line now and then in a log."""
    live = sys.stderr.isatty()
    last = time.monotonic()

    def told(what: str, number: int, count: int) -> None:
        nonlocal last
        if time.monotonic() - last < (0.2 if live else 10):
            return
        last = time.monotonic()
        line = f"{number:,} of {count:,} {done}: {what}"
        print(f"\r\033[K{line[:100]}" if live else line, end="" if live else "\n", file=sys.stderr, flush=True)

    try:
        yield told
    finally:
        if live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _bytes(text: str, option: str) -> int:
    found = re.fullmatch(r"(\d{1,6}) ?(kb|mb|gb)", text.strip().lower())
    size = int(found[1]) * {"kb": 10**3, "mb": 10**6, "gb": 10**9}[found[2]] if found else 0
    if not size:
        raise UsageError(f"{option} {text!r} is no size", hint=f"{option} 128MB")
    return size
