"""
Build CloudTrail records: who called, from where, what, and what AWS wrote down.

The functions return plain dicts with their keys in the order AWS writes them. Everything random is drawn from
the `random.Random` that is passed in, so the same seed gives the same records. Identities, `tlsDetails` and
request parameters may be shared between records: treat a finished record as read-only, or copy it first.
The names of `identities` are offered here too, so that one import is enough.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import base64
from datetime import datetime
from functools import cache
from random import Random
from typing import Any

from sample_logs.identities import (
    Caller,
    Identity,
    Place,
    assumed_role,
    aws_account,
    aws_service,
    english,
    guid,
    iam_user,
    iso,
    key_id,
    principal_id,
    random_id,
)

__all__ = [
    "GLOBAL_SERVICES",
    "UNKNOWN_NAME",
    "WRONG_PASSWORD",
    "Caller",
    "Identity",
    "Place",
    "Record",
    "assumed_role",
    "aws_account",
    "aws_service",
    "denied",
    "english",
    "event",
    "guid",
    "iam_user",
    "is_read",
    "iso",
    "key_id",
    "principal_id",
    "random_id",
    "resource",
    "s3_extra",
    "sign_in",
]

Record = dict[str, Any]

WRONG_PASSWORD = "Failed authentication"
UNKNOWN_NAME = "No username found in supplied account"
GLOBAL_SERVICES = frozenset({"iam", "organizations", "ce", "cloudfront", "route53"})

_READ_VERBS = ("Describe", "Get", "List", "Head", "Lookup", "Search", "Filter", "BatchGet", "AssumeRole")
_READ_CALLS = frozenset({"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"})
_VERSIONS = {"autoscaling": "1.09", "elasticloadbalancing": "1.09", "monitoring": "1.10", "rds": "1.10", "sts": "1.10"}
_DENIED_WITH_EXCEPTION = frozenset({"dynamodb", "ecs", "kms", "secretsmanager", "ssm"})


def event(
    rng: Random,
    time: datetime,
    source: str,
    name: str,
    identity: Identity,
    region: str,
    ip: str,
    agent: str,
    *,
    request: dict[str, Any] | None = None,
    response: dict[str, Any] | None = None,
    extra: dict[str, Any] | None = None,
    error: tuple[str, str] | None = None,
    read_only: bool | None = None,
    resources: list[dict[str, Any]] | None = None,
    account: str | None = None,
    shared_id: str | None = None,
    data: bool = False,
    from_console: bool = False,
    version: str | None = None,
) -> Record:
    """
    One API call.

    Args:
        source: The service's short name (`ec2`); `.amazonaws.com` is added.
        request, response, extra: `requestParameters`, `responseElements` (null if None) and `additionalEventData`.
        error: `errorCode` and `errorMessage`; the response of a failed call is null.
        read_only: Told from the verb when None.
        account: Who got the event; the caller's own account when None. Required for services and other accounts.
        shared_id: `sharedEventID`; made up for a service's own call, which always carries one.
        data: A data event, not a management event.
        from_console: Signed with a console session's key.
        version: `eventVersion`; the one this service writes when None.
    """
    by_service = "invokedBy" in identity
    record: Record = {
        "eventVersion": version or _VERSIONS.get(source, "1.11"),
        "userIdentity": identity,
        "eventTime": iso(time),
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": ip,
        "userAgent": agent,
    }
    if error is not None:
        record["errorCode"], record["errorMessage"] = error
    record["requestParameters"] = request
    record["responseElements"] = None if error is not None else response
    if extra is not None:
        record["additionalEventData"] = extra
    record["requestID"] = _request_id(rng, source)
    record["eventID"] = guid(rng)
    record["readOnly"] = is_read(name) if read_only is None else read_only
    if resources is not None:
        record["resources"] = resources
    record["eventType"] = "AwsApiCall"
    record["managementEvent"] = not data
    record["recipientAccountId"] = account or identity["accountId"]
    if shared_id is not None or identity["type"] == "AWSService":
        record["sharedEventID"] = shared_id or guid(rng)
    record["eventCategory"] = "Data" if data else "Management"
    if not by_service:
        record["tlsDetails"] = _tls(source, region)
    if from_console:
        record["sessionCredentialFromConsole"] = "true"
    return record


def sign_in(
    rng: Random,
    time: datetime,
    account: str,
    user: str,
    region: str,
    ip: str,
    agent: str,
    *,
    failure: str | None = None,
    mfa: bool = False,
    version: str = "1.11",
) -> Record:
    """
    An IAM user at the console's door.

    A wrong password has an `errorMessage` and no `errorCode`. For a name that does not exist AWS hides what was
    typed (people type their password there) and knows no principal.

    Args:
        failure: None for success, else WRONG_PASSWORD or UNKNOWN_NAME.
        mfa: Whether a second factor was used.
    """
    identity: Identity = {"type": "IAMUser"}
    is_known = failure != UNKNOWN_NAME
    if is_known:
        identity["principalId"] = principal_id("AIDA", account, user)
    if failure is None:
        identity["arn"] = f"arn:aws:iam::{account}:user/{user}"
    identity["accountId"] = account
    if failure is not None:
        identity["accessKeyId"] = ""
    identity["userName"] = user if is_known else "HIDDEN_DUE_TO_SECURITY_REASONS"
    state = f"hashArgsFromTB_{region}_{rng.getrandbits(64):016x}"
    extra = {
        "LoginTo": f"https://console.aws.amazon.com/console/home?hashArgs=%23&isauthcode=true&state={state}",
        "MobileVersion": "No",
        "MFAUsed": "Yes" if mfa else "No",
    }
    if mfa:
        extra["MFAIdentifier"] = f"arn:aws:iam::{account}:mfa/{user}"
    host = "signin.aws.amazon.com" if region == "us-east-1" else f"{region}.signin.aws.amazon.com"
    record: Record = {
        "eventVersion": version,
        "userIdentity": identity,
        "eventTime": iso(time),
        "eventSource": "signin.amazonaws.com",
        "eventName": "ConsoleLogin",
        "awsRegion": region,
        "sourceIPAddress": ip,
        "userAgent": agent,
    }
    if failure is not None:
        record["errorMessage"] = failure
    record |= {
        "requestParameters": None,
        "responseElements": {"ConsoleLogin": "Success" if failure is None else "Failure"},
        "additionalEventData": extra,
        "eventID": guid(rng),
        "readOnly": False,
        "eventType": "AwsConsoleSignIn",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": host,
        },
    }
    return record


def denied(identity: Identity, source: str, action: str, *, by_policy_of_organization: bool = False) -> tuple[str, str]:
    """
    The error of a call that no policy allows, in the words of the service: EC2 has its own.
    """
    arn = identity.get("arn") or identity.get("principalId", "")
    why = f"because no identity-based policy allows the {source}:{action} action"
    if by_policy_of_organization:
        why = "with an explicit deny in a service control policy"
    words = f"User: {arn} is not authorized to perform: {source}:{action} on resource: * {why}"
    if source == "ec2":
        return "Client.UnauthorizedOperation", f"You are not authorized to perform this operation. {words}"
    return ("AccessDeniedException" if source in _DENIED_WITH_EXCEPTION else "AccessDenied"), words


def resource(kind: str, arn: str, account: str) -> dict[str, str]:
    """
    One element of `resources`.
    """
    return {"accountId": account, "type": kind, "ARN": arn}


def s3_extra(rng: Random, bytes_out: int) -> dict[str, Any]:
    """
    The `additionalEventData` that S3 adds to every call.
    """
    return {
        "SignatureVersion": "SigV4",
        "CipherSuite": "TLS_AES_128_GCM_SHA256",
        "bytesTransferredIn": 0,
        "AuthenticationMethod": "AuthHeader",
        "x-amz-id-2": base64.b64encode(rng.getrandbits(448).to_bytes(56, "big")).decode(),
        "bytesTransferredOut": bytes_out,
    }


def is_read(name: str) -> bool:
    """
    Whether AWS marks this call `readOnly`: yes for AssumeRole and Decrypt, too.
    """
    return name.startswith(_READ_VERBS) or name in _READ_CALLS


def _request_id(rng: Random, source: str) -> str:
    if source == "s3":
        return base64.b32encode(rng.getrandbits(80).to_bytes(10, "big")).decode()
    return guid(rng)


@cache
def _tls(source: str, region: str) -> dict[str, str]:
    host = f"{source}.amazonaws.com" if source in GLOBAL_SERVICES else f"{source}.{region}.amazonaws.com"
    details = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": host}
    if source not in _VERSIONS:
        details["keyExchange"] = "x25519"
    return details
