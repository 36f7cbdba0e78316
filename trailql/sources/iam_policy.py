"""
The smallest IAM policy with which trailql can do what is asked of it.

Every statement stands for requests that `sources/` or the lake really send; names come in as a user has them (a
bucket, a URI, an ARN, a queue URL) and are refused when they could grant more than they say.

    Listing     folder by folder down to `AWSLogs/`, which tells the names of folders there and no keys; freely below
    Reading     keys below folders named `CloudTrail…`, not what AWS Config or load balancers keep under `AWSLogs/`
    HeadBucket  not granted: it carries no prefix, and a refusal names the bucket's Region as well

A missing object answers 404 as long as its key matches a granted prefix: S3 then checks `s3:ListBucket` with the key.

Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from trailql.errors import UsageError
from trailql.sources.iam_names import (
    Arn,
    Place,
    check_scope,
    one_partition,
    partition_of,
    read_external_id,
    read_key,
    read_place,
    read_principal,
    read_queue,
    read_role,
)

Policy = dict[str, Any]
"""A policy document as IAM reads it."""

MANAGED_POLICY_CHARACTERS = 6144
"""Most a managed policy may hold; white space does not count."""

_IN_TRAIL = re.compile(
    r"^(?P<above>(?:.*?/)?)AWSLogs/(?:(?P<organization>o-[a-z0-9]{10,32})/)?(?:(?P<account>\d{12})/)?(?P<deeper>.*)$"
)


@dataclass(frozen=True, slots=True)
class Needs:
    """
    What trailql is to do in AWS, in a user's words.

    Args:
        buckets: Trail buckets to read: `name`, `s3://name/prefix`, or an ARN.
        accounts, organization: Only their part of the trail.
        kms_keys: ARNs of the keys that the log files are encrypted with.
        queues: Queues with notifications to take: URL or ARN.
        queue_kms_keys: ARNs of the keys that their messages are encrypted with.
        lake: The lake as `s3://bucket/prefix`; a folder needs nothing.
        lake_is_written: Whether the lake is written, not only read.
        lake_kms_keys: ARNs of the keys that the lake is encrypted with.
        lookup_events: Ask CloudTrail's event history.
        validate_digests: Fetch the public keys that digest files are signed with.
        regions: Where those two may be asked; empty for everywhere.
        roles: ARNs of roles to assume.
        partition: `aws`, `aws-cn` or `aws-us-gov`, where no ARN or URL says so.
    """

    buckets: Sequence[str] = ()
    accounts: Sequence[str] = ()
    organization: str | None = None
    kms_keys: Sequence[str] = ()
    queues: Sequence[str] = ()
    queue_kms_keys: Sequence[str] = ()
    lake: str | None = None
    lake_is_written: bool = True
    lake_kms_keys: Sequence[str] = ()
    lookup_events: bool = False
    validate_digests: bool = False
    regions: Sequence[str] = ()
    roles: Sequence[str] = ()
    partition: str | None = None


def access_policy(needs: Needs) -> Policy:
    """
    The policy for whoever runs trailql, or for the role it assumes.

    Args:
        needs: What is to be done.

    Returns:
        The document: statements in a fixed order, each with its own `Sid`.

    Raises:
        UsageError: A name cannot be meant, names disagree about the partition, or nothing asks for a permission.

    Source:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
        https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    _check(needs)
    trails = [read_place(text, "--bucket") for text in needs.buckets]
    lake = read_place(needs.lake, "--lake") if needs.lake and not is_folder(needs.lake) else None
    if lake and not lake.folder:
        raise UsageError(f"{lake.uri}: a lake needs a prefix of its own", hint=f"--lake {lake.uri}lake")
    queues = [read_queue(text) for text in needs.queues]
    roles = [read_role(text) for text in needs.roles]
    trail_keys = [read_key(text, "--kms-key") for text in needs.kms_keys]
    queue_keys = [read_key(text, "--queue-kms-key") for text in needs.queue_kms_keys]
    lake_keys = [read_key(text, "--lake-kms-key") for text in needs.lake_kms_keys]
    named = (*trails, *queues, *roles, *trail_keys, *queue_keys, *lake_keys, *([lake] if lake else ()))
    told = [each.partition for each in named] + [partition_of(region) for region in needs.regions]
    partition = one_partition(needs.partition, told)

    written_keys = lake_keys if needs.lake_is_written else []
    read_keys = [key for key in (*trail_keys, *lake_keys) if key not in written_keys]
    statements = [
        *_trail_statements(trails, needs, partition),
        *_lake_statements(lake, needs.lake_is_written, partition),
        *_queue_statements(queues, partition),
        *_key_statements("DecryptFromS3", ["kms:Decrypt"], read_keys, "s3", partition),
        *_key_statements("EncryptLake", ["kms:Decrypt", "kms:GenerateDataKey"], written_keys, "s3", partition),
        *_key_statements("DecryptMessages", ["kms:Decrypt"], queue_keys, "sqs", partition),
        *_trail_service_statements(needs),
        *([_allow("AssumeRole", ["sts:AssumeRole"], _texts(roles, partition))] if roles else []),
    ]
    if not statements:
        raise UsageError("nothing here needs a permission", hint="trailql iam-policy --bucket central-trail-bucket")
    return {"Version": "2012-10-17", "Statement": statements}


def trust_policy(principals: Iterable[str], *, external_id: str | None = None, partition: str | None = None) -> Policy:
    """
    The trust policy of a role that trailql assumes.

    Args:
        principals: Who may assume it: ARNs of roles or users, or account ids.
        external_id: What they have to say when they do.
        partition: As in `Needs`.

    Raises:
        UsageError: A principal or the external ID cannot be meant.

    Source:
        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
    """
    arns = [read_principal(text) for text in principals]
    chosen = one_partition(partition, [arn.partition for arn in arns])
    statement: dict[str, Any] = {
        "Sid": "AssumeForTrailql",
        "Effect": "Allow",
        "Principal": {"AWS": _short(_texts(arns, chosen))},
        "Action": "sts:AssumeRole",
    }
    if external_id is not None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": read_external_id(external_id)}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def is_folder(lake: str) -> bool:
    """Whether a lake lies in a folder, for which IAM has no say."""
    return not re.match(r"^(?:[a-z0-9]+://|arn:)", lake, re.IGNORECASE)


def policy_characters(policy: Policy) -> int:
    """The size of a policy as IAM counts it: without white space."""
    return sum(not character.isspace() for character in json.dumps(policy))


def _check(needs: Needs) -> None:
    """See that every option has something to belong to, so that none is given in vain."""
    in_s3 = needs.lake is not None and not is_folder(needs.lake)
    asks_cloudtrail = needs.lookup_events or needs.validate_digests
    for option, is_given, home, has_home in (
        ("--account", needs.accounts, "--bucket", needs.buckets),
        ("--organization", needs.organization, "--bucket", needs.buckets),
        ("--kms-key", needs.kms_keys, "--bucket", needs.buckets),
        ("--queue-kms-key", needs.queue_kms_keys, "--queue", needs.queues),
        ("--lake-kms-key", needs.lake_kms_keys, "--lake s3://…", in_s3),
        ("--region", needs.regions, "--lookup-events or --validate-digests", asks_cloudtrail),
    ):
        if is_given and not has_home:
            raise UsageError(f"{option} says more about {home}, which is missing")
    check_scope(needs.accounts, needs.organization, needs.regions)


def _trail_statements(trails: list[Place], needs: Needs, partition: str) -> list[Policy]:
    """List and read trails; buckets with the same prefixes share their statements."""
    walked: dict[tuple[str, ...], list[str]] = {}
    listed: dict[tuple[str, ...], list[str]] = {}
    objects: list[str] = []
    for trail in trails:
        bucket = f"arn:{partition}:s3:::{trail.bucket}"
        above, homes = _homes(trail, needs)
        if above:
            walked.setdefault(tuple(above), []).append(bucket)
        listed.setdefault(tuple(f"{home}*" for home, _ in homes), []).append(bucket)
        objects += [f"{bucket}/{home}{tail}" for home, tail in homes]
    found = []
    for number, (prefixes, buckets) in enumerate(walked.items()):
        condition = {"StringEquals": {"s3:delimiter": "/", "s3:prefix": _short(prefixes)}}
        found.append(_allow(_sid("FindTrail", number), ["s3:ListBucket"], buckets, condition))
    for number, (prefixes, buckets) in enumerate(listed.items()):
        condition = {"StringLike": {"s3:prefix": _short(prefixes)}}
        found.append(_allow(_sid("ListTrail", number), ["s3:ListBucket"], buckets, condition))
    return [*found, _allow("ReadTrail", ["s3:GetObject"], objects)] if objects else []


def _homes(trail: Place, needs: Needs) -> tuple[list[str], list[tuple[str, str]]]:
    """
    The folders that are walked through, and those where log files lie with what their keys go on with.

    Raises:
        UsageError: The URI names an account, or another organization, already.
    """
    inside = _IN_TRAIL.match(trail.folder)
    named = inside["organization"] if inside else None
    walked = [] if inside else [trail.folder]
    home = f"{inside['above'] if inside else trail.folder}AWSLogs/"
    if inside and (inside["account"] or inside["deeper"]) and (needs.accounts or needs.organization):
        raise UsageError(f"{trail.uri} is narrower than --account and --organization")
    if named and needs.organization not in (None, named):
        raise UsageError(f"{trail.uri} is not of the organization {needs.organization}")
    if needs.organization and not named:
        walked.append(home)
    if organization := named or needs.organization:
        home += f"{organization}/"
    if inside and (inside["account"] or inside["deeper"]):
        account = f"{inside['account']}/" if inside["account"] else ""
        return walked, [(f"{home}{account}{inside['deeper']}", "*" if inside["deeper"] else "CloudTrail*")]
    if needs.accounts:
        return [*walked, home], [(f"{home}{account}/", "CloudTrail*") for account in dict.fromkeys(needs.accounts)]
    return walked, [(home, "*/CloudTrail*")]


def _lake_statements(lake: Place | None, is_written: bool, partition: str) -> list[Policy]:
    """List and read the lake; write it by conditional puts, and delete for vacuum, compaction and log cleanup."""
    if lake is None:
        return []
    bucket = f"arn:{partition}:s3:::{lake.bucket}"
    condition = {"StringLike": {"s3:prefix": f"{lake.folder}*"}}
    actions = ["s3:GetObject"]
    if is_written:
        actions += ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    return [
        _allow("ListLake", ["s3:ListBucket"], [bucket], condition),
        _allow("WriteLake" if is_written else "ReadLake", actions, [f"{bucket}/{lake.folder}*"]),
    ]


def _queue_statements(queues: list[Arn], partition: str) -> list[Policy]:
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
    return [_allow("TakeMessages", actions, _texts(queues, partition))] if queues else []


def _key_statements(sid: str, actions: list[str], keys: list[Arn], service: str, partition: str) -> list[Policy]:
    """Keys may be used by way of the service alone that stores what they encrypt."""
    if not keys:
        return []
    # What this key says in China could not be checked: both of the names that services have there are allowed.
    suffixes = ["amazonaws.com", "amazonaws.com.cn"] if partition == "aws-cn" else ["amazonaws.com"]
    regions = dict.fromkeys(key.region for key in keys)
    condition = {"StringEquals": {"kms:ViaService": _short([f"{service}.{r}.{s}" for r in regions for s in suffixes])}}
    return [_allow(sid, actions, _texts(keys, partition), condition)]


def _trail_service_statements(needs: Needs) -> list[Policy]:
    """CloudTrail's own calls, which know no resources; a Region is all they can be narrowed to."""
    asked = (("cloudtrail:LookupEvents", needs.lookup_events), ("cloudtrail:ListPublicKeys", needs.validate_digests))
    actions = [action for action, is_asked in asked if is_asked]
    regions = list(dict.fromkeys(needs.regions))
    condition = {"StringEquals": {"aws:RequestedRegion": _short(regions)}} if regions else None
    return [_allow("AskCloudTrail", actions, ["*"], condition)] if actions else []


def _allow(sid: str, actions: list[str], resources: Iterable[str], condition: Policy | None = None) -> Policy:
    statement: Policy = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": _short(actions),
        "Resource": _short(list(dict.fromkeys(resources))),
    }
    return {**statement, "Condition": condition} if condition else statement


def _short(values: Sequence[str]) -> str | list[str]:
    """One value alone, several as a list: IAM reads both."""
    return values[0] if len(values) == 1 else list(values)


def _sid(name: str, number: int) -> str:
    return f"{name}{number + 1}" if number else name


def _texts(arns: Iterable[Arn], partition: str) -> list[str]:
    return list(dict.fromkeys(arn.text(partition) for arn in arns))
