"""A service and a network that fail, over 2,000 objects."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import read_table
from tests.s3.made_bucket import event_id, fill_organization
from tests.servers import SECRETS, Server, aws_server, free_port, running
from trailql.ingest import IngestSummary, ingest_logs
from trailql.sources.aws import Aws, AwsAccess

_FILES, _RECORDS = int(os.environ.get("TRAILQL_TEST_FAULT_FILES", "1000")), 3
_INSIGHTS = _FILES // 40  # CloudTrail's own, a record each

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The bucket `trail` of 2,000 log files, served as it should be."""
    seed = tmp_path_factory.mktemp("faults")
    fill_organization(
        seed / "trail",
        accounts=10,
        regions=["eu-west-1", "us-east-1"],
        days=10,
        files=_FILES,
        first_day=datetime.now(UTC).date() - timedelta(days=9),
        records=_RECORDS,
    )
    with aws_server(tmp_path_factory.mktemp("aws"), seed) as server:
        yield server


@contextmanager
def spoiled(upstream: Server, folder: Path, *, hopeless: float = 0.0, expires_after: int = 0) -> Iterator[Server]:
    """The same bucket behind a proxy that spoils answers."""
    port = free_port()
    upstream_port = upstream.url.rsplit(":", 1)[1]
    words = [sys.executable, "-m", "tests.fault_proxy", str(port), upstream_port, "seed", str(hopeless)]
    with running([*words, str(expires_after)], folder / "proxy.log", f"http://127.0.0.1:{port}") as server:
        yield server


def ingest_from(server: Server, lake: Path) -> IngestSummary:
    """Ingest the bucket from a server."""
    return ingest_logs(["s3://trail"], lake, aws=Aws(AwsAccess(endpoint_url=server.url)))


def test_every_object_is_ingested_or_named(upstream: Server, tmp_path: Path) -> None:
    """
    Dropped connections, throttling, errors, wrong lengths and stalls: whatever does not get through is named, and the
    next run brings it. No row comes twice.
    """
    lake = tmp_path / "lake"

    with spoiled(upstream, tmp_path, hopeless=0.006) as proxy:
        first = ingest_from(proxy, lake)
        faults = Counter(line.split('" ')[1].split()[0] for line in proxy.log.read_text().splitlines() if '" ' in line)

    assert _FILES + _INSIGHTS == first.files_seen == first.ingested + first.rejected
    assert first.rejected == first.unread == len(first.problems)
    assert 1 <= first.rejected <= 0.015 * _FILES  # the hopeless ones, and no other
    assert all(reason.startswith("not read: ") for _, reason in first.problems)
    assert faults["503"] > 20
    assert faults["500"] > 20
    assert first.events_added == (first.ingested - first.insights_added) * _RECORDS == len(read_table(lake, "events"))

    second = ingest_from(upstream, lake)

    assert (first.rejected, 0) == (second.ingested, second.rejected)
    assert _INSIGHTS == first.insights_added + second.insights_added
    assert sorted(map(event_id, range(_FILES * _RECORDS))) == sorted(
        row["eventID"] for row in read_table(lake, "events")
    )


def test_credentials_that_expire_midway(upstream: Server, tmp_path: Path) -> None:
    """What could not be read any more is named with the reason, without asking for it; a later run completes it."""
    lake = tmp_path / "lake"

    with spoiled(upstream, tmp_path, expires_after=_FILES // 2) as proxy:
        first = ingest_from(proxy, lake)
        asked = proxy.requests('"GET /trail/[^? ]*json.gz')

    assert _FILES + _INSIGHTS == first.ingested + first.rejected
    assert first.rejected == first.unread > _FILES // 4
    assert {"not read: the AWS credentials have expired (renew them, then run it again)"} == {
        reason for _, reason in first.problems
    }
    assert asked < _FILES // 2 + 100
    told = "".join(f"{uri}{reason}" for uri, reason in first.problems) + str(read_table(lake, "files"))
    assert not any(secret in told for secret in SECRETS)

    second = ingest_from(upstream, lake)

    assert (first.rejected, 0) == (second.ingested, second.rejected)
    assert _FILES * _RECORDS == len(read_table(lake, "events")) == first.events_added + second.events_added
