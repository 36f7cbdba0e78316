"""Event history: an API of fifty events a page and two requests a second."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import read_table
from tests.made import record, text
from tests.s3.made_bucket import event_id
from trailql.errors import UsageError
from trailql.ingest import IngestSummary, Selection, ingest_event_history
from trailql.sources.aws import Aws
from trailql.sources.event_history import EventHistory, Span, missing, read_uri

_NOW = datetime.now(UTC).replace(microsecond=0)
_CALLER = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::111122223333:user/a</Arn><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId><Account>111122223333</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""

pytestmark = pytest.mark.usefixtures("credentials")


class Service(BaseHTTPRequestHandler):
    """LookupEvents as documented: newest first, both ends included, tokens, and a limit that it enforces."""

    protocol_version = "HTTP/1.1"
    events: dict[str, list[tuple[datetime, str]]]
    asked: list[tuple[float, str]]
    limit_per_second = 0
    fails_after = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b"GetCallerIdentity" in body:
            return self._answer(200, _CALLER.encode(), "text/xml")
        region = self.headers["Authorization"].split("/")[2]
        now = time.monotonic()
        recent = [at for at, where in self.asked if where == region and now - at < 1]
        self.asked.append((now, region))
        if self.limit_per_second and len(recent) >= self.limit_per_second:
            return self._error("ThrottlingException", "Rate exceeded")
        if self.fails_after and len(self.asked) > self.fails_after:
            return self._error("AccessDeniedException", "User is not authorized to perform: cloudtrail:LookupEvents")
        asked = json.loads(body)
        since, until = float(asked["StartTime"]), float(asked["EndTime"])
        found = [one for one in self.events.get(region, []) if since <= one[0].timestamp() <= until]
        found.sort(key=lambda one: one[0], reverse=True)
        first = int(asked.get("NextToken", 0))
        page = [
            {"EventId": json.loads(told)["eventID"], "EventTime": at.timestamp(), "CloudTrailEvent": told}
            for at, told in found[first : first + 50]
        ]
        answer: dict[str, Any] = {"Events": page}
        if first + 50 < len(found):
            answer["NextToken"] = str(first + 50)
        return self._answer(200, json.dumps(answer).encode(), "application/x-amz-json-1.1")

    def _error(self, kind: str, message: str) -> None:
        self._answer(400, json.dumps({"__type": kind, "message": message}).encode(), "application/x-amz-json-1.1")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        return None


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Service]]:
    """The service, which boto3 finds through the environment."""
    kind = type("OneService", (Service,), {"events": {}, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield kind
    server.shutdown()
    server.server_close()


def happened(count: int, region: str, *, every: timedelta, first: int = 0) -> list[tuple[datetime, str]]:
    """So many events of a Region, the newest two hours ago."""
    newest = _NOW - timedelta(hours=2)
    found = []
    for number in range(first, first + count):
        at = newest - every * (number - first)
        found.append((at, text(record(0, at=at) | {"eventID": event_id(number), "awsRegion": region})))
    return found


def fetch(lake: Path, *regions: str, days: int = 2, pages: int = 4, pause: float = 0.0) -> IngestSummary:
    """Fetch the last days."""
    aws = Aws()
    selection = Selection(since=_NOW - timedelta(days=days), regions=frozenset(regions))
    history = EventHistory(aws, seconds_between=pause, chunk_pages=pages)
    return ingest_event_history(lake, selection=selection, aws=aws, history=history)


def test_every_event_of_two_regions(service: type[Service], lake_dir: Path) -> None:
    """All pages of all Regions arrive, events of one second on a page's edge included; again brings nothing."""
    service.events = {
        "us-east-1": happened(730, "us-east-1", every=timedelta(seconds=0)),  # all within one second
        "eu-west-1": happened(505, "eu-west-1", every=timedelta(minutes=3), first=10_000),
    }

    first = fetch(lake_dir, "us-east-1", "eu-west-1")

    assert (1235, 0, 0) == (first.events_added, first.rejected, first.duplicates_dropped)
    expected = [*map(event_id, range(730)), *map(event_id, range(10_000, 10_505))]
    assert sorted(expected) == sorted(row["eventID"] for row in read_table(lake_dir, "events"))
    assert {"lookup-events"} == {row["container"] for row in read_table(lake_dir, "files") if row["records"]}

    asked = len(service.asked)
    again = fetch(lake_dir, "us-east-1", "eu-west-1")
    assert 0 == again.events_added
    assert 2 == len(service.asked) - asked  # each Region's last half hour


def test_broken_off_run_goes_on_where_it_stopped(service: type[Service], lake_dir: Path) -> None:
    """What was fetched before the service refused is in the lake, and is not asked for again."""
    service.events = {"eu-west-1": happened(1000, "eu-west-1", every=timedelta(minutes=2))}
    service.fails_after = 13

    with pytest.raises(Exception, match="access denied"):
        fetch(lake_dir, "eu-west-1", pages=4)
    held = len(read_table(lake_dir, "events"))
    assert 12 * 50 == held

    service.fails_after = 0
    service.asked.clear()
    rest = fetch(lake_dir, "eu-west-1", pages=4)

    assert 1000 == len(read_table(lake_dir, "events"))
    assert 400 == rest.events_added
    assert len(service.asked) <= 400 / 50 + 2


def test_two_requests_a_second(service: type[Service], lake_dir: Path) -> None:
    """The pace is that of the service, for each Region by itself."""
    service.limit_per_second = 3
    service.events = {
        region: happened(250, region, every=timedelta(minutes=1), first=n * 1000)
        for n, region in enumerate(("us-east-1", "eu-west-1"))
    }

    started = time.monotonic()
    summary = fetch(lake_dir, "us-east-1", "eu-west-1", pause=0.5)

    assert 500 == summary.events_added
    assert 2.0 <= time.monotonic() - started < 8
    assert 10 == len(service.asked)  # nothing was refused and asked again


def test_no_events_is_remembered(service: type[Service], lake_dir: Path) -> None:
    """A quiet account's history is fetched once."""
    first = fetch(lake_dir, "eu-west-1")
    assert (0, 1, 0) == (first.events_added, first.empty, first.rejected)
    assert [] == read_table(lake_dir, "events")


def test_account_cannot_be_chosen(lake_dir: Path) -> None:
    """The history is that of the credentials' account."""
    with pytest.raises(UsageError):
        ingest_event_history(lake_dir, selection=Selection(accounts=frozenset({"111122223333"})), aws=Aws())
    assert not lake_dir.exists()


def at(hour: float) -> datetime:
    """A time of one day."""
    return datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=hour)


@pytest.mark.parametrize(
    ("have", "expected"),
    [
        ([], [(0, 24)]),
        ([(0, 24)], []),
        ([(0, 10)], [(10, 24)]),
        ([(10, 24)], [(0, 10)]),
        ([(5, 10), (12, 20)], [(20, 24), (10, 12), (0, 5)]),
        ([(5, 15), (12, 20), (2, 6)], [(20, 24), (0, 2)]),
        ([(-9, -3)], [(0, 24)]),
        ([(-9, 3), (23, 40)], [(3, 23)]),
    ],
)
def test_what_is_missing(have: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    """The gaps between what is there, newest first."""
    spans = [Span(at(since), at(until)) for since, until in have]
    assert [Span(at(since), at(until)) for since, until in expected] == missing(Span(at(0), at(24)), spans)


@pytest.mark.parametrize("uri", ["", "s3://b/k", "event-history://1/r/a/b"])
def test_other_uris(uri: str) -> None:
    """Only URIs of event history name a span."""
    assert read_uri(uri) is None
