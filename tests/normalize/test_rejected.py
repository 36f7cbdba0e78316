"""Files that are no CloudTrail logs are rejected, each with a reason a reader understands."""

from __future__ import annotations

import base64
import gzip
import hashlib
from pathlib import Path

import pytest

from tests.conftest import Ingest, Rows
from tests.made import record, spelled, text, trail, write_file
from trailql.normalize.prepare import prepare
from trailql.sources.local import local_log_files

GOOD = trail(record())
S3_RECORD = {
    "eventVersion": "2.1",
    "eventSource": "aws:s3",
    "eventTime": "2026-10-01T12:30:00.000Z",
    "eventName": "Put",
}
NOTICE = text({"s3Bucket": "b", "s3ObjectKey": ["AWSLogs/x.json.gz"]})

REJECTED = {
    "s3-event-notification": (text({"Records": [S3_RECORD | {"s3": {}}]}).encode(), "S3 notification"),
    "s3-event-notification-spaced": (b'{"Records": [ {"eventSource": "aws:s3", "s3": {}} ]}', "S3 notification"),
    "cloudtrail-sns-notice": (NOTICE.encode(), "points at log files"),
    "sns-envelope": (text({"Type": "Notification", "Message": NOTICE}).encode(), "not CloudTrail"),
    "digest": (
        text({"awsAccountId": "1", "digestSignatureAlgorithm": "SHA256withRSA", "logFiles": []}).encode(),
        "digest",
    ),
    "aggregated": (text({"Records": [{"timeWindow": {}, "eventCategory": "Aggregated"}]}).encode(), "aggregated"),
    "html": (b"<!DOCTYPE html>\n<html></html>", "not JSON: it begins with '<!DOCTYPE html>"),
    "xml": (b'<?xml version="1.0"?><Error/>', "not JSON"),
    "csv": (b"Event name,Event time\nX,Y\n", "not JSON"),
    "binary": (bytes(range(256)) * 4, "binary data"),
    "empty": (b"", "empty"),
    "white-space": (b" \n\n", "empty"),
    "empty-gzip": (gzip.compress(b""), "empty"),
    "foreign-object": (b'{"a":1,"b":2}', "the keys a, b"),
    "no-object": (b"5", "no object with records"),
    "records-is-no-list": (b'{"Records":{}}', "not CloudTrail"),
    "gzip-cut-off": (gzip.compress(GOOD)[:-30], "truncated"),
    "gzip-header-only": (gzip.compress(GOOD)[:10], "truncated"),
    "gzip-magic-only": (b"\x1f\x8b", "truncated"),
    "gzip-followed-by-junk": (gzip.compress(GOOD) + b"junk", "after the end of the gzip stream"),
    "gzip-zeros-then-junk": (gzip.compress(GOOD) + bytes(600_000) + b"junk", "after the end of the gzip stream"),
    "gzip-damaged": (gzip.compress(GOOD)[:30] + b"\xff" * 40 + gzip.compress(GOOD)[70:], "gzip"),
    "gzip-wrong-checksum": (gzip.compress(GOOD)[:-8] + bytes(4) + gzip.compress(GOOD)[-4:], "gzip"),
    "invalid-utf-8": (GOOD.replace(b"aws-cli", b"aws-\xff\xfe"), "not UTF-8 at byte"),
    "utf-16": (GOOD.decode().encode("utf-16"), "not UTF-8"),
    "json-cut-off": (GOOD[:-20], "not valid JSON"),
    "trailing-comma": (GOOD[:-2] + b",]}", "not valid JSON"),
    "trailing-junk": (GOOD + b" x", "not valid JSON"),
    "bare-control-character": (GOOD.replace(b"aws-cli", b"aws\x01cli"), "not valid JSON"),
    "leading-zero": (trail(spelled(record(), requestParameters='{"a":01}')), "not valid JSON"),
    "deep-nesting": (b"[" * 100_000, "nested too deeply"),
    "deep-nesting-closed": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "nested too deeply"),
    "deep-nesting-in-a-record": (trail(spelled(record(), newField="[" * 5000 + "]" * 5000)), "nested too deeply"),
    "base64-that-is-none": (text({"awslogs": {"data": "%%%"}}).encode(), "neither base64 nor gzip"),
    "base64-of-cut-gzip": (
        text({"awslogs": {"data": base64.b64encode(gzip.compress(GOOD)[:-9]).decode()}}).encode(),
        "neither base64 nor gzip",
    ),
    "no-record-is-an-event": (b'{"Records":[{"eventTime":"soon","eventName":"X"}]}', "none of its records is an event"),
}


@pytest.mark.parametrize("name", [name for name in REJECTED if name != "no-record-is-an-event"])
def test_rejected_with_reason(logs: Path, name: str) -> None:
    """The file ends in one part that carries the reason, the hash of its bytes, and no record."""
    stored, reason = REJECTED[name]
    (log_file,) = local_log_files([str(write_file(logs, "bad.json.gz", stored))])

    (part,) = prepare(log_file)

    assert reason in part.problem
    assert hashlib.sha256(stored).hexdigest() == part.contents.sha256_stored
    assert 0 == part.records


def test_all_rejected_at_once(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """In one folder every bad file is named with its reason, in the summary and the ledger; the good one is read."""
    paths = {name: str(write_file(logs, f"{name}.json.gz", stored)) for name, (stored, _) in REJECTED.items()}
    write_file(logs, "good.json", GOOD)

    summary = ingest()

    named = dict(summary.problems)
    assert [] == [name for name, path in paths.items() if REJECTED[name][1] not in named.get(path, "")]
    assert (len(REJECTED), 1) == (summary.rejected, summary.events_added)
    assert named == {row["uri"]: row["reason"] for row in rows("files") if row["status"] == "rejected"}


def test_not_a_number_is_kept_or_rejected(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """NaN is no JSON: the file is rejected by name, or the record's own text is kept whole."""
    written = spelled(record(), requestParameters='{"a":NaN,"b":-Infinity}')
    write_file(logs, "a.json", trail(written))

    summary = ingest()

    assert 1 == summary.rejected + len(rows())
    assert all(
        '{"a":NaN,"b":-Infinity}' in (row["extra"] or row["requestParameters"]).replace("\\", "") for row in rows()
    )


def test_nested_gzip_keeps_to_the_size_limit(logs: Path, ingest: Ingest) -> None:
    """The limit holds for gzip inside base64, too: a small file cannot unpack to any size."""
    inner = text({"logEvents": [{"message": text(record(1, userAgent="x" * 70_000_000))}]}).encode()
    data = base64.b64encode(gzip.compress(inner)).decode()
    write_file(logs, "a.json", text({"awslogs": {"data": data}}).encode())

    assert 1 == ingest().rejected
