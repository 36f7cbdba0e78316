"""
New log files as a queue announces them: at-least-once messages, exactly-once rows.

A message is deleted when what it announces is committed, and not before; or when that is gone or was overwritten, as
the ledger then says. Whatever comes twice, after a crash or by the queue's own nature, is known by the ledger or
dropped as a copy.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import BinaryIO

from trailql.errors import SourceError
from trailql.ingest.listing import Listing
from trailql.ingest.logs import open_if_there
from trailql.ingest.pipeline import Limits, Pipeline
from trailql.ingest.reading import REMOTE_READERS
from trailql.ingest.selection import Selection
from trailql.ingest.summary import IngestSummary, Progress
from trailql.lake.lake import open_lake_folder
from trailql.sources.aws import GONE, OVERWRITTEN, Aws
from trailql.sources.notifications import NotANotification, read_notification
from trailql.sources.queue import Message, SqsQueue
from trailql.sources.s3 import Bucket, S3Object
from trailql.sources.source import LogFile

_MESSAGES_AT_ONCE = 1000
_GATHER_SECONDS = 5.0
_TRY_AGAIN_SECONDS = 60


@dataclass(slots=True)
class QueueSummary:
    """
    What one run over a queue did.

    Args:
        received: Messages received, copies included.
        deleted: Messages deleted: all they announced is dealt with.
        kept: Messages left in the queue: an object could not be read, for another reason than that it is gone.
        idle: Messages without an object of ours, by what they were.
        poison: Messages that are no notifications; their text is in `set_aside`.
        ingest: What became of the objects. Those `gone` or `overwritten` have no message any more: the one is nowhere,
            and the other's new version has a message of its own.
    """

    received: int = 0
    deleted: int = 0
    kept: int = 0
    idle: dict[str, int] = field(default_factory=dict)
    poison: list[tuple[str, str]] = field(default_factory=list)
    ingest: IngestSummary = field(default_factory=IngestSummary)


@dataclass(slots=True)
class _Group:
    """Messages taken together, and what each announces."""

    messages: list[Message] = field(default_factory=list)
    objects: dict[str, list[tuple[Bucket, S3Object]]] = field(default_factory=dict)
    poison: list[tuple[Message, str]] = field(default_factory=list)


def ingest_queue(
    queue_url: str,
    lake: str | Path,
    *,
    most_messages: int | None = None,
    seconds: float | None = None,
    stop: Event | None = None,
    limits: Limits | None = None,
    aws: Aws | None = None,
    on_progress: Progress | None = None,
) -> QueueSummary:
    """
    Ingest what a queue announces, until it is told to stop.

    Args:
        queue_url: URL of an SQS queue that gets S3, EventBridge or CloudTrail notifications, directly or through SNS.
        lake: The lake's folder or `s3://bucket/prefix`; made when missing.
        most_messages: Stop after so many messages.
        seconds: Stop after so many seconds, once the messages in hand are dealt with.
        stop: Stop when it is set, once the messages in hand are dealt with.
        limits: What the run may use.
        aws: The session; one from the environment without it.
        on_progress: Called with the running counts, from any thread.

    Raises:
        SourceError: The queue cannot be read, or the credentials have expired.
        LakeError: A folder that is not a lake.
    """
    started = time.monotonic()
    aws, stop, limits = aws or Aws(), stop or Event(), limits or Limits()
    limits = replace(limits, readers=max(limits.readers, REMOTE_READERS))
    queue = SqsQueue(queue_url, aws)
    summary = QueueSummary()
    if queue.hidden_seconds < 1:  # asked first: without such a queue no lake is made
        hint = "aws sqs set-queue-attributes --attributes VisibilityTimeout=900 --queue-url URL"
        raise SourceError("the queue hides a received message for no time at all", at=queue_url, hint=hint)
    opened = open_if_there(lake, aws)
    ends_at = started + seconds if seconds is not None else None
    while True:
        left = None if most_messages is None else most_messages - summary.received
        messages = _gather(queue, left, ends_at, stop)
        opened = opened or open_lake_folder(lake, create=True, aws=aws)
        if messages:
            summary.received += len(messages)
            # A pipeline a group: what a run holds in memory goes, and renewed credentials reach all readers.
            with queue.kept_hidden(messages), Pipeline(opened, Selection(), limits, on_progress) as run:
                run.summary = summary.ingest
                _deal_with(messages, queue, run, aws, summary)
        timed_out = ends_at is not None and time.monotonic() >= ends_at
        enough = most_messages is not None and summary.received >= most_messages
        if stop.is_set() or timed_out or enough:
            break
    summary.ingest.requests = dict(aws.requests)
    summary.ingest.seconds = time.monotonic() - started
    return summary


def _gather(queue: SqsQueue, left: int | None, ends_at: float | None, stop: Event) -> list[Message]:
    """Messages up to a number, or what came within a few seconds of the first one."""
    most = _MESSAGES_AT_ONCE if left is None else min(left, _MESSAGES_AT_ONCE)
    found: list[Message] = []
    gather_seconds = min(_GATHER_SECONDS, queue.hidden_seconds / 3)
    gathered_until = time.monotonic() + gather_seconds
    while len(found) < most and not stop.is_set():
        now = time.monotonic()
        if found and now >= gathered_until:
            break
        left_seconds = 20.0 if ends_at is None else ends_at - now
        if left_seconds <= 0:
            break
        some = queue.receive(min(left_seconds, 20.0 if not found else gathered_until - now))
        if not some and found:
            break
        if some and not found:
            gathered_until = time.monotonic() + gather_seconds
        found += some
    return found


def _deal_with(messages: list[Message], queue: SqsQueue, run: Pipeline, aws: Aws, summary: QueueSummary) -> None:
    group = _read_messages(messages, aws, summary)
    for message, reason in group.poison:
        run.set_aside(f"{queue.url}#{message.message_id}", message.body, reason)
    first, *others = _rounds(_each_once(pair for pairs in group.objects.values() for pair in pairs))
    listing = Listing(run.cursor(), run.lake)
    listing.add_objects(first)
    listing.add_local(
        LogFile(
            f"{queue.url}#{message.message_id}", len(message.body.encode()), "", _no_bytes, problem=f"message: {reason}"
        )
        for message, reason in group.poison
    )
    run.take(listing.wanted(Selection(), run.summary))
    for objects in others:
        listing = Listing(run.cursor(), run.lake)
        listing.add_objects(objects)
        run.take(listing.wanted(Selection(), run.summary))
    run.compact_young()
    summary.poison += [(f"{queue.url}#{message.message_id}", reason) for message, reason in group.poison]
    run.summary.set_unread(run.unread)
    waits_for = {uri for uri, reason in run.unread.items() if GONE not in reason and OVERWRITTEN not in reason}
    poison = {message.message_id for message, _ in group.poison}
    done: list[Message] = []
    kept: list[Message] = []
    for message in messages:
        announced = group.objects.get(message.receipt, ())
        waits = any(bucket.uri(each.key) in waits_for for bucket, each in announced)
        (kept if waits and message.message_id not in poison else done).append(message)
    summary.deleted += queue.delete(done)
    summary.kept += len(kept)
    queue.release(kept, _TRY_AGAIN_SECONDS)


def _read_messages(messages: list[Message], aws: Aws, summary: QueueSummary) -> _Group:
    group = _Group()
    buckets: dict[str, Bucket] = {}
    for message in messages:
        try:
            told = read_notification(message.body)
        except NotANotification as error:
            group.poison.append((message, str(error)))
            continue
        if told.idle:
            summary.idle[told.idle] = summary.idle.get(told.idle, 0) + 1
        group.objects[message.receipt] = [
            (buckets.setdefault(name, Bucket(name, aws)), each) for name, each in told.objects
        ]
    return group


def _each_once(pairs: Iterable[tuple[Bucket, S3Object]]) -> list[tuple[Bucket, S3Object]]:
    """Every version once; where the message has no ETag or size, the bucket is asked."""
    found: dict[tuple[str, str, str], tuple[Bucket, S3Object]] = {}
    for bucket, each in pairs:
        known = each if each.etag and each.size_bytes >= 0 else bucket.head_or_gone(each.key)
        found[bucket.name, known.key, known.etag] = (bucket, known)
    return list(found.values())


def _rounds(objects: Iterable[tuple[Bucket, S3Object]]) -> list[list[tuple[Bucket, S3Object]]]:
    """Several versions of one object are several readings, each with a ledger row of its own: one a round."""
    rounds: list[dict[tuple[str, str], tuple[Bucket, S3Object]]] = [{}]
    for bucket, each in objects:
        name = (bucket.name, each.key)
        free = next((held for held in rounds if name not in held), None)
        if free is None:
            rounds.append(free := {})
        free[name] = (bucket, each)
    return [list(held.values()) for held in rounds]


def _no_bytes() -> BinaryIO:
    raise AssertionError("a message is not opened")
