"""
CloudTrail's event history: the last 90 days of management events of an account that has no trail.

LookupEvents gives fifty events a request, newest first, and allows two requests a second for an account and Region.
What has been fetched is cut into chunks of time, each a log file of its own, so that a later run goes on where this
one stopped.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

from __future__ import annotations

import io
import json
import re
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from queue import Queue
from typing import Any

from trailql.sources.aws import Aws, in_words
from trailql.sources.keys import KeyFacts
from trailql.sources.source import LogFile

DAYS_KEPT = 90
_SECONDS_BETWEEN = 0.5
_CHUNK_PAGES = 60
_SETTLED = timedelta(minutes=30)
"""Events take up to a quarter of an hour to appear; the last half hour is looked at again."""
_URI = re.compile(r"^event-history://(?P<account>\d{12})/(?P<region>[a-z0-9-]+)/(?P<since>[^/]+)/(?P<until>[^/]+)$")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of event time: after `since`, up to and with `until`; UTC."""

    since: datetime
    until: datetime


def read_uri(uri: str) -> tuple[str, str, Span] | None:
    """Account, Region and span that the URI of a chunk names."""
    found = _URI.match(uri)
    if found is None:
        return None
    span = Span(datetime.fromisoformat(found["since"]), datetime.fromisoformat(found["until"]))
    return found["account"], found["region"], span


def missing(wanted: Span, have: Iterable[Span]) -> list[Span]:
    """What of a span is not there yet, newest first."""
    gaps, until = [], wanted.until
    for span in sorted(have, key=lambda span: span.until, reverse=True):
        if span.until < wanted.since:
            break
        if span.until < until:
            gaps.append(Span(max(span.until, wanted.since), until))
        until = min(until, span.since)
        if until <= wanted.since:
            return gaps
    if until > wanted.since:
        gaps.append(Span(wanted.since, until))
    return gaps


@dataclass
class EventHistory:
    """
    The event history of one account.

    Args:
        aws: The session to ask with.
        seconds_between: Pause between two requests to a Region.
        chunk_pages: Pages in one chunk.
    """

    aws: Aws
    seconds_between: float = _SECONDS_BETWEEN
    chunk_pages: int = _CHUNK_PAGES
    stop: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def account(self) -> str:
        """
        The account asked.

        Raises:
            SourceError: The credentials are missing or not valid.
        """
        with in_words("sts:GetCallerIdentity"):
            region = self.aws.session.region_name or "us-east-1"
            return str(self.aws.client("sts", region=region).get_caller_identity()["Account"])

    def chunks(self, wanted: Iterable[tuple[str, Span]]) -> Iterator[LogFile]:
        """
        Log files of events, Regions side by side.

        Args:
            wanted: Regions and the spans to fetch.

        Raises:
            SourceError: The service refuses.
        """
        account, spans = self.account, list(wanted)
        by_region: dict[str, list[Span]] = {}
        for region, span in spans:
            by_region.setdefault(region, []).append(span)
        made: Queue[LogFile | None] = Queue(4)

        def fetch(region: str) -> None:
            try:
                for span in by_region[region]:
                    for chunk in self._span(account, region, span):
                        made.put(chunk)
                        if self.stop.is_set():
                            return
            finally:
                made.put(None)

        with ThreadPoolExecutor(max(len(by_region), 1), "trailql-history") as pool:
            fetching = [pool.submit(fetch, region) for region in by_region]
            try:
                running = len(fetching)
                while running:
                    chunk = made.get()
                    if chunk is None:
                        running -= 1
                    else:
                        yield chunk
            finally:
                self.stop.set()
                while not all(each.done() for each in fetching):
                    while not made.empty():
                        made.get_nowait()
                    time.sleep(0.02)
            for each in fetching:
                each.result()

    def _span(self, account: str, region: str, span: Span) -> Iterator[LogFile]:
        """One span in chunks, newest first; the last chunk reaches the beginning of the span."""
        client = self.aws.client("cloudtrail", region=region)
        upper = span.until
        events: list[dict[str, Any]] = []
        for pages, (page, is_last) in enumerate(self._pages(client, region, span), 1):
            events += page
            if is_last:
                yield _chunk(account, region, Span(span.since, upper), events)
            elif pages % self.chunk_pages == 0:
                # Events of the oldest second may go on on the next page: that second is not settled yet.
                oldest = min(_moment(each) for each in events)
                if oldest < upper:
                    yield _chunk(account, region, Span(oldest, upper), events)
                    upper, events = oldest, []

    def _pages(self, client: Any, region: str, span: Span) -> Iterator[tuple[list[dict[str, Any]], bool]]:
        token: dict[str, str] = {}
        while True:
            started = time.monotonic()
            with in_words(f"cloudtrail {region}"):
                answer = client.lookup_events(StartTime=span.since, EndTime=span.until, MaxResults=50, **token)
            token = {"NextToken": answer["NextToken"]} if answer.get("NextToken") else {}
            yield answer.get("Events", []), not token
            if not token:
                return
            self.stop.wait(max(0.0, self.seconds_between - (time.monotonic() - started)))


def wanted_span(since: datetime | None, until: datetime | None, now: datetime | None = None) -> Span:
    """What to ask for: at most the last 90 days, in whole seconds."""
    now = now or datetime.now(UTC)
    oldest = now - timedelta(days=DAYS_KEPT)
    begin, end = max(since or oldest, oldest), min(until or now, now)
    return Span(begin.replace(microsecond=0), end.replace(microsecond=0))


def settled(span: Span, fetched_at: datetime) -> Span:
    """The part of a fetched span that nothing can be added to any more."""
    return Span(span.since, min(span.until, fetched_at - _SETTLED))


def _chunk(account: str, region: str, span: Span, events: list[dict[str, Any]]) -> LogFile:
    kept = [{"EventId": each.get("EventId"), "CloudTrailEvent": each["CloudTrailEvent"]} for each in events]
    body = json.dumps({"Events": kept}).encode()
    uri = f"event-history://{account}/{region}/{_text(span.since)}/{_text(span.until)}"
    # The tag tells two fetches of the same span apart.
    tag = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    return LogFile(uri, len(body), tag, partial(io.BytesIO, body), KeyFacts(None, account, region))


def _moment(event: dict[str, Any]) -> datetime:
    moment: datetime = event["EventTime"]
    return moment.astimezone(UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
