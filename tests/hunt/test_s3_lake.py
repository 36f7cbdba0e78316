"""A hunt on a lake in S3: its lease, a round, and the function that Lambda calls."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.made import record, write_log
from tests.servers import KEYS, Server, aws_server
from trailql.errors import BusyError
from trailql.hunt.config import read_hunt
from trailql.hunt.lock import alone
from trailql.hunt.on_lambda import handle
from trailql.hunt.round import run_round
from trailql.lake import s3_storage
from trailql.lake.lake import Lake, open_lake_folder
from trailql.lake.s3_storage import S3Storage, _Lease
from trailql.lake.writer import stray_files

CLOCK = datetime(2026, 10, 15, 12, tzinfo=UTC)


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


def _round_killed_before(config: Path, table: str) -> None:
    """
    A round whose process dies as it is about to commit to a table.
    """
    commit = Lake.commit

    def commit_or_die(lake: Lake, name: str, *args: Any, **options: Any) -> None:
        if name == table:
            os.kill(os.getpid(), signal.SIGKILL)
        commit(lake, name, *args, **options)

    Lake.commit = commit_or_die  # type: ignore[method-assign]
    s3_storage._LEASE_SECONDS = 1
    run_round(read_hunt(config), clock=lambda: CLOCK)


def test_a_round_killed_between_its_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What it found is known to the next round, though its note is not old enough to be a dead one's.

    A late event that comes meanwhile and changes how the incident began does not make two of it.
    """

    def instances(number: int) -> dict[str, Any]:
        return {"instancesSet": {"items": [{"instanceId": f"i-{number:08x}"}]}}

    calls = [
        record(
            number,
            at=CLOCK - timedelta(hours=9) + timedelta(seconds=30 * number),
            eventSource="ec2.amazonaws.com",
            eventName="TerminateInstances",
            errorCode=None,
            readOnly=False,
            requestParameters=instances(number),
            responseElements=instances(number),
        )
        for number in range(20)
    ]
    write_log(tmp_path / "logs", *calls[4:], delivered=CLOCK - timedelta(hours=8), unique="first00000000000")
    config = tmp_path / "trailql.toml"
    config.write_text(f"""
[hunt]
lake = "s3://lakes/killed"
sources = ["logs"]
only = ["ec2.terminate_instances_burst"]
insights = false
[hunt.dead_man]
silence = false
max_lag = false
failed = false
[[hunt.sinks]]
type = "file"
path = "{tmp_path}/alerts.jsonl"
""")
    victim = multiprocessing.get_context("spawn").Process(target=_round_killed_before, args=(config, "findings"))
    victim.start()
    victim.join(60)
    assert -signal.SIGKILL == victim.exitcode
    time.sleep(1.1)
    write_log(tmp_path / "logs", *calls[:4], delivered=CLOCK, unique="late000000000000")

    run_round(read_hunt(config), clock=lambda: CLOCK + timedelta(minutes=5))
    monkeypatch.setattr(s3_storage, "_DEAD_SECONDS", 0)
    run_round(read_hunt(config), clock=lambda: CLOCK + timedelta(minutes=40))

    [line] = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert "ec2.terminate_instances_burst" == json.loads(line)["id"]
    lake = open_lake_folder("s3://lakes/killed")
    assert [] == [each for name in ("findings", "outbox") for each in stray_files(lake, name)]


def test_a_queue_as_source(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What a queue announces is ingested and hunted; a queue that is not there is a trouble of its own.
    """
    import gzip

    from tests.made import ACCOUNT, log_key, trail

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
