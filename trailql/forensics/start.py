"""What a word on the command line names: a key, an ARN, an address, an event, an instance, or somebody's name."""

from __future__ import annotations

import ipaddress
import re

from trailql.errors import UsageError

_KEY = re.compile(r"^A[A-Z]{3}[A-Z0-9]{8,124}$")
_EVENT = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
_INSTANCE = re.compile(r"^i-[0-9a-f]{8,17}$", re.IGNORECASE)
_NUMBER = " + ".join(
    f"try_cast(split_part(sourceIPAddress, '.', {part}) AS UBIGINT) * {256 ** (4 - part)}" for part in (1, 2, 3, 4)
)
"""An IPv4 address as a number; null for everything that is none."""
_ISSUER = "userIdentity.sessionContext.sessionIssuer"

CONDITIONS = {
    "access key": "userIdentity.accessKeyId = $asked",
    "event": "eventID = $asked",
    "address": "sourceIPAddress = $asked",
    "network": f"({_NUMBER}) BETWEEN $first AND $last",
    "ARN": (
        f"(userIdentity.arn = $asked OR {_ISSUER}.arn = $asked OR starts_with(userIdentity.arn, $asked || '/')"
        f" OR ({_ISSUER}.arn IS NOT NULL AND $role <> '' AND userIdentity.accountId = $account"
        f" AND {_ISSUER}.userName = $role))"
    ),
    "root": "userIdentity.type = 'Root' AND coalesce(userIdentity.invokedBy, '') = ''",
    "instance": "ends_with(userIdentity.arn, '/' || $asked)",
    "name": (
        f"(userIdentity.userName = $asked OR {_ISSUER}.userName = $asked"
        " OR ends_with(userIdentity.arn, '/' || $asked) OR userIdentity.sessionContext.sourceIdentity = $asked)"
    ),
}
"""The events that are somebody's, by what they are named with."""


def kind_of(asked: str) -> str:
    """
    What a word is taken for: one of `CONDITIONS`.

    Raises:
        UsageError: It is empty.
    """
    if not asked.strip():
        raise UsageError("there is nothing to look for", hint="an access key, ARN, address, name, i-… or eventID")
    if asked.startswith("arn:"):
        return "ARN"
    if _KEY.match(asked):
        return "access key"
    if _EVENT.match(asked):
        return "event"
    if _INSTANCE.match(asked):
        return "instance"
    if asked == "root":
        return "root"
    return _address_kind(asked) or "name"


def values_of(asked: str, kind: str) -> dict[str, str | int]:
    """The values the kind's condition has."""
    if kind == "network":
        network = ipaddress.ip_network(asked, strict=False)
        return {"first": int(network[0]), "last": int(network[-1])}
    if kind != "ARN":
        return {"asked": asked}
    # A role's ARN of the kind sts writes, without its session: the same sessions as the role's.
    parts = asked.split(":", 5)
    role = parts[5].split("/")[1] if len(parts) == 6 and parts[5].count("/") == 1 and "assumed-role" in parts[5] else ""
    return {"asked": asked, "role": role, "account": parts[4] if len(parts) > 4 else ""}


def _address_kind(asked: str) -> str | None:
    try:
        if "/" in asked:
            network = ipaddress.ip_network(asked, strict=False)
            if network.version == 6:
                raise UsageError(f"{asked}: networks of IPv6 cannot be asked for", hint="name a single address")
            return "network"
        ipaddress.ip_address(asked)
    except ValueError:
        return None
    return "address"
