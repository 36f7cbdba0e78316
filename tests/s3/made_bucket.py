"""Buckets made for tests: real layouts, small real-shaped log files."""

from __future__ import annotations

import gzip
import json
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from tests.made import insight_record, record, text, trail

_TEMPLATE = text(record(0)).encode()
_ID, _TIME = record(0)["eventID"].encode(), record(0)["eventTime"].encode()


def event_id(number: int) -> str:
    """The eventID of the n-th record."""
    return str(UUID(int=number, version=4))


def log_file(first: int, count: int, at: datetime) -> bytes:
    """A gzipped trail file of records `first … first + count - 1`."""
    records = [
        _TEMPLATE.replace(_ID, event_id(number).encode()).replace(_TIME, f"{at:%Y-%m-%dT%H:%M:%SZ}".encode())
        for number in range(first, first + count)
    ]
    return gzip.compress(b'{"Records":[' + b",".join(records) + b"]}", 1, mtime=0)


def key(
    account: str, region: str, at: datetime, unique: str, *, root: str = "AWSLogs", folder: str = "CloudTrail"
) -> str:
    """The key that CloudTrail gives a log file."""
    name = f"{account}_{folder}_{region}_{at:%Y%m%dT%H%MZ}_{unique}.json.gz"
    return f"{root}/{account}/{folder}/{region}/{at:%Y/%m/%d}/{name}"


def fill_organization(
    bucket: Path, *, accounts: int, regions: list[str], days: int, files: int, first_day: date, records: int = 3
) -> int:
    """
    Write an organization's bucket to disk, to be served; digests and Insights lie between the logs.

    Args:
        bucket: The folder that becomes the bucket.
        accounts, regions, days: How many of each; log files are dealt out over all of them in turn.
        files: How many log files in all.
        first_day: The first delivery day.
        records: Records in each.

    Returns:
        The records written.
    """
    names = [f"{1000_0000_0000 + 7 * number:012d}" for number in range(accounts)]
    places = [(account, region) for account in names for region in regions]
    for number in range(files):
        account, region = places[number % len(places)]
        day = first_day + timedelta(days=number // len(places) % days)
        at = datetime.combine(day, datetime.min.time()) + timedelta(minutes=number % 1440)
        # Half of the accounts deliver through the organization's trail, half through trails of their own.
        is_member = names.index(account) % 2 == 0
        root = "org/AWSLogs/o-exampleorg1" if is_member else "AWSLogs"
        _write(bucket / key(account, region, at, f"{number:016d}", root=root), log_file(number * records, records, at))
        if number % 10 == 0:
            digest = json.dumps({"awsAccountId": account, "logFiles": []}).encode()
            name = f"{account}_CloudTrail-Digest_{region}_trail_{region}_{at:%Y%m%dT%H%M%S}Z.json.gz"
            _write(bucket / f"{root}/{account}/CloudTrail-Digest/{region}/{at:%Y/%m/%d}/{name}", gzip.compress(digest))
        if number % 40 == 0:
            insight = key(account, region, at, f"{number:016d}", root=root, folder="CloudTrail-Insight")
            _write(bucket / insight, gzip.compress(trail(insight_record(number, at=at))))
            _write(bucket / f"{root}/{account}/vpcflowlogs/{region}/{at:%Y/%m/%d}/{number}.log.gz", b"2 111122223333")
    return files * records


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
