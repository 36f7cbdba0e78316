"""Records, containers and log files made for a test, small and real-shaped."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from sample_logs.calls import call
from sample_logs.identities import Caller, Place, iam_user

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
REGION, OTHER_REGION = "us-east-1", "eu-west-1"
TIME = datetime(2026, 10, 1, 12, 30, tzinfo=UTC)
Record = dict[str, Any]


def record(number: int = 0, *, name: str = "ec2:DescribeInstances", at: datetime = TIME, **fields: Any) -> Record:
    """
    One record of a call; each number has an eventID of its own.

    Args:
        number: Which of endlessly many.
        name: A call of `sample_logs.calls`.
        at: When it happened.
        fields: Top-level fields to replace or add.
    """
    caller = Caller(iam_user(ACCOUNT, "web-developer", key="AKIAIOSFODNN7EXAMPLE"), "192.0.2.10", "aws-cli/2.15.0")
    made = call(Random(number), at, name, caller, Place(ACCOUNT, REGION))
    copied: Record = json.loads(json.dumps(made))
    return copied | fields


def insight_record(number: int = 0, *, state: str = "Start", at: datetime = TIME, **details: Any) -> Record:
    """
    One record of CloudTrail's own Insights; Start and End of one number belong together.

    Args:
        number: Which of endlessly many.
        state: Start or End.
        at: When it began, or was over.
        details: Fields of `insightDetails` to replace or add.
    """
    average = {"Start": 14.0, "End": 11.25}.get(state, 0.0)
    statistics = {
        "baseline": {"average": 9.92063e-05},
        "insight": {"average": average},
        "insightDuration": 1 if state == "Start" else 9,
        "baselineDuration": 10080,
    }
    attribution = {"attribute": "userAgent", "insight": [{"value": "aws-cli/2.15.0", "average": average}]}
    return {
        "eventVersion": "1.09",
        "eventTime": f"{at:%Y-%m-%dT%H:%M:00Z}",
        "awsRegion": REGION,
        "eventID": f"{number:08x}-0000-4000-8000-{state.encode().hex():0>12.12}",
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": ACCOUNT,
        "sharedEventID": f"{number:08x}-1111-4000-8000-000000000000",
        "insightDetails": {
            "state": state,
            "eventSource": "ec2.amazonaws.com",
            "eventName": "ModifySnapshotAttribute",
            "insightType": "ApiCallRateInsight",
            "insightContext": {"statistics": statistics, "attributions": [attribution]},
            **details,
        },
        "eventCategory": "Insight",
    }


def without(made: Record, *names: str) -> Record:
    """The record without some of its top-level fields."""
    return {key: value for key, value in made.items() if key not in names}


def text(value: Any) -> str:
    """JSON the way CloudTrail writes it: no white space, nothing escaped needlessly."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def spelled(made: Record, **texts: str) -> str:
    """A record's JSON text in which some top-level fields are spelled out by hand."""
    members = {key: text(value) for key, value in made.items()} | texts
    return "{" + ",".join(f"{text(key)}:{value}" for key, value in members.items()) + "}"


def trail(*records: Record | str) -> bytes:
    """A trail file's uncompressed bytes; records given as text stay as they are."""
    return f'{{"Records":[{",".join(one if isinstance(one, str) else text(one) for one in records)}]}}'.encode()


def log_key(
    account: str = ACCOUNT,
    region: str = REGION,
    delivered: datetime = TIME,
    unique: str = "aB3dE6gH9jK2mN5p",
    folder: str = "CloudTrail",
) -> str:
    """The key S3 files a log under."""
    name = f"{account}_{folder}_{region}_{delivered:%Y%m%dT%H%MZ}_{unique}.json.gz"
    return f"AWSLogs/{account}/{folder}/{region}/{delivered:%Y/%m/%d}/{name}"


def write_file(root: Path, name: str, stored: bytes) -> Path:
    """Put bytes under a root, with the folders they need."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stored)
    return path


def write_log(root: Path, *records: Record | str, key: str | None = None, **where: Any) -> Path:
    """A gzipped trail file under the key layout; `where` are the arguments of `log_key`."""
    return write_file(root, key or log_key(**where), gzip.compress(trail(*records), mtime=0))


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive; equal names are allowed."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, stored in members:
            archive.writestr(zipfile.ZipInfo(name, (2026, 10, 1, 0, 0, 0)), stored, compress_type=method)
    return held.getvalue()


def tarred(*members: tuple[str, bytes], mode: str = "w") -> bytes:
    """A tar archive, gzipped with mode `w:gz`."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=mode) as archive:  # type: ignore[call-overload]
        for name, stored in members:
            info = tarfile.TarInfo(name)
            info.size = len(stored)
            archive.addfile(info, io.BytesIO(stored))
    return held.getvalue()


def event_ids(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The eventIDs of records or rows, in order."""
    return sorted(str(row["eventID"]) for row in rows)
