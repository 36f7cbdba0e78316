"""Event history into the lake: what of the wanted time is not there yet, committed as it comes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from threading import Event

from trailql.errors import SourceError, UsageError
from trailql.ingest.logs import open_if_there
from trailql.ingest.pipeline import Limits, Pipeline
from trailql.ingest.selection import Selection
from trailql.ingest.summary import IngestSummary, Progress
from trailql.lake.lake import Lake, open_lake_folder
from trailql.lake.parquet import parquet_sql
from trailql.lake.session import working_connection
from trailql.sources.aws import Aws
from trailql.sources.event_history import EventHistory, Span, missing, read_uri, settled, wanted_span
from trailql.sources.source import LogFile

_COMMIT_SECONDS = 60.0


def ingest_event_history(
    lake: str | Path,
    *,
    selection: Selection | None = None,
    limits: Limits | None = None,
    aws: Aws | None = None,
    history: EventHistory | None = None,
    stop: Event | None = None,
    on_progress: Progress | None = None,
) -> IngestSummary:
    """
    Bring an account's event history into a lake: management events of at most 90 days.

    What an earlier run has fetched is not asked for again, but for the last half hour before it.

    Args:
        lake: The lake's folder or `s3://bucket/prefix`; made when missing.
        selection: Times and Regions; without Regions the session's own. Accounts cannot be chosen.
        limits: What the run may use.
        aws: The session; one from the environment without it.
        history: How to ask.
        stop: Stop when it is set, once the chunks in hand are committed.
        on_progress: Called with the running counts, from any thread.

    Raises:
        UsageError: No Region is known, or an account was chosen.
        SourceError: The service refuses; no lake is made when it does from the beginning.
        LakeError: A folder that is not a lake.
    """
    started = time.monotonic()
    selection, aws = selection or Selection(), aws or Aws()
    history = history or EventHistory(aws)
    if stop is not None:
        history.stop = stop
    if selection.accounts:
        raise UsageError("--lookup-events asks the account of the credentials; --account cannot choose another one")
    regions = sorted(selection.regions) or [region for region in [aws.session.region_name] if region]
    if not regions:
        raise UsageError("which Region's event history?", hint="--region eu-west-1, again for each")
    wanted = wanted_span(selection.since, selection.until)
    account = history.account
    there, limits = open_if_there(lake, aws), limits or Limits()
    have = _fetched(there, account, limits.memory) if there else {}
    gaps = [(region, gap) for region in regions for gap in missing(wanted, have.get(region, ()))]
    groups = _timed(history.chunks(gaps))
    first = next(groups, iter(()))  # only then a lake is made: the service may refuse
    opened = there or open_lake_folder(lake, create=True, aws=aws)
    with Pipeline(opened, Selection(), limits, on_progress) as run:
        for group in chain([first], groups):
            run.take(group)
        run.compact_young()
        run.summary.files_to_read = run.summary.files_done
        run.summary.files_seen = run.summary.files_done
        run.summary.requests = dict(aws.requests)
        run.summary.seconds = time.monotonic() - started
        return run.summary


def _timed(chunks: Iterator[LogFile]) -> Iterator[Iterator[LogFile]]:
    """Runs of chunks that came within a minute; where the service fails, what came before is committed first."""
    failed: list[SourceError] = []

    def next_chunk() -> LogFile | None:
        try:
            return next(chunks, None)
        except SourceError as error:
            failed.append(error)
            return None

    def run(first: LogFile) -> Iterator[LogFile]:
        ends_at = time.monotonic() + _COMMIT_SECONDS
        chunk: LogFile | None = first
        while chunk is not None:
            yield chunk
            chunk = next_chunk() if time.monotonic() < ends_at else None

    while (first := next_chunk()) is not None:
        yield run(first)
    if failed:
        raise failed[0]


def _fetched(lake: Lake, account: str, memory: str) -> dict[str, list[Span]]:
    """Settled spans in the lake, by Region."""
    paths = lake.live_files("files")
    if not paths:
        return {}
    query = f"""
        SELECT uri, strftime(min(ingested_at), '%Y-%m-%dT%H:%M:%SZ') FROM {parquet_sql(paths)}
        WHERE starts_with(uri, $prefix) AND status IN ('ingested', 'empty') GROUP BY uri
    """
    found: dict[str, list[Span]] = {}
    with working_connection(lake, memory) as con:
        chunks = con.execute(query, {"prefix": f"event-history://{account}/"}).fetchall()
    for uri, ingested_at in chunks:
        told = read_uri(uri)
        if told is not None:
            _, region, span = told
            found.setdefault(region, []).append(settled(span, datetime.fromisoformat(ingested_at)))
    return found
