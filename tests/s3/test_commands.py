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
        ["s3://b", "--account", "44445555666"],
        ["s3://b", "--region", "Ireland"],
        ["s3://b", "--endpoint-url", "127.0.0.1:5555"],
        ["s3://b", "--role-arn", "nonsense"],
        ["s3://b", "--external-id", "alone"],
        ["--lookup-events", "--region", "eu-west-1", "--endpoint-url", "http://127.0.0.1:9"],
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


def test_what_is_missing_and_what_is_too_much(tmp_path: Path) -> None:
    """Nothing to ingest and two things at once are told apart; options without effect are named."""
    assert "nothing to ingest" in trailql("ingest").stderr
    assert "too much at once" in trailql("ingest", "s3://b", "--lookup-events").stderr

    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.json").write_text("[]")
    words = ["ingest", str(tmp_path / "logs"), "--lake", str(tmp_path / "lake")]
    idle = trailql(*words, "--relist", "3d", "--profile", "x", "--quiet")
    assert (0, "without effect here: --relist, --profile\n") == (idle.returncode, idle.stderr)
    assert "without effect" not in trailql(*words).stderr


def test_endpoint_of_the_environment(tmp_path: Path) -> None:
    """An endpoint in the environment that is no URL is wrong usage too, for every command."""
    for words in (["ingest", "s3://b"], ["query", "SELECT 1"], ["coverage"]):
        lake = "s3://b/lake" if words[0] != "ingest" else str(tmp_path / "lake")
        done = trailql(*words, "--lake", lake, AWS_ENDPOINT_URL="127.0.0.1:5555")
        assert (2, True) == (done.returncode, "AWS_ENDPOINT_URL=http://" in done.stderr), done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["ingest", "s3://b"],
        ["ingest", "s3://b", "--plan"],
        ["ingest", "--queue", "https://sqs.eu-west-1.amazonaws.com/111122223333/q"],
        ["ingest", "--lookup-events", "--region", "eu-west-1"],
        ["ingest", "{folder}", "--lake", "s3://b/lake"],
        ["query", "SELECT 1", "--lake", "s3://b/lake"],
        ["detect", "--lake", "s3://b/lake"],
        ["insights", "--lake", "s3://b/lake"],
        ["coverage", "--lake", "s3://b/lake"],
    ],
    ids=" ".join,
)
def test_without_the_libraries_for_aws(words: list[str], tmp_path: Path) -> None:
    """Where `pip install .` left out what AWS needs, the message says how to get it."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.json").write_text("[]")
    hidden = "('boto3', 'botocore', 'obstore', 's3fs', 'aiobotocore', 's3transfer')"
    code = f"import sys; sys.modules.update(dict.fromkeys({hidden})); from trailql.cli.app import main; main()"
    named = [word.format(folder=tmp_path / "logs") for word in words]
    lake = [] if "--lake" in words else ["--lake", str(tmp_path / "lake")]

    done = subprocess.run(
        [sys.executable, "-c", code, *named, *lake], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )

    assert 4 == done.returncode, done.stderr
    assert "Traceback" not in done.stderr
    assert "pip install '.[s3]'" in done.stderr
    assert not (tmp_path / "lake").exists()


def test_policies_need_no_library() -> None:
    """`iam-policy` asks nothing of AWS, and none of its libraries."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('boto3', 'botocore'))); from trailql.cli.app import main; main()"
    )
    words = [sys.executable, "-c", code, "iam-policy", "--bucket", "s3://central-trail-bucket"]
    assert 0 == subprocess.run(words, capture_output=True, cwd=REPOSITORY, check=False).returncode
