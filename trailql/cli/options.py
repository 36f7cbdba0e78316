"""Options that several commands share, and what their texts mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from trailql.errors import UsageError
from trailql.report.rows import Format
from trailql.report.text import iso

if TYPE_CHECKING:
    from trailql.lake.lake import Lake as OpenedLake
    from trailql.sources.aws import AwsAccess

Lake = Annotated[
    str,
    typer.Option("--lake", help="The lake's folder, or s3://bucket/prefix.", envvar="TRAILQL_LAKE", show_default=True),
]
Since = Annotated[
    str | None, typer.Option("--since", help="From this time on: 2026-10-01, 2026-10-01T06:00:00Z, or 24h, 7d ago.")
]
Until = Annotated[str | None, typer.Option("--until", help="Up to but not including this time; forms as --since.")]
OutputFormat = Annotated[Format, typer.Option("--format", help="How to print the result.")]
Output = Annotated[Path | None, typer.Option("--output", help="Write to this file instead of standard output.")]
Wide = Annotated[
    bool, typer.Option("--wide", help="One record below the other, JSON laid out, instead of a table that is cut.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress and no count of rows.")]
Parameters = Annotated[list[str] | None, typer.Option("--param", help="NAME=VALUE, again for each parameter.")]

_AWS = "Reaching AWS"
Profile = Annotated[
    str | None, typer.Option("--profile", help="Profile of the AWS configuration files.", rich_help_panel=_AWS)
]
RoleArn = Annotated[
    str | None, typer.Option("--role-arn", help="Role to assume, such as a read-only audit role.", rich_help_panel=_AWS)
]
ExternalId = Annotated[
    str | None, typer.Option("--external-id", help="External id that the role asks for.", rich_help_panel=_AWS)
]
EndpointUrl = Annotated[
    str | None,
    typer.Option(
        "--endpoint-url", help="Another S3 endpoint: a VPC endpoint, or a compatible store.", rich_help_panel=_AWS
    ),
]
RequestPayer = Annotated[
    bool, typer.Option("--request-payer", help="Pay for the requests on a requester-pays bucket.", rich_help_panel=_AWS)
]

_ROLE = re.compile(r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$", re.ASCII)
_AGO = re.compile(r"^(\d+)(m|h|d|w)$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str | None, option: str) -> datetime | None:
    """
    A point in time: an ISO date or time (UTC unless it says otherwise), or how long ago.

    Raises:
        UsageError: It is neither.
    """
    if text is None:
        return None
    ago = _AGO.match(text.strip())
    try:
        if ago:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        parsed = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{option} {text!r} is no time", hint=f"{option} 2026-10-01T06:00:00Z, or {option} 24h"
        ) from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def seconds(text: str | None, option: str) -> float | None:
    """
    A length of time in seconds: `90s`, `4m`, `2h`, `1d`.

    Raises:
        UsageError: It is none.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,6})([smhd]?)", text.strip())
    if not found:
        raise UsageError(f"{option} {text!r} is no length of time", hint=f"{option} 4m")
    return int(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]


def days(text: str, option: str) -> int:
    """
    A number of days: `3`, `3d` or `4w`.

    Raises:
        UsageError: It is none.
    """
    found = re.fullmatch(r"(\d{1,4})([dw]?)", text.strip())
    if not found:
        raise UsageError(f"{option} {text!r} is no number of days", hint=f"{option} 30d")
    return int(found[1]) * (7 if found[2] == "w" else 1)


def chosen_accounts(accounts: Iterable[str] | None) -> frozenset[str]:
    """
    `--account`, as often as it was given.

    Raises:
        UsageError: One is not 12 digits.
    """
    from trailql.sources.iam_names import check_scope

    found = frozenset(accounts or ())
    check_scope(found, None, ())
    return found


def chosen_regions(regions: Iterable[str] | None) -> frozenset[str]:
    """
    `--region`, as often as it was given.

    Raises:
        UsageError: One does not look like a Region.
    """
    from trailql.sources.iam_names import check_scope

    found = frozenset(regions or ())
    check_scope((), None, found)
    return found


def aws_access(
    profile: str | None, role_arn: str | None, external_id: str | None, endpoint_url: str | None, request_payer: bool
) -> AwsAccess:
    """
    The options for reaching AWS.

    Raises:
        UsageError: A role that is no role's ARN, an external id without a role, or an endpoint that is no URL.
    """
    from trailql.sources.aws import AwsAccess

    role = "--role-arn arn:aws:iam::111122223333:role/trailql-audit"
    if role_arn is not None and not _ROLE.fullmatch(role_arn):
        raise UsageError(f"--role-arn {role_arn!r} is not the ARN of a role", hint=role)
    if external_id is not None and role_arn is None:
        raise UsageError("--external-id is what a role asks for: --role-arn is missing", hint=role)
    if endpoint_url is not None:
        parts = urlsplit(endpoint_url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise UsageError(
                f"--endpoint-url {endpoint_url!r} is no URL", hint="--endpoint-url http://127.0.0.1:5555, or https://…"
            )
    return AwsAccess(profile, role_arn, external_id, None, endpoint_url, request_payer)


def span(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """
    `--since` and `--until` as times.

    Raises:
        UsageError: One is no time, or they leave nothing between them.
    """
    begin, end = moment(since, "--since"), moment(until, "--until")
    if begin and end and begin >= end:
        raise UsageError("--until must be later than --since")
    return begin, end


def days_there(lake: OpenedLake) -> str:
    """The days the lake has events of, by the names of its partitions alone."""
    days = _days(lake)
    return f"the lake has events of {min(days)} to {max(days)}" if days else "the lake has no events"


def nothing_there(lake: OpenedLake, begin: datetime | None, end: datetime | None) -> str:
    """That a lake has no event in a time, and of which days it has; empty where it may have some."""
    first, last = begin.date() if begin else date.min, end.date() if end else date.max
    if any(first <= day <= last for day in _days(lake)):
        return ""
    return f"no events in that time: {days_there(lake)}"


def _days(lake: OpenedLake) -> list[date]:
    return [part.day for part in lake.snapshot("events").parts if part.day is not None]


def span_in_words(begin: datetime | None, end: datetime | None) -> str:
    """A time that was looked at, for a message."""
    since, until = (iso(each)[:16].replace("T", " ") if each else "" for each in (begin, end))
    if since and until:
        return f"from {since} to {until} UTC"
    if since:
        return f"from {since} UTC on"
    return f"before {until} UTC" if until else "over all events"


def pairs(texts: Iterable[str] | None) -> dict[str, str]:
    """
    `NAME=VALUE` texts as a mapping.

    Raises:
        UsageError: One has no `=`.
    """
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--param {text!r} is no NAME=VALUE", hint="--param minutes=30")
        found[name.strip()] = value
    return found
