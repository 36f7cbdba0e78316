"""
Samples of a detection: events that must make it fire, and lookalikes, each differing in one thing, that must not.

They lie beside it, `<name>.samples.json`:

    {
      "base": {"eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "requestParameters.userName": "eve"},
      "fires": [{"case": "a user is made"}],
      "quiet": [{"case": "the call failed", "set": {"errorCode": "AccessDenied"}}]
    }

A case is one event, the base with what `set` changes; or `events`, a list of such changes, each with `times`, `every`
and `after` where there are several; `context` is the same for events around them that no finding has to name. Keys are
paths with dots, null takes a field away. Whole records may stand in `records`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from trailql.errors import DetectionError

OWN_ACCOUNT, OTHER_ACCOUNT = "111122223333", "222233334444"
"""The account of a sample, and another one of its organization; each case gets two of its own in their place."""
_BEGIN = datetime(2026, 10, 14, 10, 0, 0, tzinfo=UTC)
_EVERY = re.compile(r"^-?(\d+)(s|m|h|d)$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BASE: Mapping[str, Any] = {
    "eventVersion": "1.11",
    "userIdentity": {
        "type": "IAMUser",
        "principalId": "AIDA111122223333EXAM",
        "arn": "arn:aws:iam::111122223333:user/alice",
        "accountId": OWN_ACCOUNT,
        "accessKeyId": "AKIA111122223333EXAM",
        "userName": "alice",
    },
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "198.51.100.7",
    "userAgent": "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux",
    "requestParameters": None,
    "responseElements": None,
    "readOnly": False,
    "eventType": "AwsApiCall",
    "managementEvent": True,
    "recipientAccountId": OWN_ACCOUNT,
    "eventCategory": "Management",
}


@dataclass(frozen=True, slots=True)
class Case:
    """
    One case of a detection's samples.

    Args:
        detection: The detection's id.
        name: What it shows.
        fires: Whether the detection must fire.
        records: CloudTrail records that a finding has to name, all of them, if it fires.
        context: Records around them.
    """

    detection: str
    name: str
    fires: bool
    records: tuple[Mapping[str, Any], ...]
    context: tuple[Mapping[str, Any], ...]


def samples_path(sql: Path) -> Path:
    """Where the samples of a SQL file lie."""
    return sql.with_suffix(".samples.json")


def cases_of(detection: str, sql: Path, *, number: int = 0) -> list[Case]:
    """
    The cases of a detection, each with accounts and event ids of its own, so that all may lie in one lake.

    Args:
        detection: The detection's id.
        sql: Its file.
        number: The first case's number; a later call goes on behind the last.

    Raises:
        DetectionError: There are none, or they are malformed.
    """
    path = samples_path(sql)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DetectionError("it has no samples", at=str(sql), hint=f"{path.name} beside it") from error
    except ValueError as error:
        raise DetectionError(f"not JSON: {error}", at=str(path)) from error
    found: list[Case] = []
    for kind in ("fires", "quiet"):
        listed = document.get(kind)
        if not isinstance(listed, list) or not listed:
            raise DetectionError(f"there is no case in {kind!r}", at=str(path))
        for each in listed:
            found.append(_case(detection, document.get("base") or {}, each, kind == "fires", number + len(found), path))
    return found


def _case(
    detection: str, base: Mapping[str, Any], case: Mapping[str, Any], fires: bool, number: int, path: Path
) -> Case:
    if unknown := set(case) - {"case", "set", "events", "context", "records"}:
        raise DetectionError(f"case {case.get('case')!r} has {', '.join(sorted(unknown))}", at=str(path))
    if not case.get("case"):
        raise DetectionError("a case has no name: 'case'", at=str(path))
    named = f"{detection}/{case['case']}"
    try:
        if "records" in case:
            records, context = list(case["records"]), list(case.get("context") or [])
        else:
            changed = {**base, **(case.get("set") or {})}
            records = list(_events(changed, case.get("events") or [{}], f"{named}/r"))
            context = list(_events(changed, case.get("context") or [], f"{named}/c"))
    except (ValueError, KeyError, TypeError) as error:
        raise DetectionError(f"case {case['case']!r}: {error}", at=str(path)) from error
    return Case(
        detection,
        str(case["case"]),
        fires,
        tuple(with_accounts_of_its_own(each, number) for each in records),
        tuple(with_accounts_of_its_own(each, number) for each in context),
    )


def _events(base: Mapping[str, Any], listed: list[Mapping[str, Any]], named: str) -> Iterator[dict[str, Any]]:
    moment = _BEGIN
    for place, each in enumerate(listed):
        if unknown := set(each) - {"set", "times", "every", "after"}:
            raise ValueError(f"an event has {', '.join(sorted(unknown))}")
        moment += _span(each.get("after", "0s"))
        for turn in range(int(each.get("times", 1))):
            record = json.loads(json.dumps(_BASE))
            for key, value in json.loads(json.dumps({**base, **(each.get("set") or {})})).items():
                filled = value.replace("{n}", str(turn)) if isinstance(value, str) else value
                _put(record, key.split("."), filled)
            record.setdefault(
                "eventTime", (moment + turn * _span(each.get("every", "1s"))).strftime("%Y-%m-%dT%H:%M:%SZ")
            )
            record.setdefault("eventID", str(uuid5(NAMESPACE_URL, f"{named}/{place}/{turn}")))
            record.setdefault("requestID", str(uuid5(NAMESPACE_URL, f"{named}/{place}/{turn}/request")))
            yield record
        moment += (int(each.get("times", 1)) - 1) * _span(each.get("every", "1s"))


def _span(text: str) -> timedelta:
    found = _EVERY.match(text)
    if not found:
        raise ValueError(f"{text!r} is no length of time, as 20s or 5m")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]] * (-1 if text.startswith("-") else 1))


def _put(record: dict[str, Any], keys: list[str], value: Any) -> None:
    inside = record
    for key in keys[:-1]:
        if not isinstance(inside.get(key), dict):
            inside[key] = {}
        inside = inside[key]
    if value is None:
        inside.pop(keys[-1], None)
    else:
        inside[keys[-1]] = value


def with_accounts_of_its_own(record: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    """The record with accounts of its case alone."""
    text = json.dumps(record).replace(OWN_ACCOUNT, f"{100000000001 + 2 * number}")
    found: dict[str, Any] = json.loads(text.replace(OTHER_ACCOUNT, f"{100000000002 + 2 * number}"))
    found["eventID"] = str(uuid5(NAMESPACE_URL, f"{number}/{found['eventID']}"))
    return found
