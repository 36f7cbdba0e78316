"""The command line over S3, queues and event history, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import read_table
from tests.s3.made_bucket import key, log_file
from tests.s3.test_history import Service, happened
from tests.s3.test_queue import s3_event
from tests.servers import REPOSITORY, Server

_NOW = datetime.now(UTC).replace(tzinfo=None)


def trailql(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    env = {**os.environ, **environment}
    command = [sys.executable, "-m", "trailql", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, env=env, timeout=120, check=False)


def test_plan_says_what_would_be_read(server: Server, bucket: str, tmp_path: Path) -> None:
    """`--plan` prints objects, bytes and requests on standard output, and makes no lake."""
    body = log_file(0, 3, _NOW)
    for number in range(4):
        name = key("111122223333", "eu-west-1", _NOW, f"{number:016d}")
        server.client("s3").put_object(Bucket=bucket, Key=name, Body=body)
    lake = tmp_path / "lake"

    done = trailql("ingest", f"s3://{bucket}", "--endpoint-url", server.url, "--lake", str(lake), "--plan")

    assert 0 == done.returncode, done.stderr
    told = dict(line.split("  ", 1) for line in map(str.strip, done.stdout.splitlines()))
    assert told["listed"].split() == ["4", "log", "files", "in", "1", "prefixes"]
    assert told["to read"].split()[0] == told["GET requests"].split()[0] == "4"
    assert "$" in told["request cost"]
    assert not lake.exists()


def test_encrypted_objects_are_read(server: Server, bucket: str, tmp_path: Path) -> None:
    """SSE-KMS asks nothing of a reader but the permission."""
    name = key("111122223333", "eu-west-1", _NOW, "a" * 16)
    options = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/trail"}
    server.client("s3").put_object(Bucket=bucket, Key=name, Body=log_file(0, 3, _NOW), **options)

    done = trailql("ingest", f"s3://{bucket}", "--endpoint-url", server.url, "--lake", str(tmp_path / "lake"))

    assert 0 == done.returncode, done.stderr
    assert 3 == len(read_table(tmp_path / "lake", "events"))


def test_event_history_by_command(tmp_path: Path) -> None:
    """`--lookup-events` fetches the Regions that are named."""
    events = {"eu-west-1": happened(60, "eu-west-1", every=timedelta(minutes=1))}
    kind = type("OneService", (Service,), {"events": events, "asked": []})
    service = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{service.server_address[1]}"
    words = ["ingest", "--lookup-events", "--region", "eu-west-1", "--from", "1d", "--lake", str(tmp_path / "lake")]

    done = trailql(*words, AWS_ENDPOINT_URL=url)
    service.shutdown()
    service.server_close()

    assert 0 == done.returncode, done.stderr
    assert 60 == len(read_table(tmp_path / "lake", "events"))


def test_consumer_ends_when_asked(server: Server, bucket: str, tmp_path: Path) -> None:
    """SIGTERM ends a consumer after the messages in hand, with exit code 0; they are deleted and committed."""
    sqs = server.client("sqs")
    queue = sqs.create_queue(QueueName="ends-when-asked")["QueueUrl"]
    body, name = log_file(0, 3, _NOW), key("111122223333", "eu-west-1", _NOW, "a" * 16)
    server.client("s3").put_object(Bucket=bucket, Key=name, Body=body)
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(s3_event(bucket, name, body)))
    lake = tmp_path / "lake"
    words = ["ingest", "--queue", queue, "--endpoint-url", server.url, "--lake", str(lake)]
    consumer = subprocess.Popen([sys.executable, "-m", "trailql", *words], cwd=REPOSITORY, stderr=subprocess.PIPE)
    for _ in range(300):
        if (lake / "files").exists() and read_table(lake, "files"):
            break
        time.sleep(0.1)

    consumer.send_signal(signal.SIGTERM)
    _, told = consumer.communicate(timeout=60)

    assert 0 == consumer.returncode, told
    assert b"messages: 1 received, 1 dealt with and deleted" in told
    assert 3 == len(read_table(lake, "events"))


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["s3://b", "--queue", "https://sqs.eu-west-1.amazonaws.com/111122223333/q"],
        ["--lookup-events", "--queue", "https://sqs.eu-west-1.amazonaws.com/111122223333/q"],
        ["--queue", "https://sqs.eu-west-1.amazonaws.com/111122223333/q", "--from", "2d"],
        ["--queue", "not-a-url"],
        ["--queue", "https://sqs.eu-west-1.amazonaws.com/111122223333/q", "--for", "soon"],
        ["s3://b", "--for", "4m"],
        ["s3://b", "--relist", "a while"],
        ["--lookup-events", "--plan"],
    ],
    ids=" ".join,
)
def test_what_does_not_fit_together(words: list[str], tmp_path: Path) -> None:
    """Contradictions are usage errors with a hint, before anything is asked or written."""
    lake = tmp_path / "lake"
    done = trailql("ingest", *words, "--lake", str(lake), AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert 2 == done.returncode, done.stderr
    assert "Traceback" not in done.stderr
    assert not lake.exists()
