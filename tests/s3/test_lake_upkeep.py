"""A lake in S3 is kept like one on disk: compacted, checked, shortened, vacuumed, and mended after a killed writer."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.made import TIME, record, write_log
from tests.servers import Server
from trailql.ingest import ingest_logs
from trailql.lake.check import check
from trailql.lake.compact import compact
from trailql.lake.describe import describe
from trailql.lake.lake import Lake, Snapshot, open_lake_folder
from trailql.lake.manifest import manifest_lines
from trailql.lake.retention import expire, vacuum
from trailql.query.engine import OpenLake
from trailql.sources.aws import Aws, AwsAccess


@pytest.fixture
def aws(server: Server, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """A session with the server."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    return Aws(AwsAccess(endpoint_url=server.url))


@pytest.fixture
def opened(bucket: str, aws: Aws) -> Callable[[], Lake]:
    """The lake of the test, opened."""
    return lambda: open_lake_folder(f"s3://{bucket}/lake", create=True, aws=aws)


def event_ids(lake: Lake) -> list[str]:
    """What a query sees."""
    with OpenLake(lake) as asked:
        found: list[str] = asked.sql("SELECT eventID FROM events ORDER BY ALL").arrow()["eventID"].to_pylist()
    return found


def test_upkeep(bucket: str, aws: Aws, opened: Callable[[], Lake], logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command of `trailql lake` does in S3 what it does on disk."""
    for number in range(4):
        records = [record(100 * number + each, at=TIME + timedelta(days=each % 2)) for each in range(40)]
        write_log(logs, *records, unique=f"number{number:010d}")
        ingest_logs([str(logs)], f"s3://{bucket}/lake", aws=aws)
    lake = opened()
    before = event_ids(lake)
    manifest = list(manifest_lines(lake))

    assert (160, 2, 8) == (describe(lake).events, len(describe(lake).days), describe(lake).tables[0].files)
    assert [] == check(lake).problems
    done = compact(lake)
    assert (12, 3) == (done.files_before, done.files_after)
    assert before == event_ids(lake)
    assert manifest == list(manifest_lines(lake))
    assert [] == vacuum(lake, hours=1).files
    monkeypatch.setattr("trailql.lake.retention.LEAST_VACUUM_HOURS", 0)
    assert 12 == len(vacuum(lake, hours=0).files)
    assert before == event_ids(lake)
    assert 80 == expire(lake, keep_days=1, today=TIME.date() + timedelta(days=2)).events
    assert (80, []) == (len(event_ids(lake)), check(lake).problems)


def test_damage_in_s3_is_named_and_mended(
    server: Server, bucket: str, aws: Aws, opened: Callable[[], Lake], logs: Path
) -> None:
    """An object that was deleted, and one that was overwritten."""
    for number in range(2):
        write_log(logs, *(record(100 * number + each) for each in range(40)), unique=f"number{number:010d}")
        ingest_logs([str(logs)], f"s3://{bucket}/lake", aws=aws)
    lake = opened()
    before = event_ids(lake)
    one, other = (f"lake/events/{part.path}" for part in lake.snapshot("events").parts)
    s3 = server.client("s3")
    s3.delete_object(Bucket=bucket, Key=one)
    body = s3.get_object(Bucket=bucket, Key=other)["Body"].read()
    s3.put_object(Bucket=bucket, Key=other, Body=body[:500] + bytes([body[500] ^ 1]) + body[501:])

    kinds = [(problem.kind, problem.at.removeprefix(f"s3://{bucket}/")) for problem in check(lake).problems]
    check(lake, repair=True)
    ingest_logs([str(logs)], f"s3://{bucket}/lake", aws=aws)

    assert {("missing", one), ("changed", other)} <= set(kinds)
    assert before == event_ids(opened())
    assert [] == check(opened()).problems


def _die_before_the_ledger(logs: str, lake: str, url: str) -> None:
    commit = Snapshot.commit

    def fatal(self: Snapshot, *arguments: Any, **options: Any) -> None:
        if self.table == "files":
            os.kill(os.getpid(), signal.SIGKILL)
        commit(self, *arguments, **options)

    Snapshot.commit = fatal  # type: ignore[method-assign]
    ingest_logs([logs], lake, aws=Aws(AwsAccess(endpoint_url=url)))


def test_a_killed_writers_work_is_finished_when_its_note_is_old(
    server: Server, bucket: str, aws: Aws, opened: Callable[[], Lake], logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Killed between events and ledger: at first the note is taken for a living writer's; once it is old, the ledger row
    that was written is committed.
    """
    write_log(logs, *(record(number) for number in range(40)))
    victim = multiprocessing.get_context("spawn").Process(
        target=_die_before_the_ledger, args=(str(logs), f"s3://{bucket}/lake", server.url)
    )
    victim.start()
    victim.join(60)
    assert -signal.SIGKILL == victim.exitcode
    assert 40 == len(event_ids(opened()))
    assert 1 == len(describe(opened()).writers)
    write_log(logs, *(record(100 + number) for number in range(5)), unique="another0another0")
    monkeypatch.setattr("trailql.lake.s3_storage._DEAD_SECONDS", -1)

    summary = ingest_logs([str(logs)], f"s3://{bucket}/lake", aws=aws)

    assert (5, 0, 1) == (summary.events_added, summary.duplicates_dropped, summary.files_known)
    assert 45 == len(event_ids(opened()))
    told = check(opened())
    assert ([], [], []) == (told.problems, told.orphans, told.writers)
