"""
Who and where in CloudTrail records: ids, times, places, callers.

The identities are shared by all records of a session: treat them as read-only.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from random import Random
from typing import Any

Identity = dict[str, Any]

CLI = "aws-cli/2.31.3 md/awscrt#0.27.6 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.7 md/installer#exe"
BOTO = (
    "Boto3/1.42.11 md/Botocore#1.42.11 ua/2.1 os/linux#6.1.150 md/arch#x86_64 lang/python#3.12.11 cfg/retry-mode#legacy"
)
JAVA = (
    "aws-sdk-java/2.34.2 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1.150 lang/java#21.0.8 md/vendor#Amazon.com_Inc."
)
SSM_AGENT = "aws-sdk-go/1.55.7 (go1.24.6; linux; amd64) amazon-ssm-agent/3.3.2746.0"
CONSOLE = "aws-internal/3 aws-sdk-java/2.34.2 ua/2.1 os/Linux#5.10.240 lang/java#17.0.16 exec-env/console.amazonaws.com"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
BROWSER_MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Place:
    """
    One account in one region: where a call lands, and whose resources it names.
    """

    account: str
    region: str

    def id(self, kind: str, number: int) -> str:
        """
        The id of the n-th resource of a kind here, such as `i-0…` or `vol-0…`; always the same one.
        """
        return _resource_id(kind, self.account, self.region, number)

    def arn(self, service: str, rest: str) -> str:
        """
        An ARN in this account and region.
        """
        return f"arn:aws:{service}:{self.region}:{self.account}:{rest}"


@dataclass(frozen=True)
class Caller:
    """
    Who calls, from which address and with which program: what stays equal during a session.
    """

    identity: Identity
    ip: str
    agent: str


def guid(rng: Random) -> str:
    """
    A version-4 UUID, as in `eventID`.
    """
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"


def key_id(rng: Random, prefix: str = "ASIA") -> str:
    """
    An access key id that nobody can own: rightly shaped, ending in EXAMPLE.
    """
    return f"{prefix}{base64.b32encode(rng.getrandbits(48).to_bytes(6, 'big'))[:9].decode()}EXAMPLE"


def random_id(rng: Random, kind: str) -> str:
    """
    A fresh resource id, such as `snap-0…`.
    """
    return f"{kind}-0{rng.getrandbits(64):016x}"


@cache
def principal_id(prefix: str, account: str, name: str) -> str:
    """
    The unique id of a user (AIDA) or role (AROA): the same for the same name.
    """
    digest = hashlib.sha256(f"{prefix}/{account}/{name}".encode()).digest()
    return f"{prefix}{base64.b32encode(digest)[:10].decode()}EXAMPLE"


@cache
def _resource_id(kind: str, account: str, region: str, number: int) -> str:
    return f"{kind}-0{hashlib.sha256(f'{kind}/{account}/{region}/{number}'.encode()).hexdigest()[:16]}"


def iso(time: datetime) -> str:
    """
    `eventTime` as AWS writes it: UTC, whole seconds, Z.
    """
    return f"{time.isoformat()[:19]}Z"


def english(time: datetime) -> str:
    """
    A date inside `responseElements`: `Jul 18, 2023, 4:07:39 PM`, in English whatever the locale.
    """
    half = "PM" if time.hour >= 12 else "AM"
    clock = f"{time.hour % 12 or 12}:{time.minute:02}:{time.second:02}"
    return f"{_MONTHS[time.month - 1]} {time.day}, {time.year}, {clock} {half}"


def iam_user(
    account: str, name: str, *, key: str = "", console_since: datetime | None = None, mfa: bool = False
) -> Identity:
    """
    A long-lived user.

    Args:
        account: The twelve digits.
        name: The user name.
        key: AKIA… for the command line, ASIA… for a console session.
        console_since: When the console session began; None for a plain access key.
        mfa: Whether that session was opened with a second factor.
    """
    identity: Identity = {
        "type": "IAMUser",
        "principalId": principal_id("AIDA", account, name),
        "arn": f"arn:aws:iam::{account}:user/{name}",
        "accountId": account,
        "accessKeyId": key,
        "userName": name,
    }
    if console_since is not None:
        identity["sessionContext"] = {
            "sessionIssuer": {},
            "webIdFederationData": {},
            "attributes": {"creationDate": iso(console_since), "mfaAuthenticated": "true" if mfa else "false"},
        }
    return identity


def assumed_role(
    account: str,
    role: str,
    session: str,
    *,
    key: str,
    since: datetime,
    path: str = "/",
    mfa: bool = False,
    on_instance: bool = False,
    invoked_by: str | None = None,
) -> Identity:
    """
    A role session.

    Args:
        account: The role's account.
        role: The role's name, without its path.
        session: The session name; for a role on EC2 that is the instance id.
        key: The temporary ASIA… key.
        since: When the session began.
        path: The role's path, which only the issuer's ARN shows.
        mfa: Whether the caller of AssumeRole gave a second factor.
        on_instance: Whether the instance metadata service (version 2) handed out the credentials.
        invoked_by: The service that called with this role, if one did.
    """
    role_id = principal_id("AROA", account, role)
    context: dict[str, Any] = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": role_id,
            "arn": f"arn:aws:iam::{account}:role{path}{role}",
            "accountId": account,
            "userName": role,
        },
        "attributes": {"creationDate": iso(since), "mfaAuthenticated": "true" if mfa else "false"},
    }
    if on_instance:
        context["ec2RoleDelivery"] = "2.0"
    identity: Identity = {
        "type": "AssumedRole",
        "principalId": f"{role_id}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": context,
    }
    if invoked_by is not None:
        identity["invokedBy"] = invoked_by
    return identity


def aws_service(name: str) -> Identity:
    """
    An AWS service calling for itself, such as `cloudtrail.amazonaws.com`.
    """
    return {"type": "AWSService", "invokedBy": name}


def aws_account(account: str, principal: str) -> Identity:
    """
    A caller of another account, as the owner of the role or bucket sees it: no name, no ARN.
    """
    return {"type": "AWSAccount", "principalId": principal, "accountId": account}
