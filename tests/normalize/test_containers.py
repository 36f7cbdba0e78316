"""Whatever container a record travelled in, the same record comes out."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.compared import is_same_record, parsed
from tests.conftest import Ingest, Rows
from tests.made import Record, event_ids, record, text, trail, write_file
from trailql.errors import BadLogFile
from trailql.normalize.containers import unwrap

ONE, TWO = record(1, userAgent='quoted " and \\ and é'), record(2)
BOTH = [ONE, TWO]


def message(*records: Record) -> Record:
    """A CloudWatch Logs subscription's message."""
    return {
        "messageType": "DATA_MESSAGE",
        "owner": "111122223333",
        "logGroup": "trail",
        "logStream": "111122223333_CloudTrail_us-east-1",
        "subscriptionFilters": ["all"],
        "logEvents": [{"id": str(n), "timestamp": 1, "message": text(one)} for n, one in enumerate(records)],
    }


def packed(value: Any) -> str:
    """JSON, gzipped, in base64."""
    return base64.b64encode(gzip.compress(text(value).encode())).decode()


def looked_up(one: Record) -> Record:
    """An element of what LookupEvents answers."""
    return {
        "EventId": one["eventID"],
        "EventName": one["eventName"],
        "ReadOnly": "true",
        "EventTime": "2026-10-01T14:30:00+02:00",
        "Resources": [],
        "CloudTrailEvent": text(one),
    }


def from_bus(one: Record) -> Record:
    """An event of EventBridge."""
    return {
        "version": "0",
        "id": "0-0",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.ec2",
        "account": "111122223333",
        "time": one["eventTime"],
        "region": "us-east-1",
        "resources": [],
        "detail": one,
    }


def insights_row(one: Record) -> list[Record]:
    """A row of a CloudWatch Logs Insights result."""
    cells = {"@timestamp": "2026-10-01 12:30:00.000", "@message": text(one), "@ptr": "x"}
    return [{"field": field, "value": value} for field, value in cells.items()]


def lines(*values: Any) -> bytes:
    """One JSON value a line."""
    return "\n".join(map(text, values)).encode() + b"\n"


EXPORT_TIME = b"2026-10-01T12:30:00.000Z "
CONTAINERS = {
    "trail-file": (trail(*BOTH), "trail"),
    "trail-file-with-white-space": (b" " + json.dumps({"Records": BOTH}).encode() + b"\n", "trail"),
    "trail-file-pretty-printed": (json.dumps({"Records": BOTH}, indent=4).encode(), "trail"),
    "trail-file-with-byte-order-mark": (b"\xef\xbb\xbf" + trail(*BOTH), "trail"),
    "trail-file-with-more-members": (text({"Records": BOTH, "NextToken": "x"}).encode(), "trail"),
    "trail-files-one-behind-the-other": (trail(ONE) + trail(TWO), "trail"),
    "bare-array": (text(BOTH).encode(), "array"),
    "bare-array-pretty-printed": (json.dumps(BOTH, indent=2).encode(), "array"),
    "records-one-a-line": (lines(*BOTH), "ndjson"),
    "records-one-a-line-crlf": (lines(*BOTH).replace(b"\n", b"\r\n"), "ndjson"),
    "records-with-empty-lines": (lines(ONE) + b"\n\n" + lines(TWO), "ndjson"),
    "records-pretty-printed-one-behind-the-other": (
        b"\n".join(json.dumps(r, indent=2).encode() for r in BOTH),
        "ndjson",
    ),
    "records-without-separator": (b"".join(text(one).encode() for one in BOTH), "ndjson"),
    "LookupEvents": (text({"Events": [looked_up(one) for one in BOTH], "NextToken": "x"}).encode(), "lookup-events"),
    "LookupEvents-one-a-line": (lines(*map(looked_up, BOTH)), "lookup-events"),
    "EventBridge-one-a-line": (lines(*map(from_bus, BOTH)), "eventbridge"),
    "EventBridge-array": (text([from_bus(one) for one in BOTH]).encode(), "eventbridge"),
    "subscription-message": (text(message(*BOTH)).encode(), "subscription"),
    "subscription-by-Firehose": (b"".join(text(message(one)).encode() for one in BOTH), "subscription"),
    "subscription-by-Lambda": (text({"awslogs": {"data": packed(message(*BOTH))}}).encode(), "subscription"),
    "subscription-by-Kinesis": (
        text(
            {"Records": [{"kinesis": {"data": packed(message(one))}, "eventSource": "aws:kinesis"} for one in BOTH]}
        ).encode(),
        None,
    ),
    "subscription-by-Firehose-transformation": (
        text({"records": [{"recordId": "1", "data": packed(message(one))} for one in BOTH]}).encode(),
        "subscription",
    ),
    "subscription-with-control-message": (
        text(message() | {"messageType": "CONTROL_MESSAGE"}).encode() + text(message(*BOTH)).encode(),
        "subscription",
    ),
    "filter-log-events": (
        text({"events": [{"timestamp": 1, "message": text(one)} for one in BOTH]}).encode(),
        "log-events",
    ),
    "Logs-Insights-rows": (text([insights_row(one) for one in BOTH]).encode(), None),
    "Logs-Insights-answer": (
        text({"results": [insights_row(one) for one in BOTH], "status": "Complete"}).encode(),
        None,
    ),
    "Logs-export": (b"".join(EXPORT_TIME + lines(one) for one in BOTH), "ndjson"),
    "Elastic-event.original": (lines(*({"event": {"original": text(one)}} for one in BOTH)), None),
    "Elastic-dotted": (lines(*({"@timestamp": "x", "event.original": text(one)} for one in BOTH)), "elastic"),
    "Elastic-_source": (
        lines(*({"_index": "x", "_source": {"event": {"original": text(one)}}} for one in BOTH)),
        "elastic",
    ),
    "Splunk-HEC": (lines(*({"time": 1, "sourcetype": "aws:cloudtrail", "event": one} for one in BOTH)), None),
    "Splunk-HEC-text": (lines(*({"time": 1, "event": text(one)} for one in BOTH)), None),
    "Splunk-_raw": (lines(*({"preview": False, "result": {"_raw": text(one)}} for one in BOTH)), "splunk"),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_records_come_out_of_every_container(name: str) -> None:
    """Both records come out of each container, in order and unchanged, and the container is told."""
    body, container = CONTAINERS[name]

    unwrapped = unwrap(body, origin=name)

    assert all(map(is_same_record, BOTH, [parsed(bytes(one)) for one in unwrapped.records]))
    assert 2 == len(unwrapped.records)
    assert container in (None, unwrapped.container)


@pytest.mark.parametrize(
    ("body", "container"),
    [
        pytest.param(text(ONE).encode(), "object", id="single-object"),
        pytest.param(json.dumps(ONE, indent=2).encode(), "object", id="single-object-pretty-printed"),
        pytest.param(text(looked_up(ONE)).encode(), "lookup-events", id="single-LookupEvents-element"),
        pytest.param(text(from_bus(ONE)).encode(), "eventbridge", id="single-EventBridge-event"),
        pytest.param(EXPORT_TIME + text(ONE).encode(), None, id="single-export-line"),
    ],
)
def test_single_record(body: bytes, container: str | None) -> None:
    """One record alone is enough of a file."""
    unwrapped = unwrap(body, origin="x")

    assert [ONE] == [parsed(bytes(one)) for one in unwrapped.records]
    assert container in (None, unwrapped.container)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"Records":[]}', id="trail-file"),
        pytest.param(b'{ "Records" : [ ] }', id="trail-file-with-white-space"),
        pytest.param(b"[]", id="array"),
        pytest.param(b'{"Events":[]}', id="LookupEvents"),
        pytest.param(text(message() | {"messageType": "CONTROL_MESSAGE"}).encode(), id="control-message"),
    ],
)
def test_container_without_records(body: bytes) -> None:
    """A container with nothing in it is fine, and empty."""
    assert [] == unwrap(body, origin="x").records


def test_all_containers_in_one_lake(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """The same two events in every container, gzipped or not, are two events in the lake."""
    for number, (name, (body, _)) in enumerate(CONTAINERS.items()):
        write_file(logs, f"{name}.json", gzip.compress(body) if number % 2 else body)

    summary = ingest()

    assert [] == summary.problems
    assert event_ids(BOTH) == event_ids(rows())
    assert 2 * len(CONTAINERS) - 2 == summary.duplicates_dropped


def test_repeated_member_of_the_container_is_not_passed_over() -> None:
    """With two `Records` lists in one object, which one is meant cannot be told: the file is named as rejected."""
    body = f'{{"Records":[{text(ONE)}],"Records":[{text(TWO)}]}}'.encode()

    with pytest.raises(BadLogFile, match="two lists"):
        unwrap(body, origin="x")


def test_line_ends_belong_to_no_record() -> None:
    """Of lines that end in CR LF, the CR is no part of a record's text."""
    found = unwrap(lines(*BOTH).replace(b"\n", b"\r\n"), origin="a.json")

    assert [text(one).encode() for one in BOTH] == found.records
