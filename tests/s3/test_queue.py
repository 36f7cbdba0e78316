"""Notifications from a queue: at least once delivered, exactly once in the lake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import pytest

from tests.conftest import read_table
from tests.s3.made_bucket import event_id, key, log_file
from tests.servers import REPOSITORY, Server, aws_server, free_port
from trailql.cli.ingest import summary_text
from trailql.errors import SourceError
from trailql.ingest import QueueSummary, ingest_queue
from trailql.sources.aws import AccessRefused, Aws, AwsAccess
from trailql.sources.notifications import NotANotification, read_notification
from trailql.sources.queue import SqsQueue
from trailql.sources.s3 import S3Object

_AT = datetime(2026, 10, 1, 12, 30, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("credentials")


def s3_event(bucket: str, name: str, body: bytes | None, event: str = "ObjectCreated:Put") -> dict[str, Any]:
    """An S3 event notification, as S3 writes it."""
    from hashlib import md5
    from urllib.parse import quote_plus

    made: dict[str, Any] = {"key": quote_plus(name, safe="/"), "sequencer": "0A1B2C3D4E5F678901"}
    if body is not None:
        made |= {"size": len(body), "eTag": md5(body).hexdigest()}
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "us-east-1",
                "eventTime": "2026-10-01T12:31:00.000Z",
                "eventName": event,
                "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket}, "object": made},
            }
        ]
    }


def through_sns(message: Any) -> dict[str, Any]:
    """The same through a topic without raw delivery."""
    text = message if isinstance(message, str) else json.dumps(message)
    return {"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:111122223333:logs", "Message": text}


@pytest.fixture
def queue(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a new queue that hides received messages for a few seconds."""
    sqs = server.client("sqs")
    name = f"queue-{abs(hash(request.node.nodeid)) % 10**12}"
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "8"})["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


def send(server: Server, queue: str, messages: list[Any]) -> None:
    """Send messages, ten at a time."""
    sqs = server.client("sqs")
    texts = [each if isinstance(each, str) else json.dumps(each) for each in messages]
    for first in range(0, len(texts), 10):
        entries = [{"Id": str(n), "MessageBody": text} for n, text in enumerate(texts[first : first + 10])]
        assert not sqs.send_message_batch(QueueUrl=queue, Entries=entries).get("Failed")


def left_in(server: Server, queue: str) -> int:
    """Messages in the queue, hidden ones included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = server.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(told[name]) for name in names)


def consume(server: Server, queue: str, lake: Path, **options: Any) -> QueueSummary:
    """Consume for a moment."""
    aws = Aws(AwsAccess(endpoint_url=server.url))
    return ingest_queue(queue, lake, aws=aws, **({"seconds": 2} | options))


BODY = log_file(0, 2, _AT)
NAME = key("111122223333", "us-east-1", _AT, "abcdefghijklmnop")
BRIDGED = {
    "version": "0",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "detail": {"bucket": {"name": "trail"}, "object": {"key": "a b+c/é", "size": 7, "etag": "e", "sequencer": "00"}},
}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (s3_event("trail", "a b+c/é", b"x" * 7), ("a b+c/é", "04adb4e2f055c978c9bb101ee1bc5cd4", 7)),
        (through_sns(s3_event("trail", "a", None)), ("a", "", -1)),
        (BRIDGED, ("a b+c/é", "e", 7)),
        (through_sns(BRIDGED), ("a b+c/é", "e", 7)),
        ({"s3Bucket": "trail", "s3ObjectKey": ["a b+c/é"]}, ("a b+c/é", "", -1)),
        (through_sns({"s3Bucket": "trail", "s3ObjectKey": ["k"]}), ("k", "", -1)),
    ],
    ids=["s3", "s3-sns", "eventbridge", "eventbridge-sns", "cloudtrail", "cloudtrail-sns"],
)
def test_notifications_in_every_form(message: dict[str, Any], expected: tuple[str, str, int]) -> None:
    """Bucket, key, ETag and size come out of each form, the key decoded where S3 encodes it."""
    assert (("trail", S3Object(*expected)),) == read_notification(json.dumps(message)).objects


@pytest.mark.parametrize(
    "message",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail"},
        through_sns("CloudTrail validation message."),
        s3_event("trail", "a", None, "ObjectRemoved:Delete"),
        BRIDGED | {"detail-type": "Object Deleted"},
    ],
    ids=["test-event", "validation", "removed", "deleted"],
)
def test_messages_with_nothing_to_read(message: dict[str, Any]) -> None:
    """Test events and deletions are right messages without an object."""
    told = read_notification(json.dumps(message))
    assert () == told.objects
    assert told.idle


@pytest.mark.parametrize(
    "message",
    [
        "",
        "hello",
        "[1]",
        "1",
        '{"a":1}',
        '{"Records":[7]}',
        '{"Records":[{"eventVersion":"1.09"}]}',
        '{"Records":[{"eventSource":"aws:s3"}]}',
        '{"source":"aws.s3","detail-type":"Object Created","detail":{}}',
        '{"source":"aws.s3","detail-type":"Object Created","detail":"x"}',
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_what_is_no_notification(message: str) -> None:
    """Anything else is told apart, CloudTrail's own records included."""
    with pytest.raises(NotANotification):
        read_notification(message)


def test_messages_become_rows_and_go(server: Server, bucket: str, queue: str, lake_dir: Path) -> None:
    """Objects are read, idle messages deleted, poison kept as text and named; then the queue is empty."""
    client = server.client("s3")
    digest = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/10/01/d.json.gz"
    for name, body in ((NAME, BODY), (digest, BODY), ("junk.json", b"<html>")):
        client.put_object(Bucket=bucket, Key=name, Body=body)
    told = [
        s3_event(bucket, NAME, BODY),
        s3_event(bucket, NAME, BODY),
        through_sns({"s3Bucket": bucket, "s3ObjectKey": [NAME]}),
        s3_event(bucket, digest, BODY),
        s3_event(bucket, "junk.json", b"<html>"),
        s3_event(bucket, "gone.json", b"{}"),
        {"Event": "s3:TestEvent"},
        "what is \x1b[31mthis?",
    ]
    send(server, queue, told)

    summary = consume(server, queue, lake_dir)

    assert (8, 8, 0) == (summary.received, summary.deleted, summary.kept)
    assert 0 == left_in(server, queue)
    assert [event_id(0), event_id(1)] == sorted(row["eventID"] for row in read_table(lake_dir, "events"))
    assert {"S3's test event": 1} == summary.idle
    assert ["not JSON"] == [reason for _, reason in summary.poison]
    kept = [(row["record"], row["reason"]) for row in read_table(lake_dir, "set_aside")]
    assert [("what is \x1b[31mthis?", "not JSON")] == kept
    ledger = {row["uri"].rsplit("/", 1)[-1]: row["status"] for row in read_table(lake_dir, "files")}
    assert "skipped" == ledger["d.json.gz"]
    assert "rejected" == ledger["junk.json"] == ledger["gone.json"]


def test_unreadable_objects_keep_their_message(server: Server, bucket: str, queue: str, lake_dir: Path) -> None:
    """A message whose object cannot be had stays in the queue; what else came with it is ingested."""
    server.client("s3").put_object(Bucket=bucket, Key=NAME, Body=BODY)
    send(server, queue, [s3_event(bucket, NAME, BODY)])
    refused = Aws(AwsAccess(endpoint_url=f"http://127.0.0.1:{free_port()}"))  # nobody listens there

    first = ingest_queue(queue, lake_dir, aws=refused, seconds=2)

    assert (1, 0, 1) == (first.received, first.deleted, first.kept)
    assert (1, 0, 0) == (first.ingest.unread, first.ingest.gone, first.ingest.overwritten)
    assert "their messages stay in the queue" in summary_text(first.ingest, "lake", from_queue=True)
    assert 1 == left_in(server, queue)
    assert [] == read_table(lake_dir, "events")


def test_objects_that_are_gone_or_overwritten(server: Server, bucket: str, queue: str, lake_dir: Path) -> None:
    """
    What is not there any more has no message to wait with: message, summary and ledger say the same of each case.

    A missing object is gone; an announced version that was overwritten has a successor with a message of its own.
    """
    client = server.client("s3")
    newer = log_file(2, 1, _AT)
    client.put_object(Bucket=bucket, Key=NAME, Body=newer)
    send(server, queue, [s3_event(bucket, NAME, BODY), s3_event(bucket, "gone.json", b"{}"),
                         {"s3Bucket": bucket, "s3ObjectKey": ["gone-too.json"]}])  # fmt: skip

    summary = consume(server, queue, lake_dir)

    assert (3, 3, 0, 0) == (summary.received, summary.deleted, summary.kept, left_in(server, queue))
    found = summary.ingest
    assert (3, 2, 1, 0) == (found.rejected, found.gone, found.overwritten, found.unread)
    reasons = {row["uri"].rsplit("/", 1)[-1]: row["reason"] for row in read_table(lake_dir, "files")}
    assert "not read: there is no such object" == reasons["gone.json"] == reasons["gone-too.json"]
    assert "overwritten before it was read" in reasons[NAME.rsplit("/", 1)[-1]]
    told = summary_text(found, "lake", from_queue=True)
    assert "not there any more when they were to be read" in told
    assert "the new version has a message of its own" in told
    assert "again" not in told

    send(server, queue, [s3_event(bucket, NAME, newer)])
    assert 1 == consume(server, queue, lake_dir).ingest.events_added


@pytest.mark.parametrize("newer_first", [False, True], ids=["older-first", "newer-first"])
def test_two_versions_of_one_object_at_once(
    server: Server, bucket: str, queue: str, lake_dir: Path, newer_first: bool
) -> None:
    """Each announced version has a ledger row of its own: the overwritten one was not read, the other one was."""
    newer = log_file(2, 1, _AT)
    server.client("s3").put_object(Bucket=bucket, Key=NAME, Body=newer)
    messages = [s3_event(bucket, NAME, BODY), s3_event(bucket, NAME, newer)]
    send(server, queue, messages[::-1] if newer_first else messages)

    found = consume(server, queue, lake_dir).ingest

    assert (1, 1, 1, 1) == (found.ingested, found.rejected, found.overwritten, found.events_added)
    rows = {row["status"]: row for row in read_table(lake_dir, "files")}
    assert {"ingested", "rejected"} == rows.keys()
    assert (1, None) == (rows["ingested"]["rows_added"], rows["ingested"]["reason"])
    assert (0, None) == (rows["rejected"]["rows_added"], rows["rejected"]["sha256_stored"])


def test_queue_that_may_not_be_read_makes_no_lake(
    server: Server, queue: str, lake_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue whose messages are refused is an error, and nothing is written."""

    def refuse(self: SqsQueue, wait_seconds: float) -> Any:
        raise AccessRefused("access denied", at=self.url)

    monkeypatch.setattr(SqsQueue, "receive", refuse)
    with pytest.raises(AccessRefused):
        consume(server, queue, lake_dir)
    assert not lake_dir.exists()


def test_missing_queue_makes_no_lake(server: Server, lake_dir: Path) -> None:
    """A misspelt queue is an error, and nothing is written."""
    with pytest.raises(SourceError, match="no such queue"):
        consume(server, f"{server.url}/111122223333/none", lake_dir)
    assert not lake_dir.exists()


def test_killed_consumers_lose_and_double_nothing(tmp_path: Path) -> None:
    """
    Each message is delivered twice, and a consumer killed three times midway: the rows are the objects' records.

    2,000 messages here, 5,000 in `make big-bucket`.
    """
    messages, killed = int(os.environ.get("TRAILQL_TEST_MESSAGES", "800")), 0
    lake, seed = tmp_path / "lake", tmp_path / "seed" / "trail"
    bodies = {}
    for number in range(messages):
        name = key("111122223333", "us-east-1", _AT, f"{number:016d}")
        bodies[name] = log_file(number * 2, 2, _AT)
        path = seed / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bodies[name])
    with aws_server(tmp_path, seed.parent) as server:
        queue = server.client("sqs").create_queue(QueueName="logs", Attributes={"VisibilityTimeout": "10"})["QueueUrl"]
        told = [s3_event("trail", name, body) for name, body in bodies.items()] * 2
        Random(1).shuffle(told)
        sending = Thread(target=_send_slowly, args=(server, queue, told), daemon=True)
        sending.start()
        command = [sys.executable, "-m", "trailql", "ingest", "--queue", queue, "--endpoint-url", server.url]
        for run in range(40):
            words = [*command, "--lake", str(lake), "--for", "20s", "--quiet"]
            process = subprocess.Popen(words, cwd=REPOSITORY, env=dict(os.environ))
            if killed < 3:
                rows_before = len(_ids(lake))
                _wait_until(lambda before=rows_before: len(_ids(lake)) > before, process)
                time.sleep(0.3 * run)
                process.send_signal(signal.SIGKILL)
                killed += process.wait() == -signal.SIGKILL
            else:
                assert 0 == process.wait(timeout=300)
            if not sending.is_alive() and not left_in(server, queue):
                break

    assert 3 == killed
    assert sorted(map(event_id, range(2 * messages))) == _ids(lake)


def _send_slowly(server: Server, queue: str, messages: list[Any]) -> None:
    """Send so that a few hundred wait at most: the server looks through all of them for each request."""
    for first in range(0, len(messages), 100):
        while left_in(server, queue) > 400:
            time.sleep(0.2)
        send(server, queue, messages[first : first + 100])


def _ids(lake: Path) -> list[str]:
    from trailql.query.engine import open_lake

    if not (lake / "trailql.json").exists():
        return []
    with open_lake(lake) as opened:
        found: list[str] = opened.sql("SELECT eventID FROM events").arrow().column("eventID").to_pylist()
    return sorted(found)


def _wait_until(condition: Any, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if condition() or process.poll() is not None:
            return
        time.sleep(0.1)
    raise AssertionError("nothing was committed within a minute")
