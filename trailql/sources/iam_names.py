"""
Names of things in AWS as users have them, read for a policy: buckets, queues, keys, roles, principals.

Nothing with a wildcard or a policy variable gets through: a policy must grant what its reader sees, no more.

Source:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from trailql.errors import UsageError
from trailql.sources.keys import REGION

PARTITIONS = ("aws", "aws-cn", "aws-us-gov")

_ARN = re.compile(
    r"^arn:(?P<partition>[^:]*):(?P<service>[^:]*):(?P<region>[^:]*):(?P<account>[^:]*):(?P<resource>.+)$"
)
_BUCKET = re.compile(r"^(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
_URI = re.compile(r"^s3[an]?://(?P<path>.*)$", re.IGNORECASE)
_REGION = re.compile(rf"^{REGION}$", re.ASCII)
_ACCOUNT = re.compile(r"^\d{12}$", re.ASCII)
_ORGANIZATION = re.compile(r"^o-[a-z0-9]{10,32}$")
_KEY = re.compile(r"^key/[A-Za-z0-9-]+$")
_ROLE = re.compile(r"^role/[\w+=,.@/-]+$", re.ASCII)
_PRINCIPAL = re.compile(r"^(?:root|(?:role|user)/[\w+=,.@/-]+)$", re.ASCII)
_QUEUE = re.compile(r"^(?=.{1,80}$)[A-Za-z0-9_-]+(?:\.fifo)?$")
_QUEUE_HOSTS = tuple(
    re.compile(rf"^https://{host}/(?P<account>\d{{12}})/(?P<name>[^/]+)/?$", re.ASCII)
    for host in (
        r"sqs(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn)",
        r"[a-z0-9-]+\.sqs\.(?P<region>[a-z0-9-]+)\.vpce\.amazonaws\.com(?:\.cn)?",
        r"(?:(?P<region>[a-z0-9-]+)\.)?queue\.amazonaws\.com(?:\.cn)?",  # how old SDKs write it
    )
)
_EXTERNAL_ID = re.compile(r"^[\w+=,.@:/-]{2,1224}$", re.ASCII)
_WILD = re.compile(r"[*?\x00-\x1f\x7f]|\$\{")


class Arn(NamedTuple):
    """An ARN in its parts; the partition is empty while nothing has told it."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def text(self, partition: str) -> str:
        """The ARN in a partition."""
        return f"arn:{partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


class Place(NamedTuple):
    """A bucket and a folder in it: empty, or ending in `/`; the partition is empty while nothing has told it."""

    partition: str
    bucket: str
    folder: str

    @property
    def uri(self) -> str:
        """The place as S3 URI."""
        return f"s3://{self.bucket}/{self.folder}"


def read_place(text: str, option: str) -> Place:
    """
    A bucket, and maybe a prefix in it, from `name`, `s3://name/prefix` or `arn:aws:s3:::name/prefix`.

    Raises:
        UsageError: It is none of them; `option` is where it came from.
    """
    _refuse_wild(text, option)
    partition, path = "", text
    if uri := _URI.fullmatch(text):
        path = uri["path"]
    elif text.startswith("arn:"):
        arn = _arn(text, option)
        if (arn.service, arn.region, arn.account) != ("s3", "", ""):
            raise UsageError(f"{option} {text} is no bucket", hint=f"{option} arn:aws:s3:::central-trail-bucket/prefix")
        partition, path = arn.partition, arn.resource
    bucket, slash, prefix = path.partition("/")
    if not _BUCKET.fullmatch(bucket) or (slash and path == text):
        raise UsageError(
            f"{option} {text!r} names no bucket: 3 to 63 lower-case letters, digits, dots and hyphens",
            hint=f"{option} s3://central-trail-bucket/prefix",
        )
    folder = prefix.strip("/")
    return Place(partition, bucket, f"{folder}/" if folder else "")


def read_queue(text: str) -> Arn:
    """
    A queue from its ARN or from its URL, in any of the forms that AWS has used.

    Raises:
        UsageError: It is neither.
    """
    _refuse_wild(text, "--queue")
    found = None
    if text.startswith("arn:"):
        found = _arn(text, "--queue")
    elif url := next(filter(None, (host.fullmatch(text) for host in _QUEUE_HOSTS)), None):
        region = url["region"] or "us-east-1"
        found = Arn(partition_of(region), "sqs", region, url["account"], url["name"])
    if (
        found is None
        or found.service != "sqs"
        or not _REGION.fullmatch(found.region)
        or not _ACCOUNT.fullmatch(found.account)
        or not _QUEUE.fullmatch(found.resource)
    ):
        raise UsageError(
            f"--queue {text!r} is neither a queue's URL nor its ARN", hint="aws sqs get-queue-url --queue-name NAME"
        )
    return found


def read_key(text: str, option: str) -> Arn:
    """
    A KMS key from its ARN; IAM does not follow aliases.

    Raises:
        UsageError: It is none.
    """
    _refuse_wild(text, option)
    hint = "aws kms describe-key --key-id alias/NAME --query KeyMetadata.Arn"
    if not text.startswith("arn:"):
        raise UsageError(f"{option} {text!r} is no ARN of a key", hint=hint)
    found = _arn(text, option)
    if found.service != "kms" or not _REGION.fullmatch(found.region) or not _KEY.fullmatch(found.resource):
        raise UsageError(f"{option} {text!r} is no ARN of a key", hint=hint)
    return found


def read_role(text: str) -> Arn:
    """
    A role from its ARN.

    Raises:
        UsageError: It is none.
    """
    return _iam(text, "--role-arn", _ROLE, "--role-arn arn:aws:iam::111122223333:role/trailql-audit")


def read_principal(text: str) -> Arn:
    """
    Whoever may assume a role: a role, a user, or a whole account by its id.

    Raises:
        UsageError: It is none; a session of a role is not, its role is.
    """
    if _ACCOUNT.fullmatch(text):
        return Arn("", "iam", "", text, "root")
    session = re.match(r"^arn:([^:]*):sts::(\d{12}):assumed-role/([^/]+)/", text)
    role = f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}" if session else "arn:aws:iam::444455556666:role/hunt"
    return _iam(text, "--trust", _PRINCIPAL, f"--trust {role}")


def read_external_id(text: str) -> str:
    """
    What whoever assumes a role has to say.

    Raises:
        UsageError: It holds what STS does not take.
    """
    if not _EXTERNAL_ID.fullmatch(text):
        raise UsageError("--external-id takes 2 to 1,224 letters, digits and _ + = , . @ : / -")
    return text


def check_scope(accounts: Iterable[str], organization: str | None, regions: Iterable[str]) -> None:
    """
    See that accounts, the organization and Regions are written as AWS writes them.

    Raises:
        UsageError: One is not.
    """
    for account in accounts:
        if not _ACCOUNT.fullmatch(account):
            raise UsageError(f"--account {account!r} is not 12 digits", hint="--account 111122223333")
    if organization is not None and not _ORGANIZATION.fullmatch(organization):
        raise UsageError(
            f"--organization {organization!r} is no organization's id", hint="aws organizations describe-organization"
        )
    for region in regions:
        if not _REGION.fullmatch(region):
            raise UsageError(f"--region {region!r} is no Region", hint="--region eu-west-1")


def one_partition(named: str | None, told: Iterable[str]) -> str:
    """
    The one partition that everything lies in; `aws` when nothing tells.

    Args:
        named: What the user said.
        told: What ARNs and URLs say; empty texts say nothing.

    Raises:
        UsageError: They disagree, or it is none that trailql knows.
    """
    known = {each for each in (named, *told) if each}
    if len(known) > 1:
        raise UsageError(f"partitions cannot be mixed in one policy: {', '.join(sorted(known))}")
    partition = known.pop() if known else "aws"
    if partition not in PARTITIONS:
        raise UsageError(f"{partition!r} is no partition: {', '.join(PARTITIONS)}")
    return partition


def partition_of(region: str) -> str:
    """The partition a Region lies in."""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")


def _iam(text: str, option: str, resource: re.Pattern[str], hint: str) -> Arn:
    _refuse_wild(text, option)
    found = _arn(text, option, hint)
    if found.service != "iam" or not _ACCOUNT.fullmatch(found.account) or not resource.fullmatch(found.resource):
        raise UsageError(f"{option} {text!r} cannot be meant", hint=hint)
    return found


def _arn(text: str, option: str, hint: str | None = None) -> Arn:
    match = _ARN.fullmatch(text)
    if match is None:
        raise UsageError(f"{option} {text!r} is no ARN", hint=hint)
    found = Arn(**match.groupdict())
    one_partition(None, [found.partition])
    return found


def _refuse_wild(text: str, option: str) -> None:
    if _WILD.search(text):
        raise UsageError(f"{option} {text!r} has a wildcard, a variable or a control character: too much for a policy")
