"""
How trailql reaches AWS: one session, its clients, and AWS's errors in words.

boto3 is loaded here and nowhere else, and only when something in AWS is opened. Credentials stay inside the session:
they are in no log, ledger or error.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any

from trailql.errors import SourceError, TrailqlError, UsageError

if TYPE_CHECKING:
    import boto3

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_REFUSED = frozenset({"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "403", "Forbidden"})
_UNKNOWN_KEY = frozenset({"InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidToken"})
_GONE = frozenset({"NoSuchKey", "404", "NotFound"})
_KMS = re.compile(r"kms:\w+\b.*?(arn:aws[a-z-]*:kms:[^\s\"']+)", re.DOTALL)
_KMS_ACTION = re.compile(r"kms:(\w+)")


@dataclass(frozen=True, slots=True)
class AwsAccess:
    """
    Who asks, and where; whatever is None comes from the environment and files that every AWS tool reads.

    Args:
        profile: A profile of the AWS configuration files.
        role_arn: A role to assume, such as the read-only audit role of a security account.
        external_id: What the role's trust policy asks for.
        region: Region of the clients.
        endpoint_url: Another S3 endpoint (a VPC endpoint, a store that speaks S3).
        request_payer: Pay for the requests on a bucket that asks for it.
    """

    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    request_payer: bool = False


GONE = "there is no such object"
"""Said of an object that is not there any more; nobody tries it again."""
OVERWRITTEN = "it was overwritten before it was read, and its new version is read when that is listed or announced"
"""Said of a version that is not there any more."""
INSTALL = "pip install '.[s3]' in the checkout of trailql"
"""What brings the libraries for AWS."""


def check_installed() -> None:
    """
    See that the libraries for AWS are there.

    Raises:
        SourceError: One is missing.
    """
    for name in ("boto3", "obstore", "s3fs"):
        if find_spec(name) is None:
            raise SourceError(f"{name} is needed for AWS and is not installed", hint=INSTALL)


class CredentialsExpired(SourceError):
    """The credentials ran out and cannot be renewed; nothing further can be read with them."""


class AccessRefused(SourceError):
    """A policy does not allow it."""


@dataclass
class Aws:
    """
    A session with its clients, and the requests made through them counted.

    Args:
        access: Who asks, and where.
        requests: HTTP requests sent by operation, attempts that were repeated included.
    """

    access: AwsAccess = field(default_factory=AwsAccess)
    requests: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @cached_property
    def session(self) -> boto3.Session:
        """
        The session, its role assumed; credentials renew themselves as long as their source does.

        Raises:
            SourceError: boto3 is missing, or the profile does not exist.
        """
        check_installed()
        import boto3
        import botocore.session
        from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

        access = self.access
        with in_words("AWS credentials"):
            core = botocore.session.Session(profile=access.profile)
            if access.region:
                core.set_config_variable("region", access.region)
            if access.role_arn:
                extra = {"RoleSessionName": "trailql"}
                if access.external_id:
                    extra["ExternalId"] = access.external_id
                source = core.get_credentials()
                if source is None:
                    raise SourceError("no AWS credentials found to assume the role with", at=access.role_arn)
                region = core.get_config_variable("region") or "us-east-1"
                create = partial(core.create_client, region_name=region)
                fetcher = AssumeRoleCredentialFetcher(create, source, access.role_arn, extra_args=extra)
                assumed = botocore.session.Session(profile=access.profile)
                if access.region:
                    assumed.set_config_variable("region", access.region)
                assumed._credentials = DeferredRefreshableCredentials(
                    method="assume-role", refresh_using=fetcher.fetch_credentials
                )
                core = assumed
            return boto3.Session(botocore_session=core)

    def client(
        self, service: str, *, region: str | None = None, endpoint_url: str | None = None, retries: str = "adaptive"
    ) -> Any:
        """
        A client that retries throttling and 5xx with growing pauses and slows down when throttled.

        Args:
            service: `s3`, `sqs`, `cloudtrail`, …
            region: Other than the session's.
            endpoint_url: Other than AWS's.
            retries: botocore's mode. `adaptive` also slows down when throttled, by what it has measured: a client that
                asks only now and then is held to one request in two seconds after a single 503. For such a one
                `standard`.
        """
        check_installed()
        from botocore.config import Config

        endpoint = self.access.endpoint_url if service == "s3" else endpoint_url
        config = Config(
            retries={"mode": retries, "total_max_attempts": 5},
            max_pool_connections=32,
            connect_timeout=10,
            read_timeout=45 if service == "sqs" else 20,  # a long poll takes 20 s
            user_agent_extra="trailql",
            s3={"addressing_style": "path"} if endpoint else None,
        )
        chosen = region or self.session.region_name or ("us-east-1" if service == "s3" or endpoint else None)
        with in_words(service):
            try:
                client = self.session.client(service, region_name=chosen, endpoint_url=endpoint, config=config)
            except ValueError as error:  # also where the environment or a profile names it
                hint = "AWS_ENDPOINT_URL=http://127.0.0.1:5555, or https://…"
                raise UsageError(f"{service}: {error}", hint=hint) from error
        client.meta.events.register("before-send", self._count)
        return client

    def _count(self, event_name: str, **_: object) -> None:
        with self._lock:
            self.requests[event_name.rsplit(".", 1)[-1]] += 1

    def count(self, operation: str, requests: int) -> None:
        """Add requests that another client sent."""
        with self._lock:
            self.requests[operation] += requests

    def credentials(self) -> dict[str, Any]:
        """
        Valid credentials as `access_key_id`, `secret_access_key`, `token`, for clients that are not boto3's.

        Raises:
            SourceError: There are none, or they cannot be renewed.
        """
        with in_words("AWS credentials"):
            found = self.session.get_credentials()
            if found is None:
                raise SourceError("no AWS credentials found", hint=_WHO)
            frozen = found.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            # Short, so that whoever holds them asks again: the session renews them in time.
            "expires_at": datetime.now(UTC) + timedelta(minutes=5),
        }


class in_words:  # noqa: N801 - read as `with in_words("s3://bucket"):`
    """
    Turn what botocore raises into a SourceError that says what to do.

    Args:
        at: The URI or service it happened at.
    """

    def __init__(self, at: str) -> None:
        self.at = at

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None or isinstance(error, TrailqlError):
            return
        found = aws_error(error, at=self.at)
        if found is not None:
            raise found from error


def aws_error(error: BaseException, *, at: str) -> SourceError | None:
    """
    An error of botocore as ours; None for one that is not botocore's.

    Only AWS's code and message go into it, never headers, signed texts or keys.
    """
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    if isinstance(error, ClientError):
        return _service_error(error.response, at)
    if not isinstance(error, BotoCoreError | HTTPClientError):
        return None
    kind = type(error).__name__
    if kind in {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"}:
        return SourceError(f"no usable AWS credentials ({kind})", at=at, hint=_WHO)
    if kind in {"SSOTokenLoadError", "UnauthorizedSSOTokenError", "RefreshWithMFAUnsupportedError"}:
        return CredentialsExpired("the AWS sign-in has ended", at=at, hint="aws sso login, then run it again")
    if kind == "ProfileNotFound":
        return SourceError("there is no such AWS profile", at=at, hint="aws configure list-profiles")
    if kind == "NoRegionError":
        return SourceError("no AWS Region is set", at=at, hint="AWS_DEFAULT_REGION=eu-west-1")
    return SourceError(f"cannot be reached: {_SPACES.sub(' ', str(error))[:300]} ({kind})", at=at)


_WHO = "aws sts get-caller-identity, AWS_PROFILE=NAME, or for an ingest --profile NAME or --role-arn ARN"
CHECK_BUCKET = "check its name, and AWS_ENDPOINT_URL (for an ingest --endpoint-url) if there is one"
"""What to try for a bucket that is not there."""
_SPACES = re.compile(r"\s+")


def _service_error(response: dict[str, Any], at: str) -> SourceError:
    told = response.get("Error", {})
    code, message = str(told.get("Code", "")), _SPACES.sub(" ", str(told.get("Message", "")))[:500]
    key = _KMS.search(message)
    if code in _EXPIRED:
        return CredentialsExpired("the AWS credentials have expired", at=at, hint="renew them, then run it again")
    if code.startswith("KMS.") or "kms:" in message:
        action = _KMS_ACTION.search(message)
        what = f"kms:{action[1] if action else 'Decrypt'}"
        on = f" on {key[1].rstrip('.,')}" if key else ""
        return SourceError(
            f"encrypted with a KMS key that may not be used: {what}{on} is missing ({code})",
            at=at,
            hint="trailql iam-policy --bucket … --kms-key ARN, and allow the role in the key's own policy",
        )
    if code in _REFUSED:
        return AccessRefused(
            f"access denied{_colon(message)}",
            at=at,
            hint="trailql iam-policy prints a policy: --bucket for log files, --lake for a lake",
        )
    if code in _UNKNOWN_KEY:
        return SourceError(f"the AWS credentials are not valid ({code})", at=at, hint="aws sts get-caller-identity")
    if code == "SignatureDoesNotMatch":
        return SourceError("the AWS secret key does not fit the access key (SignatureDoesNotMatch)", at=at)
    if code in {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}:
        return SourceError("there is no such queue", at=at, hint="aws sqs get-queue-url --queue-name NAME")
    if code == "NoSuchBucket":
        return SourceError("there is no such bucket", at=at, hint=CHECK_BUCKET)
    if code in _GONE:
        return SourceError(GONE, at=at)
    if code == "PreconditionFailed":
        return SourceError(OVERWRITTEN, at=at)
    if code == "InvalidObjectState":
        return SourceError("archived in Glacier: it has to be restored before it can be read", at=at)
    return SourceError(f"{code}{_colon(message)}", at=at)


def _colon(message: str) -> str:
    return f": {message}" if message and message.lower() not in {"access denied", "forbidden"} else ""
