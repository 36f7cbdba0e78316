"""
The catalogue: make a realistic record of any call in it, knowing only who calls and where.

    caller = Caller(iam_user("111122223333", "web-developer", key="AKIAIOSFODNN7EXAMPLE"), "192.0.2.10", CLI)
    record = call(Random(7), time, "ec2:DescribeInstances", caller, Place("111122223333", "us-east-1"))
"""

from __future__ import annotations

from datetime import datetime
from random import Random

from sample_logs.identities import Caller, Place
from sample_logs.reads import READS, Build, Parts
from sample_logs.records import GLOBAL_SERVICES, Record, denied, event
from sample_logs.writes import WRITES

CATALOGUE: dict[str, Build] = READS | WRITES

_SHOWS_REQUEST_WHEN_DENIED = frozenset({"ec2", "s3"})


def call(
    rng: Random,
    time: datetime,
    name: str,
    caller: Caller,
    place: Place,
    *,
    parts: Parts | None = None,
    is_denied: bool = False,
    by_policy_of_organization: bool = False,
    error: tuple[str, str] | None = None,
    from_console: bool = False,
    shared_id: str | None = None,
    version: str | None = None,
) -> Record:
    """
    One record of a call.

    Args:
        rng: Where ids and choices come from.
        time: When it happened, UTC.
        name: `service:eventName`; it must be in the catalogue unless `parts` are given.
        caller: Who, from where, with what.
        place: The account that gets the event, and the region; a global service is logged in us-east-1.
        parts: The request and its answer, when they matter; else typical ones.
        is_denied: No policy allowed it; most services then log no parameters.
        by_policy_of_organization: It was denied, and by a service control policy.
        error: Any other `errorCode` and `errorMessage`.
        from_console, shared_id, version: As for `event`.
    """
    source, event_name = name.split(":", 1)
    if parts is None:
        parts = _who_am_i(caller) if name == "sts:GetCallerIdentity" else CATALOGUE[name](rng, place)
    if is_denied or by_policy_of_organization:
        action = _action(event_name)
        error = denied(caller.identity, source, action, by_policy_of_organization=by_policy_of_organization)
        if source not in _SHOWS_REQUEST_WHEN_DENIED:
            parts = Parts(extra=parts.extra, data=parts.data)
    return event(
        rng,
        time,
        source,
        event_name,
        caller.identity,
        "us-east-1" if source in GLOBAL_SERVICES else place.region,
        caller.ip,
        caller.agent,
        request=parts.request,
        response=parts.response,
        extra=parts.extra,
        error=error,
        resources=parts.resources,
        account=place.account,
        shared_id=shared_id,
        data=parts.data,
        from_console=from_console,
        version=version,
    )


def _who_am_i(caller: Caller) -> Parts:
    """
    GetCallerIdentity: the one call whose answer is the caller.
    """
    identity = caller.identity
    return Parts(None, {"userId": identity["principalId"], "account": identity["accountId"], "arn": identity["arn"]})


def _action(event_name: str) -> str:
    """
    The IAM action: Lambda's event names carry the date of the API, as in `ListFunctions20150331`.
    """
    return "ListAllMyBuckets" if event_name == "ListBuckets" else event_name.split("2015", 1)[0]
