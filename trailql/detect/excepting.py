"""
Findings that are known and allowed: set apart with their reason, never dropped.

Events are grouped into findings first. A finding is set apart only if everything it groups is covered: an address or
Region it has several of is not, and a `resource` must be named by the request of every event, since a finding shows
the first one's alone.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from trailql.detect.finding import Finding
from trailql.lake.lake import open_lake_folder
from trailql.query.engine import OpenLake

CONDITIONS = ("account", "actor", "network", "region", "resource")
_REQUESTS = """
    SELECT requestParameters FROM events
    WHERE eventTime BETWEEN $first AND $last AND eventID IN (SELECT unnest($ids))
      AND coalesce(recipientAccountId, userIdentity.accountId) IS NOT DISTINCT FROM $account
"""
_NOT_RESOURCES = frozenset({"calls", "eventName", "errorCode", "requestParameters"})

Requests = Callable[[Finding], Sequence[str | None]]
"""Gives the `requestParameters` of all events of a finding; fewer than its events where they cannot all be seen."""


@dataclass(frozen=True, slots=True)
class ExceptRule:
    """
    One exception. All conditions that are given must hold.

    Args:
        detection: The id of the detection whose findings it sets apart.
        reason: Why they are allowed.
        expires: The last day it holds, UTC; None for ever.
        account: The account.
        actor: Glob of the actor's ARN.
        network: The network that the address lies in.
        region: The Region.
        resource: Glob of a text in the request's parameters or the finding's numbers.
    """

    detection: str
    reason: str
    expires: date | None
    account: str | None = None
    actor: str | None = None
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    region: str | None = None
    resource: str | None = None

    def has_expired(self, today: date) -> bool:
        """Whether its last day lies before this one."""
        return self.expires is not None and self.expires < today

    def covers(self, finding: Finding, requests: Requests) -> bool:
        """Whether a finding is one of those."""
        return (
            finding.id == self.detection
            and self.account in (None, finding.account)
            and self.region in (None, finding.region)
            and (self.actor is None or fnmatchcase(finding.actor or "", self.actor))
            and (self.network is None or _lies_in(finding.source_ip, self.network))
            and (self.resource is None or _names(finding, self.resource, requests))
        )


@dataclass(frozen=True, slots=True)
class Excepted:
    """A finding and the exception that sets it apart."""

    finding: Finding
    rule: ExceptRule


def set_apart(
    findings: Sequence[Finding], rules: Sequence[ExceptRule], lake: str | Path, today: date
) -> tuple[list[Finding], list[Excepted]]:
    """
    Findings that no exception covers, and those that one does.

    Args:
        findings: As they were found.
        rules: The exceptions; of several that cover a finding the first is named.
        lake: Where the findings' events can be looked up.
        today: What has expired before does not count.
    """
    holding = [rule for rule in rules if not rule.has_expired(today)]
    left: list[Finding] = []
    apart: list[Excepted] = []
    with ExitStack() as things:
        opened: list[OpenLake] = []

        def requests(finding: Finding) -> list[str | None]:
            if not opened:
                opened.append(things.enter_context(OpenLake(open_lake_folder(lake))))
            return _requests(opened[0], finding)

        for finding in findings:
            rule = next((rule for rule in holding if rule.covers(finding, requests)), None)
            if rule:
                apart.append(Excepted(finding, rule))
            else:
                left.append(finding)
    return left, apart


def _requests(lake: OpenLake, finding: Finding) -> list[str | None]:
    parameters = {
        "first": finding.first_event_time,
        "last": finding.last_event_time + timedelta(seconds=1),
        "ids": list(finding.event_ids),
        "account": finding.account,
    }
    return [row["requestParameters"] for row in lake.sql(_REQUESTS, parameters, dialect="duckdb").dicts()]


def _lies_in(source: str | None, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        address = ipaddress.ip_address(source or "")
    except ValueError:  # a service, or several addresses
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address) in network


def _names(finding: Finding, pattern: str, requests: Requests) -> bool:
    request = finding.numbers.get("requestParameters")
    if request is None:
        texts = [list(_texts(value)) for name, value in finding.numbers.items() if name not in _NOT_RESOURCES]
        return any(each and all(fnmatchcase(text, pattern) for text in each) for each in texts)
    if not _has_text(request, pattern):
        return False
    events = finding.numbers.get("calls", 1)
    if events == 1:
        return True
    asked = requests(finding)
    return len(asked) >= events and all(_has_text(each, pattern) for each in asked)


def _has_text(request: str | None, pattern: str) -> bool:
    try:
        value = json.loads(request or "null")
    except ValueError:
        value = request
    return any(fnmatchcase(text, pattern) for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    """Every text inside a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
