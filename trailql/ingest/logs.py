"""Log files from disk and from S3 into the lake: list, hold against the ledger, read what is new."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from trailql.ingest.listing import Listing
from trailql.ingest.pipeline import Limits, Pipeline
from trailql.ingest.reading import REMOTE_READERS
from trailql.ingest.selection import Selection
from trailql.ingest.summary import IngestSummary, Progress
from trailql.lake.lake import open_lake_folder
from trailql.lake.listings import write_listings
from trailql.lake.session import working_connection
from trailql.lake.storage import open_storage
from trailql.sources.aws import Aws
from trailql.sources.local import local_log_files
from trailql.sources.s3 import Bucket, is_s3_uri, split_s3_uri
from trailql.sources.source import LogFile

RELIST_DAYS = 3
"""Delivery days listed again by every run; deliveries can be 30 days late, so a weekly run relists those."""


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """
    What an ingest would read.

    Args:
        files_seen: Log files listed.
        files_known: Of them in the ledger already.
        files_to_read: Of them to be read.
        bytes_to_read: Their stored size.
        list_requests: Requests sent to list them.
        get_requests: Requests it would take to read them.
        prefixes: Accounts × Regions that were listed.
    """

    files_seen: int
    files_known: int
    files_to_read: int
    bytes_to_read: int
    list_requests: int
    get_requests: int
    prefixes: int


def ingest_logs(
    sources: Iterable[str],
    lake: str | Path,
    *,
    selection: Selection | None = None,
    limits: Limits | None = None,
    retry_rejected: bool = False,
    relist_days: int = RELIST_DAYS,
    aws: Aws | None = None,
    on_progress: Progress | None = None,
) -> IngestSummary:
    """
    Bring log files into a lake, each event once.

    Args:
        sources: Files, folders, globs, archives, `s3://bucket/optional/prefix`.
        lake: The lake's folder or `s3://bucket/prefix`; made when missing.
        selection: Which events to take.
        limits: What the run may use.
        retry_rejected: Read files again that were rejected before and have not changed.
        relist_days: How many delivery days before the last listed one are listed again.
        aws: The session for S3; one from the environment without it.
        on_progress: Called with the running counts, from any thread.

    Returns:
        The counts; a bad file is in `problems`, it does not stop the others.

    Raises:
        SourceError: A source that does not exist or cannot be listed.
        LakeError: A folder that is not a lake.
    """
    started = time.monotonic()
    selection, aws, sources = selection or Selection(), aws or Aws(), list(sources)
    limits = limits or Limits()
    if any(map(is_s3_uri, sources)):
        limits = replace(limits, readers=max(limits.readers, REMOTE_READERS))
    local, buckets = _open_sources(sources, aws)
    opened = open_lake_folder(lake, create=True, aws=aws)
    with Pipeline(opened, selection, limits, on_progress) as run:
        listing = Listing(run.cursor(), opened)
        _list(listing, local, buckets, selection, relist_days)
        run.take(listing.wanted(selection, run.summary, retry_rejected=retry_rejected))
        if not (run.summary.records_filtered and (selection.accounts or selection.regions)):
            # A log file that lies with another account or Region than its records has to be listed again one day.
            write_listings(opened, run.batch(), listing.days, listing.before)
        run.compact_young()
        run.summary.requests = dict(aws.requests)
        run.summary.seconds = time.monotonic() - started
        return run.summary


def plan_ingest(
    sources: Iterable[str],
    lake: str | Path,
    *,
    selection: Selection | None = None,
    relist_days: int = RELIST_DAYS,
    aws: Aws | None = None,
) -> IngestPlan:
    """
    List what an ingest would read, and read none of it. Arguments and errors as for `ingest_logs`.
    """
    selection, aws = selection or Selection(), aws or Aws()
    local, buckets = _open_sources(list(sources), aws)
    with tempfile.TemporaryDirectory(prefix="trailql-") as nowhere, ExitStack() as open_things:
        storage = open_storage(lake, aws)
        opened = open_lake_folder(nowhere if storage.is_empty() else lake, create=storage.is_empty(), aws=aws)
        con = open_things.enter_context(working_connection(opened, Limits().memory))
        listing, summary = Listing(con, opened), IngestSummary()
        _list(listing, local, buckets, selection, relist_days)
        list_requests = aws.requests["ListObjectsV2"]
        objects = size = gets = 0
        for log_file in listing.wanted(selection, summary):
            if not log_file.skip:
                objects += 1
                size += log_file.size_bytes
                gets += is_s3_uri(log_file.uri)
        return IngestPlan(
            files_seen=summary.files_seen,
            files_known=summary.files_known,
            files_to_read=objects,
            bytes_to_read=size,
            list_requests=list_requests,
            get_requests=gets,
            prefixes=listing.prefixes,
        )


def _open_sources(sources: list[str], aws: Aws) -> tuple[list[LogFile], list[tuple[Bucket, str]]]:
    """What is there before anything is written: a misspelt source makes no lake."""
    local = list(local_log_files([source for source in sources if not is_s3_uri(source)]))
    buckets: dict[str, Bucket] = {}
    found = []
    for source in filter(is_s3_uri, sources):
        name, prefix = split_s3_uri(source)
        bucket = buckets.setdefault(name, Bucket(name, aws))
        bucket.check()
        found.append((bucket, prefix))
    return local, found


def _list(
    listing: Listing,
    local: list[LogFile],
    buckets: list[tuple[Bucket, str]],
    selection: Selection,
    relist_days: int,
) -> None:
    listing.add_local(local)
    for bucket, prefix in buckets:
        listing.add_bucket(bucket, prefix, selection, relist_days)
