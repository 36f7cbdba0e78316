"""`trailql ingest`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from trailql.cli.options import (
    EndpointUrl,
    ExternalId,
    Lake,
    Profile,
    RequestPayer,
    RoleArn,
    aws_access,
    chosen_accounts,
    chosen_regions,
    days,
    moment,
    seconds,
)
from trailql.errors import UsageError
from trailql.report.text import visible

if TYPE_CHECKING:
    from trailql.ingest import IngestPlan, IngestSummary, QueueSummary

_LIVE = "Without a bucket to list"
_SHOWN_PROBLEMS = 20
_LIST_DOLLARS, _GET_DOLLARS = 0.005 / 1000, 0.0004 / 1000
_LINE_EVERY_SECONDS = 10
_BY_OPTIONS = "by --from, --to, --account or --region"
_TRIED_AGAIN = ("the next ingest tries them again", "their messages stay in the queue")
_NEW_VERSION = ("the next ingest that lists them reads the new version", "the new version has a message of its own")


def ingest(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Files, folders, globs, archives, s3://bucket/prefix.", metavar="SOURCE…"),
    ] = None,
    lake: Lake = "lake",
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
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be read, and read nothing.")] = False,
    relist: Annotated[
        str | None,
        typer.Option("--relist", help="Days before the last listed one to list again: 3d; 30d once a week."),
    ] = None,
    queue: Annotated[
        str | None,
        typer.Option("--queue", help="Read what this SQS queue announces (its URL).", rich_help_panel=_LIVE),
    ] = None,
    max_messages: Annotated[
        int | None, typer.Option("--max-messages", help="Stop after so many messages.", min=1, rich_help_panel=_LIVE)
    ] = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="Stop after this time: 50s, 4m, 2h.", rich_help_panel=_LIVE)
    ] = None,
    lookup_events: Annotated[
        bool,
        typer.Option(
            "--lookup-events",
            help="Read the event history (90 days) of an account without trail.",
            rich_help_panel=_LIVE,
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no summary; problems only.")] = False,
    profile: Profile = None,
    role_arn: RoleArn = None,
    external_id: ExternalId = None,
    endpoint_url: EndpointUrl = None,
    request_payer: RequestPayer = False,
) -> None:
    """
    Bring CloudTrail log files into the lake, each event once.

    Gzip or plain JSON, told by content: trail files, arrays, NDJSON, LookupEvents, EventBridge, CloudWatch Logs,
    SIEM exports. Running it again adds nothing. Exit code 3 when a file was rejected.

    Example: trailql ingest ./AWSLogs --lake lake

    Example: trailql ingest s3://central-trail-bucket --role-arn arn:aws:iam::111122223333:role/audit --plan

    Example: trailql ingest --queue https://sqs.eu-west-1.amazonaws.com/111122223333/trailql --for 4m

    Example: trailql ingest --lookup-events --region us-east-1 --region eu-west-1 --from 30d
    """
    from trailql.ingest import Selection, ingest_event_history, ingest_logs, ingest_queue, plan_ingest
    from trailql.ingest.logs import RELIST_DAYS
    from trailql.ingest.pipeline import Limits
    from trailql.sources.aws import Aws
    from trailql.sources.s3 import is_s3_uri

    selection = Selection(
        since=moment(from_, "--from"),
        until=moment(to, "--to"),
        accounts=chosen_accounts(account),
        regions=chosen_regions(region),
    )
    if selection.since and selection.until and selection.since >= selection.until:
        raise UsageError("--to must be later than --from")
    aws = Aws(aws_access(profile, role_arn, external_id, endpoint_url, request_payer))
    kinds = sum(map(bool, (sources, queue, lookup_events)))
    if not kinds:
        hint = "trailql ingest s3://central-trail-bucket"
        raise UsageError("nothing to ingest: name a SOURCE, or --queue, or --lookup-events", hint=hint)
    if kinds > 1:
        raise UsageError("too much at once: a SOURCE, --queue and --lookup-events are three ingests")
    if (max_messages or for_) and not queue:
        raise UsageError("--max-messages and --for belong to --queue")
    limits = Limits(max_file_bytes=max_file_size * 2**20)
    from_s3 = any(map(is_s3_uri, sources or ()))
    reaches_s3 = from_s3 or bool(queue) or is_s3_uri(lake)
    if lookup_events and endpoint_url and not reaches_s3:
        raise UsageError(
            "--endpoint-url is S3's, and --lookup-events asks CloudTrail", hint=f"AWS_ENDPOINT_URL={endpoint_url}"
        )
    asks_aws = reaches_s3 or lookup_events
    _warn_of_idle(
        {
            "--relist": relist is not None and not from_s3,
            "--retry-rejected": retry_rejected and not sources,
            "--profile": profile is not None and not asks_aws,
            "--role-arn": role_arn is not None and not asks_aws,
            "--endpoint-url": endpoint_url is not None and not asks_aws,
            "--request-payer": request_payer and not reaches_s3,
        }
    )
    if queue:
        if any((from_, to, account, region, plan)):
            raise UsageError(
                "--queue takes whatever is announced: --from, --to, --account, --region, --plan do not fit"
            )
        with _until_terminated() as stop, _progress(quiet) as on_progress:
            told = ingest_queue(
                queue,
                lake,
                most_messages=max_messages,
                seconds=seconds(for_, "--for"),
                stop=stop,
                limits=limits,
                aws=aws,
                on_progress=on_progress,
            )
        _close_queue(told, lake, quiet=quiet)
        return
    if lookup_events:
        if plan:
            raise UsageError("--plan cannot tell how many pages an event history has")
        with _until_terminated() as stop, _progress(quiet) as on_progress:
            summary = ingest_event_history(
                lake, selection=selection, limits=limits, aws=aws, stop=stop, on_progress=on_progress
            )
        _close(summary, lake, quiet=quiet)
        return
    assert sources
    relist_days = RELIST_DAYS if relist is None else days(relist, "--relist")
    if plan:
        planned = plan_ingest(
            sources, lake, selection=selection, retry_rejected=retry_rejected, relist_days=relist_days, aws=aws
        )
        _print_notes(planned.notes)
        print(plan_text(planned))
        return
    with _progress(quiet) as on_progress:
        summary = ingest_logs(
            sources,
            lake,
            selection=selection,
            limits=limits,
            retry_rejected=retry_rejected,
            relist_days=relist_days,
            aws=aws,
            on_progress=on_progress,
        )
    _close(summary, lake, quiet=quiet)


def _close_queue(told: QueueSummary, lake: str, *, quiet: bool) -> None:
    for uri, reason in told.poison[:_SHOWN_PROBLEMS]:
        print(f"no notification: {visible(uri)}: {visible(reason)}", file=sys.stderr)
    if not quiet:
        lines = [f"messages: {told.received:,} received, {told.deleted:,} dealt with and deleted"]
        lines += [f"  {count:,} of them: {visible(what)}" for what, count in sorted(told.idle.items())]
        if told.kept:
            lines.append(f"  {told.kept:,} left in the queue: their objects could not be read, and are tried again")
        if told.poison:
            lines.append(f"  {len(told.poison):,} are no notifications: deleted, their text is in the table set_aside")
        print("\n".join(lines), file=sys.stderr)
    _close(told.ingest, lake, quiet=quiet, from_queue=True)


def _warn_of_idle(options: dict[str, bool]) -> None:
    """Name options that were given in vain."""
    if idle := [option for option, is_idle in options.items() if is_idle]:
        print(f"without effect here: {', '.join(idle)}", file=sys.stderr)


@contextmanager
def _until_terminated() -> Iterator[Event]:
    """An event that SIGTERM and Ctrl-C set: what is in hand is finished, then the run ends."""
    stop = Event()

    def ask(signal_number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        print("finishing what is in hand; once more to break off", file=sys.stderr)
        stop.set()

    before = [(each, signal.signal(each, ask)) for each in (signal.SIGTERM, signal.SIGINT)]
    try:
        yield stop
    finally:
        for each, handler in before:
            signal.signal(each, handler)


def _close(summary: IngestSummary, lake: str, *, quiet: bool, from_queue: bool = False) -> None:
    _print_problems(summary)
    if not quiet:
        _print_notes(summary.notes)
        print(summary_text(summary, lake, from_queue=from_queue), file=sys.stderr)
    if summary.rejected:
        raise typer.Exit(3)


def plan_text(plan: IngestPlan) -> str:
    """The lines of `--plan`."""
    left_out = (
        ("  rejected before", plan.files_rejected_before, "and unchanged since; --retry-rejected reads them again"),
        ("  not selected", plan.files_not_selected, _BY_OPTIONS),
        ("  skipped", plan.files_to_skip, "no log files by their folder or name"),
    )
    cost = plan.list_requests * _LIST_DOLLARS + plan.get_requests * _GET_DOLLARS
    rows = [
        (
            "listed",
            f"{plan.files_seen:,}",
            f"log files in {plan.prefixes:,} prefixes" if plan.prefixes else "log files",
        ),
        ("  known already", f"{plan.files_known:,}", ""),
        *((label, f"{count:,}", note) for label, count, note in left_out if count),
        ("to read", f"{plan.files_to_read:,}", f"{plan.bytes_to_read / 1e6:,.1f} MB as stored"),
        ("LIST requests", f"{plan.list_requests:,}", "sent for this plan; an ingest sends them again"),
        ("GET requests", f"{plan.get_requests:,}", "an ingest would send"),
        ("request cost", f"${cost:,.4f}", "one ingest, at the list prices of S3 Standard in us-east-1"),
    ]
    width = max(len(row[0]) for row in rows)
    numbers = max(len(row[1]) for row in rows)
    return "\n".join(f"{label:<{width}}  {number:>{numbers}}  {note}".rstrip() for label, number, note in rows)


def summary_text(summary: IngestSummary, lake: str, *, from_queue: bool = False) -> str:
    """The closing lines of an ingest."""
    left_out = _BY_OPTIONS
    if summary.first_delivery and summary.last_delivery:
        left_out += f"; new log files are of {summary.first_delivery:%Y-%m-%d} to {summary.last_delivery:%Y-%m-%d}"
    rows = [("files seen", f"{summary.files_seen:,}", _already(summary))]
    rows.append(("  ingested", f"{summary.ingested:,}", f"{summary.content_bytes / 1e6:,.1f} MB of JSON"))
    if summary.empty:
        rows.append(("  empty", f"{summary.empty:,}", "no records in them"))
    for reason, count in sorted(summary.skipped.items()):
        rows.append(("  skipped", f"{count:,}", reason))
    if summary.files_not_selected:
        rows.append(("  not selected", f"{summary.files_not_selected:,}", left_out))
    if summary.rejected:
        rows.append(("  rejected", f"{summary.rejected:,}", "named above and in the table files"))
    for label, count, note in (
        ("    tried again", summary.unread, "could not be read: " + _TRIED_AGAIN[from_queue]),
        ("    gone", summary.gone, "not there any more when they were to be read"),
        ("    overwritten", summary.overwritten, _NEW_VERSION[from_queue]),
    ):
        if count:
            rows.append((label, f"{count:,}", note))
    if summary.changed:
        rows.append(
            ("  changed in place", f"{len(summary.changed):,}", "their earlier events are kept, see the table files")
        )
    rows.append(("records read", f"{summary.records:,}", ""))
    rows.append(
        (
            "  events added",
            f"{summary.events_added:,}",
            f"{summary.records / max(summary.seconds, 1e-9):,.0f} records/s",
        )
    )
    for label, count, note in (
        ("  Insights added", summary.insights_added, "CloudTrail's own, in the table aws_insights"),
        ("  duplicates dropped", summary.duplicates_dropped, "copies of events the lake holds"),
        ("  of them in conflict", summary.conflicts, "same eventID, other content: both kept"),
        ("  filtered out", summary.records_filtered, left_out),
        ("  set aside", summary.records_set_aside, "no events: kept as text in the table set_aside"),
    ):
        if count:
            rows.append((label, f"{count:,}", note))
    width = max(len(row[0]) for row in rows)
    numbers = max(len(row[1]) for row in rows)
    lines = [f"{label:<{width}}  {number:>{numbers}}  {note}".rstrip() for label, number, note in rows]
    if summary.requests:
        told = ", ".join(f"{count:,} {name}" for name, count in sorted(summary.requests.items()))
        lines.append(f"requests to AWS: {told}")
    return "\n".join([*lines, f"{lake} is up to date, {summary.seconds:.1f} s"])


def _already(summary: IngestSummary) -> str:
    notes = [f"{summary.files_known:,} known already"] if summary.files_known else []
    if summary.files_rejected_before:
        notes.append(f"{summary.files_rejected_before:,} rejected before and unchanged")
    if summary.listed_from:
        notes.append(f"listed from the deliveries of {summary.listed_from} on")
    return ", ".join(notes)


def _print_notes(notes: Iterable[str]) -> None:
    for note in notes:
        print(visible(note), file=sys.stderr)


def _print_problems(summary: IngestSummary) -> None:
    for uri, reason in summary.problems[:_SHOWN_PROBLEMS]:
        print(f"rejected: {visible(_short(uri))}: {visible(reason)}", file=sys.stderr)
    if len(summary.problems) > _SHOWN_PROBLEMS:
        more = len(summary.problems) - _SHOWN_PROBLEMS
        print(f"… and {more:,} more: SELECT uri, reason FROM files WHERE status = 'rejected'", file=sys.stderr)

    for uri, reason in summary.changed[:_SHOWN_PROBLEMS]:
        print(f"changed: {visible(_short(uri))}: {visible(reason)}", file=sys.stderr)
    if len(summary.changed) > _SHOWN_PROBLEMS:
        more = len(summary.changed) - _SHOWN_PROBLEMS
        print(f"… and {more:,} more: SELECT uri, reason FROM files WHERE reason LIKE 'changed%'", file=sys.stderr)


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
