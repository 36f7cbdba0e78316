"""`trailql iam-policy`."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer

from trailql.errors import UsageError
from trailql.report.text import visible


class LakeAccess(StrEnum):
    """What is done to the lake."""

    READ = "read"
    WRITE = "write"


class Partition(StrEnum):
    """AWS's separate worlds, as ARNs name them."""

    AWS = "aws"
    CHINA = "aws-cn"
    US_GOV = "aws-us-gov"


def iam_policy(
    bucket: Annotated[
        list[str] | None,
        typer.Option("--bucket", help="A trail bucket to read: name, s3://name/prefix or ARN; repeatable."),
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option("--account", help="Only this account's logs; repeatable.")
    ] = None,
    organization: Annotated[
        str | None, typer.Option("--organization", help="Only this organization's logs: o-….")
    ] = None,
    kms_key: Annotated[
        list[str] | None, typer.Option("--kms-key", help="ARN of the key the logs are encrypted with; repeatable.")
    ] = None,
    queue: Annotated[
        list[str] | None, typer.Option("--queue", help="A queue of notifications: URL or ARN; repeatable.")
    ] = None,
    queue_kms_key: Annotated[
        list[str] | None, typer.Option("--queue-kms-key", help="ARN of the key of an encrypted queue; repeatable.")
    ] = None,
    lake: Annotated[
        str | None, typer.Option("--lake", help="The lake: s3://bucket/prefix; a folder needs no permission.")
    ] = None,
    lake_access: Annotated[LakeAccess, typer.Option("--lake-access", help="What is done to it.")] = LakeAccess.WRITE,
    lake_kms_key: Annotated[
        list[str] | None, typer.Option("--lake-kms-key", help="ARN of the key of an encrypted lake; repeatable.")
    ] = None,
    lookup_events: Annotated[
        bool, typer.Option("--lookup-events", help="Allow asking CloudTrail's event history.")
    ] = False,
    validate_digests: Annotated[
        bool,
        typer.Option(
            "--validate-digests",
            help="Allow fetching the keys that digest files are signed with, for verify and keys save.",
        ),
    ] = False,
    region: Annotated[
        list[str] | None, typer.Option("--region", help="Allow those two in this Region only; repeatable.")
    ] = None,
    role_arn: Annotated[
        list[str] | None, typer.Option("--role-arn", help="The caller's policy instead: assume this role; repeatable.")
    ] = None,
    trust: Annotated[
        list[str] | None, typer.Option("--trust", help="A trust policy instead, for this ARN or account; repeatable.")
    ] = None,
    external_id: Annotated[str | None, typer.Option("--external-id", help="What --trust has to present.")] = None,
    partition: Annotated[Partition | None, typer.Option("--partition", help="Where no ARN or URL tells it.")] = None,
) -> None:
    """
    Print the smallest IAM policy for what trailql is to do; nothing is asked of AWS.

    The role that reads needs --bucket and the like, the caller that assumes it --role-arn, the role's trust --trust.

    Example: trailql iam-policy --bucket s3://central-trail-bucket --kms-key arn:aws:kms:eu-west-1:111122223333:key/KEY
    """
    from trailql.sources.iam_policy import (
        MANAGED_POLICY_CHARACTERS,
        Needs,
        access_policy,
        is_folder,
        policy_characters,
        trust_policy,
    )

    needs = Needs(
        buckets=tuple(bucket or ()),
        accounts=tuple(account or ()),
        organization=organization,
        kms_keys=tuple(kms_key or ()),
        queues=tuple(queue or ()),
        queue_kms_keys=tuple(queue_kms_key or ()),
        lake=lake,
        lake_is_written=lake_access is LakeAccess.WRITE,
        lake_kms_keys=tuple(lake_kms_key or ()),
        lookup_events=lookup_events,
        validate_digests=validate_digests,
        regions=tuple(region or ()),
        partition=partition.value if partition else None,
    )
    reads = needs != Needs(lake_is_written=needs.lake_is_written, partition=needs.partition)
    if sum((reads, bool(role_arn), bool(trust))) > 1:
        raise UsageError(
            "--role-arn and --trust each print a policy of their own: the role reads, its caller assumes it",
            hint="trailql iam-policy --role-arn ROLE, then trailql iam-policy --bucket … for the role",
        )
    if external_id is not None and not trust:
        raise UsageError("--external-id belongs to a trust policy", hint="--trust ARN --external-id ID")
    if lake and is_folder(lake):
        print(f"{visible(lake)} is a folder: IAM has no say in it", file=sys.stderr)
    if trust:
        policy = trust_policy(trust, external_id=external_id, partition=needs.partition)
    elif role_arn:
        policy = access_policy(Needs(roles=tuple(role_arn), partition=needs.partition))
    else:
        policy = access_policy(needs)
    size = policy_characters(policy)
    if size > MANAGED_POLICY_CHARACTERS:
        most = f"a managed policy holds {MANAGED_POLICY_CHARACTERS:,}"
        print(f"{size:,} characters, {most}: name fewer accounts or buckets", file=sys.stderr)
    print(json.dumps(policy, indent=2))
