"""A hunt on a lake in S3: its lease, a round, and the function that Lambda calls."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.made import record, write_log
from tests.servers import KEYS, Server, aws_server
from trailql.errors import BusyError
from trailql.hunt.lock import alone
from trailql.hunt.on_lambda import handle
from trailql.lake.lake import open_lake_folder
from trailql.lake.s3_storage import S3Storage, _Lease


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    An AWS.
    """
    with aws_server(tmp_path_factory.mktemp("aws")) as running:
        running.client("s3").create_bucket(Bucket="lakes")
        yield running


@pytest.fixture(autouse=True)
def environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The environment says that it is AWS.
    """
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": server.url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def test_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The lease excludes another round, is let go at the end, and runs out after a crash.
    """
    lake = open_lake_folder("s3://lakes/lease", create=True)
    other = open_lake_folder("s3://lakes/lease")
    for _ in range(2):
        with alone(lake, "main") as after_crash:
            assert not after_crash
            with pytest.raises(BusyError), alone(other, "main"):
                raise AssertionError
            with alone(other, "another"):
                pass
    assert isinstance(lake.storage, S3Storage)
    assert [] == lake.storage.notes()
    monkeypatch.setattr("trailql.lake.s3_storage._LEASE_SECONDS", 1.0)
    dead = _Lease(lake.storage, "lease/writing/.hunt-main.lease")
    assert dead.take()
    with pytest.raises(BusyError), alone(other, "main"):
        raise AssertionError
    time.sleep(1.1)
    with alone(other, "main") as after_crash:
        assert after_crash
        dead.renew()  # it wakes up, and does not get it back
        with pytest.raises(BusyError), alone(lake, "main"):
            raise AssertionError


def test_rounds_by_lambda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The handler runs a round on a lake in S3; the second one finds nothing new; beside another it is refused.
    """
    stopped = record(1, eventSource="cloudtrail.amazonaws.com", eventName="StopLogging", errorCode=None)
    write_log(tmp_path / "logs", record(0), stopped)
    config = tmp_path / "trailql.toml"
    config.write_text(f"""
[hunt]
lake = "s3://lakes/hunt"
sources = ["logs"]
only = ["cloudtrail.trail_logging_stopped"]
insights = false
first = "4000d"
[hunt.dead_man]
silence = false
max_lag = false
[[hunt.sinks]]
type = "file"
path = "{tmp_path}/alerts.jsonl"
""")
    monkeypatch.setenv("TRAILQL_CONFIG", str(config))

    first, second = handle({}, None), handle({}, None)
    with alone(open_lake_folder("s3://lakes/hunt"), "main"):
        beside = handle({}, None)

    assert (("done", 1, 0), ("done", 0, 0)) == tuple(
        (each["status"], each["alerts"], each["waiting"]) for each in (first, second)
    )
    assert "refused" == beside["status"]
    [line] = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert "cloudtrail.trail_logging_stopped" == json.loads(line)["id"]


def test_a_queue_as_source(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What a queue announces is ingested and hunted; a queue that is not there is a trouble of its own.
    """
    import gzip

    from tests.made import ACCOUNT, log_key, trail
    from trailql.hunt.config import read_hunt
    from trailql.hunt.round import run_round

    stopped = record(5, eventSource="cloudtrail.amazonaws.com", eventName="StopLogging", errorCode=None)
    s3, sqs = server.client("s3"), server.client("sqs")
    s3.create_bucket(Bucket="announced")
    s3.put_object(Bucket="announced", Key=log_key(), Body=gzip.compress(trail(stopped)))
    url = sqs.create_queue(QueueName="trailql", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    told = {"s3": {"bucket": {"name": "announced"}, "object": {"key": log_key(), "size": 1}}}
    sqs.send_message(
        QueueUrl=url,
        MessageBody=json.dumps({"Records": [{**told, "eventName": "ObjectCreated:Put", "eventSource": "aws:s3"}]}),
    )
    config = tmp_path / "trailql.toml"
    text = f"""
[hunt]
lake = "lake"
queue = "{url}"
queue_for = "2s"
only = ["cloudtrail.trail_logging_stopped"]
insights = false
first = "4000d"
[hunt.dead_man]
silence = false
max_lag = false
"""
    config.write_text(text)

    found = run_round(read_hunt(config))
    config.write_text(text.replace("/trailql", "/missing"))
    missing = run_round(read_hunt(config))

    assert ([ACCOUNT], []) == ([each.stored.finding.account for each in found.new], found.errors)
    assert any("no such queue" in text for text in missing.errors)
