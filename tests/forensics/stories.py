"""Records of who got credentials from whom, for the tests of trace, timeline, profile and resource."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.made import ACCOUNT, OTHER_ACCOUNT, TIME, Record, record

IAM, STS, SIGNIN = "iam.amazonaws.com", "sts.amazonaws.com", "signin.amazonaws.com"
USER_KEY = "AKIAUSERUSER1EXAMPLE"
IP = "203.0.113.7"


def at(minutes: float) -> datetime:
    """So many minutes after the beginning."""
    return TIME + timedelta(minutes=minutes)


def zulu(moment: datetime) -> str:
    """As records write times."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def user(
    name: str = "alice", key: str = USER_KEY, *, account: str = ACCOUNT, created: datetime | None = None
) -> Record:
    """An IAM user with a long-lived key, or in a console session made then."""
    identity: Record = {
        "type": "IAMUser",
        "principalId": f"AIDA{name.upper():X<12}",
        "arn": f"arn:aws:iam::{account}:user/{name}",
        "accountId": account,
        "userName": name,
    }
    if key:
        identity["accessKeyId"] = key
    if created:
        identity["sessionContext"] = {"attributes": {"creationDate": zulu(created), "mfaAuthenticated": "false"}}
    return identity


def root(key: str, created: datetime | None = None) -> Record:
    """The root user in a session."""
    identity: Record = {
        "type": "Root",
        "principalId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:root",
        "accountId": ACCOUNT,
        "accessKeyId": key,
    }
    if created:
        identity["sessionContext"] = {"attributes": {"creationDate": zulu(created), "mfaAuthenticated": "true"}}
    return identity


def session(
    role: str, name: str, key: str, created: datetime, *, account: str = ACCOUNT, source_identity: str | None = None
) -> Record:
    """A role session."""
    context: Record = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": f"AROA{role.upper():X<12}",
            "arn": f"arn:aws:iam::{account}:role/path/{role}",
            "accountId": account,
            "userName": role,
        },
        "attributes": {"creationDate": zulu(created), "mfaAuthenticated": "false"},
    }
    if source_identity:
        context["sourceIdentity"] = source_identity
    return {
        "type": "AssumedRole",
        "principalId": f"AROA{role.upper():X<12}:{name}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": context,
    }


def event(number: int, who: Record, what: str, when: datetime, **fields: Any) -> Record:
    """A call of somebody, such as `iam.amazonaws.com:ListUsers`, without anything of the service's."""
    source, name = what.split(":")
    plain = {
        "userIdentity": who,
        "eventSource": source,
        "eventName": name,
        "sourceIPAddress": IP,
        "requestParameters": None,
        "responseElements": None,
        "readOnly": name.startswith(("List", "Get", "Describe", "Assume")),
        "recipientAccountId": who.get("accountId") or ACCOUNT,
    }
    return record(number, at=when, **{**plain, **fields})


def assume(number: int, who: Record, minted: Record, when: datetime, name: str = "AssumeRole", **fields: Any) -> Record:
    """The call that gave out a session."""
    role_arn = minted["sessionContext"]["sessionIssuer"]["arn"]
    answer = {
        "credentials": {"accessKeyId": minted["accessKeyId"], "sessionToken": "x", "expiration": "later"},
        "assumedRoleUser": {"assumedRoleId": minted["principalId"], "arn": minted["arn"]},
    }
    asked = {"roleArn": role_arn, "roleSessionName": minted["arn"].rsplit("/", 1)[-1]}
    return event(number, who, f"{STS}:{name}", when, requestParameters=asked, responseElements=answer, **fields)


def create_key(number: int, who: Record, for_user: str, key: str, when: datetime) -> Record:
    """CreateAccessKey."""
    answer = {"accessKey": {"userName": for_user, "accessKeyId": key, "status": "Active", "createDate": "x"}}
    return event(
        number, who, f"{IAM}:CreateAccessKey", when, requestParameters={"userName": for_user}, responseElements=answer
    )


def console_login(number: int, who: Record, when: datetime, *, succeeded: bool = True, mfa: str = "No") -> Record:
    """ConsoleLogin."""
    said: dict[str, Any] = {"responseElements": {"ConsoleLogin": "Success" if succeeded else "Failure"}}
    if not succeeded:
        said["errorMessage"] = "Failed authentication"
    without_key = {name: value for name, value in who.items() if name not in ("accessKeyId", "sessionContext")}
    extra = {"MFAUsed": mfa, "LoginTo": "https://console.aws.amazon.com/"}
    return event(number, without_key, f"{SIGNIN}:ConsoleLogin", when, additionalEventData=extra, **said)


def chain() -> list[Record]:
    """
    alice's key assumes a role, that one a role in another account (both accounts' copies), that one makes bob a key.

    The role in the other account takes the first role again: a circle.
    """
    alice = user()
    first = session("deploy", "s1", "ASIAFIRST0000EXAMPLE", at(1), source_identity="alice@example.com")
    second = session("admin", "s2", "ASIASECOND000EXAMPLE", at(2), account=OTHER_ACCOUNT)
    stranger = {"type": "AWSAccount", "principalId": first["principalId"], "accountId": ACCOUNT}
    shared = "11111111-2222-4333-8444-555555555555"
    return [
        event(1, alice, f"{STS}:GetCallerIdentity", at(0)),
        assume(2, alice, first, at(1)),
        event(3, first, f"{IAM}:ListUsers", at(1.5)),
        assume(4, first, second, at(2), sharedEventID=shared),
        assume(5, stranger, second, at(2), sharedEventID=shared, recipientAccountId=OTHER_ACCOUNT),
        create_key(6, second, "bob", "AKIABOBBOB000EXAMPLE", at(3)),
        event(
            7,
            user("bob", "AKIABOBBOB000EXAMPLE", account=OTHER_ACCOUNT),
            "s3.amazonaws.com:DeleteBucket",
            at(4),
            errorCode="AccessDenied",
        ),
        assume(8, second, first, at(5)),
    ]
