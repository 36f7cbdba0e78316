"""Log files from disk and from S3 into the lake: list, hold against the ledger, read what is new."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from trailql.ingest.garbage import without_garbage_collection
from trailql.ingest.listing import Listing
from trailql.ingest.pipeline import Limits, Pipeline
from trailql.ingest.reading import REMOTE_READERS
from trailql.ingest.selection import Selection, unmatched
from trailql.ingest.summary import IngestSummary, Progress
from trailql.lake.lake import Lake, open_lake_folder
from trailql.lake.listings import write_listings
from trailql.lake.session import working_connection
from trailql.lake.storage import open_storage
from trailql.sources.aws import Aws
from trailql.sources.local import local_log_files
from trailql.sources.s3 import Bucket, is_s3_uri, split_s3_uri
from trailql.sources.source import LogFile
from trailql.sources.trail_prefixes import Trails, find_trail_prefixes

RELIST_DAYS = 3
"""Delivery days listed again by every run; deliveries can be 30 days late, so a weekly run relists those."""

_NAMES_MEMORY = "128MB"
"""What the names of log files may take; more of them spill to disk."""


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """
    What an ingest would read.

    Args:
        files_seen: Log files listed.
        files_known: Of them in the ledger already.
        files_rejected_before: Of them rejected before and unchanged.
        files_not_selected: Of them without a selected event, by their names.
        files_to_skip: Of them no log files.
        files_to_read: Of them to be read.
        bytes_to_read: Their stored size.
        list_requests: Requests sent to list them.
        get_requests: Requests it would take to read them.
        prefixes: Accounts × Regions that were listed.
        notes: What was not looked at, in words.
    """

    files_seen: int
    files_known: int
    files_rejected_before: int
    files_not_selected: int
    files_to_skip: int
    files_to_read: int
    bytes_to_read: int
    list_requests: int
    get_requests: int
    prefixes: int
    notes: tuple[str, ...] = ()


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
        SourceError: A source that does not exist, holds nothing at all, or cannot be listed; no lake is made then.
        UsageError: Accounts or Regions that none of the sources has a folder of.
        LakeError: A folder that is not a lake.
    """
    started = time.monotonic()
    selection, aws, sources = selection or Selection(), aws or Aws(), list(sources)
    limits = limits or Limits()
    if any(map(is_s3_uri, sources)):
        limits = replace(limits, readers=max(limits.readers, REMOTE_READERS))
    with ExitStack() as open_things:
        open_things.enter_context(without_garbage_collection())
        there = open_if_there(lake, aws)
        listing = _list(sources, there, selection, relist_days, limits, aws, open_things)
        opened = there or open_lake_folder(lake, create=True, aws=aws)  # only now: what cannot be listed makes no lake
        listing.hold_against(opened)
        run = open_things.enter_context(Pipeline(opened, selection, limits, on_progress))
        run.take(listing.wanted(selection, run.summary, retry_rejected=retry_rejected))
        if not (run.summary.records_filtered and (selection.accounts or selection.regions)):
            # A log file that lies with another account or Region than its records has to be listed again one day.
            write_listings(opened, run.batch(), listing.days, listing.before)
        run.compact_young()
        run.summary.set_unread(run.unread)
        run.summary.notes += listing.notes
        run.summary.listed_from = listing.listed_from
        run.summary.requests = dict(aws.requests)
        run.summary.seconds = time.monotonic() - started
        return run.summary


def plan_ingest(
    sources: Iterable[str],
    lake: str | Path,
    *,
    selection: Selection | None = None,
    retry_rejected: bool = False,
    relist_days: int = RELIST_DAYS,
    aws: Aws | None = None,
) -> IngestPlan:
    """
    List what an ingest would read, and read none of it. Arguments and errors as for `ingest_logs`.
    """
    selection, aws = selection or Selection(), aws or Aws()
    with ExitStack() as open_things:
        there = open_if_there(lake, aws)
        listing = _list(list(sources), there, selection, relist_days, Limits(), aws, open_things)
        summary = IngestSummary()
        list_requests = aws.requests["ListObjectsV2"]
        objects = skipped = size = gets = 0
        for log_file in listing.wanted(selection, summary, retry_rejected=retry_rejected):
            skipped += bool(log_file.skip)
            if not log_file.skip:
                objects += 1
                size += log_file.size_bytes
                gets += is_s3_uri(log_file.uri)
        return IngestPlan(
            files_seen=summary.files_seen,
            files_known=summary.files_known,
            files_rejected_before=summary.files_rejected_before,
            files_not_selected=summary.files_not_selected,
            files_to_skip=skipped,
            files_to_read=objects,
            bytes_to_read=size,
            list_requests=list_requests,
            get_requests=gets,
            prefixes=listing.prefixes,
            notes=tuple(listing.notes),
        )


def open_if_there(lake: str | Path, aws: Aws) -> Lake | None:
    """
    The lake, or None where one may be made.

    Raises:
        LakeError: A folder that is not a lake.
    """
    storage = open_storage(lake, aws)
    with suppress(OSError):  # a file, a closed folder: opening it says what is wrong
        if storage.read_marker() is None and storage.is_empty():
            return None
    return open_lake_folder(lake, create=True, aws=aws)


def _list(
    sources: list[str],
    lake: Lake | None,
    selection: Selection,
    relist_days: int,
    limits: Limits,
    aws: Aws,
    open_things: ExitStack,
) -> Listing:
    """All candidates, in a database of their own, held against the lake or against an empty one."""
    listed_in = lake
    if listed_in is None:
        nowhere = open_things.enter_context(tempfile.TemporaryDirectory(prefix="trailql-"))
        listed_in = open_lake_folder(nowhere, create=True)
    con = open_things.enter_context(working_connection(listed_in, _NAMES_MEMORY))
    listing = Listing(con, listed_in)
    names: set[tuple[str | None, str | None]] = set()
    local = local_log_files([source for source in sources if not is_s3_uri(source)])
    listing.add_local(_noting(local, names))
    buckets: dict[str, Bucket] = {}
    found: list[tuple[Bucket, str, Trails]] = []
    for source in filter(is_s3_uri, sources):
        name, prefix = split_s3_uri(source)
        bucket = buckets.setdefault(name, Bucket(name, aws))
        bucket.check()
        trails = find_trail_prefixes(bucket, prefix, accounts=selection.accounts, regions=selection.regions)
        found.append((bucket, prefix, trails))
    notes = [*unmatched(selection, names, [each for _, _, each in found])]
    for bucket, prefix, trails in found:
        listing.add_bucket(bucket, prefix, trails, selection, relist_days)
        notes += [f"not allowed to look into {bucket.uri(each)}" for each in trails.refused]
    listing.notes += notes
    return listing


def _noting(log_files: Iterable[LogFile], names: set[tuple[str | None, str | None]]) -> Iterator[LogFile]:
    """The same log files; what the names of candidates say is noted."""
    for each in log_files:
        if not each.skip:
            names.add((each.facts.account, each.facts.region))
        yield each
