"""An organization's bucket: 8,000 log files (make big-bucket: 20,000), 50 accounts, 5 Regions, 30 days, two trails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.s3.made_bucket import event_id, fill_organization, key, log_file
from tests.servers import GET_OBJECT, LIST, Server, aws_server
from trailql.ingest import ingest_logs, plan_ingest
from trailql.query.engine import open_lake
from trailql.sources.aws import Aws, AwsAccess

_ACCOUNTS, _DAYS, _RECORDS = 50, 30, 3
_FILES = int(os.environ.get("TRAILQL_TEST_FILES", "4000"))
_REGIONS = ["ap-southeast-2", "eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]
_TODAY = datetime.now(UTC).date()
_DISCOVERY = (
    1  # the bucket
    + 1  # org/
    + 2  # the two AWSLogs/
    + 1  # the organization
    + _ACCOUNTS  # each account's folders
    + _ACCOUNTS  # each account's Regions
)
_INSIGHTS = _FILES // 40  # CloudTrail's own, in one Region of every second account
_WITH_INSIGHTS = _ACCOUNTS // 2


@pytest.fixture(scope="module")
def organization(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The bucket `trail`, served."""
    seed = tmp_path_factory.mktemp("organization")
    fill_organization(
        seed / "trail",
        accounts=_ACCOUNTS,
        regions=_REGIONS,
        days=_DAYS,
        files=_FILES,
        first_day=_TODAY - timedelta(days=_DAYS - 1),
        records=_RECORDS,
    )
    with aws_server(tmp_path_factory.mktemp("aws"), seed) as running:
        yield running


@pytest.mark.usefixtures("credentials")
def test_first_run_takes_all_and_the_next_only_what_is_new(organization: Server, tmp_path: Path) -> None:
    """
    The first run takes every log file; a run after 100 deliveries asks once an account and Region, and adds those.
    """
    lake = tmp_path / "lake"
    access = AwsAccess(endpoint_url=organization.url)

    first = ingest_logs(["s3://trail"], lake, aws=Aws(access))

    assert (_FILES + _INSIGHTS, _FILES + _INSIGHTS, 0) == (first.files_seen, first.ingested, first.rejected)
    assert (_FILES * _RECORDS, _INSIGHTS) == (first.events_added, first.insights_added)
    assert {} == first.skipped  # digests and other services' folders are not even listed
    assert sorted(map(event_id, range(_FILES * _RECORDS))) == _event_ids(lake)

    now = datetime.now(UTC).replace(tzinfo=None)
    client = organization.client("s3")
    for number in range(100):
        account = f"{1000_0000_0000 + 7 * (number % _ACCOUNTS):012d}"
        root = "org/AWSLogs/o-exampleorg1" if number % _ACCOUNTS % 2 == 0 else "AWSLogs"
        name = key(account, _REGIONS[number % 5], now, f"new{number:013d}", root=root)
        body = log_file((_FILES + number) * _RECORDS, _RECORDS, now)
        client.put_object(Bucket="trail", Key=name, Body=body)
    listed, got = organization.requests(LIST), organization.requests(GET_OBJECT)
    aws = Aws(access)

    second = ingest_logs(["s3://trail"], lake, aws=aws)

    assert (100, 100 * _RECORDS, 0) == (second.ingested, second.events_added, second.rejected)
    assert sorted(map(event_id, range((_FILES + 100) * _RECORDS))) == _event_ids(lake)
    asked = organization.requests(LIST) - listed
    assert (
        _DISCOVERY + _ACCOUNTS * len(_REGIONS) + 2 * _WITH_INSIGHTS == asked
    )  # Insights: their Regions, and their days
    assert asked == aws.requests["ListObjectsV2"]  # what is counted is what the server saw
    assert 1 == aws.requests["HeadBucket"]
    assert 100 == organization.requests(GET_OBJECT) - got == aws.requests["GetObject"]

    third = ingest_logs(["s3://trail"], lake, aws=Aws(access))
    assert (0, 0) == (third.ingested, third.events_added)

    plan = plan_ingest(["s3://trail"], tmp_path / "another", aws=Aws(access))
    assert (_FILES + _INSIGHTS + 100,) * 2 == (plan.files_to_read, plan.get_requests)
    assert not (tmp_path / "another").exists()
    assert _ACCOUNTS * len(_REGIONS) + _WITH_INSIGHTS == plan.prefixes


def _event_ids(lake: Path) -> list[str]:
    with open_lake(lake) as opened:
        found: list[str] = opened.sql("SELECT eventID FROM events").arrow().column("eventID").to_pylist()
    return sorted(found)
