"""Asking a bundled question, and reading the same facts out of the records without it."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.made import TIME, Record, record
from trailql.query.engine import open_lake
from trailql.query.library import find_bundled

Row = dict[str, Any]


def ask(lake: Path, name: str, **given: Any) -> list[Row]:
    """The rows a bundled question answers with."""
    question = find_bundled(name)
    assert question is not None, name
    values = question.values({key: str(value) for key, value in given.items()})
    with open_lake(lake) as opened:
        rows: list[Row] = opened.sql(question.sql, values).dicts()
    return rows


def columns(rows: Iterable[Row], *names: str) -> list[tuple[Any, ...]]:
    """Some columns of the rows, in their order."""
    return [tuple(row[name] for name in names) for row in rows]


def read_records(root: Path) -> list[Record]:
    """Every event of a tree of trail files once, read with nothing but gzip and json."""
    found: dict[str, Record] = {}
    for path in sorted(root.rglob("CloudTrail/**/*.json.gz")):
        try:
            body = json.loads(gzip.decompress(path.read_bytes()))
        except (ValueError, EOFError):
            continue
        found |= {each["eventID"]: each for each in body["Records"]}
    return list(found.values())


def grouped(records: Iterable[Record], key: Callable[[Record], Any]) -> dict[Any, list[Record]]:
    """The records by what a function says of them."""
    groups = defaultdict(list)
    for each in records:
        groups[key(each)].append(each)
    return dict(groups)


def actor(each: Record) -> str:
    """Who is behind a record: role, principal, user by name, service, id."""
    identity = each["userIdentity"]
    issuer = identity.get("sessionContext", {}).get("sessionIssuer") or {}
    named = f"user:{identity.get('accountId', '')}:{identity['userName']}" if "userName" in identity else None
    return (
        issuer.get("arn")
        or identity.get("arn")
        or named
        or identity.get("invokedBy")
        or identity.get("principalId")
        or "unknown"
    )


def api(each: Record) -> str:
    return f"{each['eventSource']}:{each['eventName']}"


def at(each: Record) -> datetime:
    return datetime.fromisoformat(each["eventTime"])


def span(records: Iterable[Record]) -> tuple[datetime, datetime]:
    """The first and the last time."""
    times = [at(each) for each in records]
    return min(times), max(times)


def failed(records: Iterable[Record]) -> int:
    return sum("errorCode" in each for each in records)


def changes(records: Iterable[Record]) -> int:
    return sum(each["readOnly"] is False for each in records)


def refused(records: Iterable[Record]) -> int:
    return sum(
        any(word in each.get("errorCode", "") for word in ("AccessDenied", "UnauthorizedOperation")) for each in records
    )


def is_from_service(each: Record) -> bool:
    identity = each["userIdentity"]
    return identity.get("type") == "AWSService" or "invokedBy" in identity


def made(number: int, name: str, minutes: float = 0, **fields: Any) -> Record:
    """
    One record of any call that changes something, by the user web-developer.

    Args:
        number: Which record.
        name: `service:eventName`.
        minutes: How long after TIME.
        fields: Top-level fields to replace or add; `request` and `response` for short.
    """
    service, event_name = name.split(":")
    time = (TIME + timedelta(minutes=minutes)).astimezone(UTC)
    defaults = {
        "eventSource": f"{service}.amazonaws.com",
        "eventName": event_name,
        "eventTime": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        "readOnly": False,
        "requestParameters": fields.pop("request", None),
        "responseElements": fields.pop("response", None),
    }
    return record(number) | defaults | fields
