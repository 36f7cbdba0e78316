"""
Delivery: records become log files under the key layout that CloudTrail uses in S3.

A file holds what one account did in one region within five minutes and is delivered three to ten minutes after
its events, so the folder and the minute in its name are delivery time, not event time.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from sample_logs.organization import ORGANIZATION
from sample_logs.records import Record

WINDOW = timedelta(minutes=5)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass
class LogFile:
    """
    One log file of the sample, still in memory; oddities are added to it before it is written.

    Args:
        account, region: Whose events it holds.
        delivered: The delivery minute.
        unique: The 16 characters that tell files of one minute apart.
        records: Its events, in no promised order.
    """

    account: str
    region: str
    delivered: datetime
    unique: str
    records: list[Record]

    @property
    def key(self) -> str:
        """
        Where it lies in the bucket.
        """
        minute = f"{self.delivered:%Y%m%dT%H%MZ}"
        folder = folder_key(self.account, "CloudTrail", self.region, self.delivered)
        return f"{folder}/{self.account}_CloudTrail_{self.region}_{minute}_{self.unique}.json.gz"

    @property
    def body(self) -> bytes:
        """
        What is compressed: one line of compact JSON.
        """
        return to_json({"Records": self.records})


def folder_key(account: str, kind: str, region: str, delivered: datetime) -> str:
    """
    The folder for a kind of file (`CloudTrail`, `CloudTrail-Digest`, `CloudTrail-Insight`) and a day.
    """
    return f"AWSLogs/{ORGANIZATION}/{account}/{kind}/{region}/{delivered:%Y/%m/%d}"


def unique_name(rng: Random) -> str:
    """
    Sixteen letters and digits without meaning.
    """
    return "".join(rng.choice(_ALPHABET) for _ in range(16))


def to_json(document: object) -> bytes:
    """
    Compact JSON, as CloudTrail writes it.
    """
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def event_time(record: Record) -> datetime:
    """
    `eventTime` as a time again.
    """
    return datetime.strptime(record["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def deliver(records: Iterable[Record], rng: Random) -> list[LogFile]:
    """
    Cut each account's and region's events into files.

    Returns:
        The files in the order of their keys.
    """
    by_place: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        by_place.setdefault((record["recipientAccountId"], record["awsRegion"]), []).append(record)
    files = []
    for (account, region), own in sorted(by_place.items()):
        for window in _windows(sorted(own, key=lambda record: (record["eventTime"], record["eventID"]))):
            delivered = _delivery_minute(event_time(window[-1]))
            rng.shuffle(window)
            files.append(LogFile(account, region, delivered, unique_name(rng), window))
    return sorted(files, key=lambda file: file.key)


def _windows(records: list[Record]) -> list[list[Record]]:
    windows: list[list[Record]] = []
    end = datetime.min.replace(tzinfo=UTC)
    for record in records:
        time = event_time(record)
        if time >= end:
            windows.append([])
            end = time + WINDOW
        windows[-1].append(record)
    return windows


def _delivery_minute(newest: datetime) -> datetime:
    """
    The first whole minute at least three minutes after the newest event.
    """
    return (newest + timedelta(minutes=3, seconds=59)).replace(second=0)


def compress(body: bytes) -> bytes:
    """
    Gzip without name or time in the header, so equal bodies give equal files.
    """
    return gzip.compress(body, 9, mtime=0)


def write_tree(objects: dict[str, bytes], target: Path) -> None:
    """
    Write each object (key to stored bytes) below a folder.
    """
    for key, stored in sorted(objects.items()):
        path = target / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored)
