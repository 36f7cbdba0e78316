"""Questions about data and what guards it: objects, keys, secrets, sharing, network paths."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.made import ACCOUNT, OTHER_ACCOUNT, Record, record
from tests.questions.asked import actor, ask, changes, columns, grouped, is_from_service, made
from tests.questions.conftest import MadeLake


def _object_call(number: int, name: str, key: str | None, bucket: str = "reports", **fields: object) -> Record:
    request = {"bucketName": bucket} | ({} if key is None else {"key": key})
    reads = name.startswith(("Get", "Head", "List"))
    return made(number, f"s3:{name}", managementEvent=False, readOnly=reads, request=request, **fields)


@pytest.fixture
def objects(made_lake: MadeLake) -> Path:
    """A lake of calls on objects of two buckets, and one on a bucket itself."""
    return made_lake(
        _object_call(1, "GetObject", "2026/10/a", additionalEventData={"bytesTransferredOut": 100.0}),
        _object_call(2, "GetObject", "2026/10/b", additionalEventData={"bytesTransferredOut": 11}),
        _object_call(3, "GetObject", "2026/10/b", errorCode="X", additionalEventData={"bytesTransferredOut": "x"}),
        _object_call(4, "PutObject", "2026/11/c"),
        _object_call(5, "DeleteObject", "2026/11/c", minutes=1),
        _object_call(6, "DeleteObjects", None, minutes=2),
        _object_call(7, "PutObject", "top", bucket="other"),
        made(8, "s3:PutBucketPolicy", minutes=3, request={"bucketName": "reports"}),
        made(9, "s3:GetBucketPolicy", readOnly=True, request={"bucketName": "reports"}),
    )  # fmt: skip


def test_object_access(objects: Path, sample: Path) -> None:
    """
    Reads, writes, deletions and bytes per bucket; calls on buckets are none of them.
    """
    names = ("bucket", "reads", "writes", "deletes", "failed", "objects", "bytes_out")

    assert [("reports", 3, 1, 2, 1, 3, 111), ("other", 0, 1, 0, 0, 1, None)] == columns(
        ask(objects, "object_access"), *names
    )
    assert ["other"] == [row["bucket"] for row in ask(objects, "object_access", bucket="oth")]
    assert [] == ask(objects, "object_access", principal="build-bot")
    assert [] == ask(sample, "object_access")


def test_access_by_prefix(objects: Path) -> None:
    """
    By the first parts of the key, never the object's own name.
    """
    names = ("bucket", "prefix", "reads", "writes", "deletes", "keys")

    assert [
        ("reports", "2026/10", 3, 0, 0, 2),
        ("reports", "2026/11", 0, 1, 1, 1),
        ("other", "", 0, 1, 0, 1),
        ("reports", "", 0, 0, 1, 1),
    ] == columns(ask(objects, "access_by_prefix"), *names)
    assert {"2026", ""} == {row["prefix"] for row in ask(objects, "access_by_prefix", levels=1, bucket="reports")}


def test_objects_deleted(objects: Path) -> None:
    """
    Each deletion, with its key where there is one.
    """
    assert [("reports", "2026/11/c"), ("reports", None)] == columns(ask(objects, "objects_deleted"), "bucket", "key")
    assert ["2026/11/c"] == [row["key"] for row in ask(objects, "objects_deleted", key="/c")]


def test_bucket_changes(objects: Path, sample: Path) -> None:
    """
    Settings of buckets, changed and not read; no objects.
    """
    assert [("reports", "PutBucketPolicy")] == columns(ask(objects, "bucket_changes"), "bucket", "eventName")
    assert [] == ask(sample, "bucket_changes")


def test_key_use(sample: Path, records: list[Record]) -> None:
    """
    Calls per key and principal; calls that name no key are left out.
    """
    uses = grouped(
        (each for each in records if each["eventSource"] == "kms.amazonaws.com" and each.get("resources")),
        lambda each: (each["resources"][0]["ARN"], actor(each)),
    )

    rows = [row for row in ask(sample, "key_use") if row["key"].startswith("arn:")]

    assert {
        key: (
            sum(each["eventName"] == "Decrypt" for each in held),
            sum(each["eventName"].startswith("GenerateDataKey") for each in held),
            changes(held),
        )
        for key, held in uses.items()
    } == {(row["key"], row["actor"]): (row["decrypts"], row["encrypts"], row["changes"]) for row in rows}
    assert [] == ask(sample, "key_use", key="alias/none")


def test_secrets_read(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    Secrets and decrypted parameters by name; parameters asked for as they are stored do not count.
    """
    reads = Counter(
        (each["requestParameters"]["secretId"], actor(each))
        for each in records
        if each["eventName"] == "GetSecretValue" and each["requestParameters"]
    )

    rows = ask(sample, "secrets_read", secret=":secret:")

    assert reads == {(row["secret"], row["actor"]): row["reads"] + row["failed"] for row in rows}

    lake = made_lake(
        made(1, "ssm:GetParameters", request={"names": ["/a", "/b"], "withDecryption": True}, readOnly=True),
        made(2, "ssm:GetParameters", request={"names": ["/a"], "withDecryption": False}, readOnly=True),
        made(3, "ssm:GetParametersByPath", request={"path": "/", "withDecryption": True}, readOnly=True),
        made(4, "secretsmanager:GetSecretValue", request=None, errorCode="AccessDenied", readOnly=True),
        made(5, "secretsmanager:BatchGetSecretValue", request={"secretIdList": ["s1", "s2"]}, readOnly=True),
    )
    assert {("/", 1, 0), ("/a", 1, 0), ("/b", 1, 0), ("s1", 1, 0), ("s2", 1, 0), ("(not logged)", 0, 1)} == set(
        columns(ask(lake, "secrets_read"), "secret", "reads", "failed")
    )


_POLICY_FOR_ALL = json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}}]}, indent=1)
_POLICY_FOR_ONE = json.dumps({"Statement": [{"Principal": {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"}}]})
_POLICY_FOR_SERVICE = json.dumps({"Statement": [{"Principal": {"Service": "ec2.amazonaws.com"}}]})


@pytest.mark.parametrize(
    ("name", "request_parameters", "accounts", "everyone"),
    [
        ("ec2:ModifyImageAttribute", {"launchPermission": {"add": {"items": [{"group": "all"}]}}}, "", True),
        ("rds:ModifyDBSnapshotAttribute", {"valuesToAdd": [OTHER_ACCOUNT, ACCOUNT]}, OTHER_ACCOUNT, False),
        ("rds:ModifyDBSnapshotAttribute", {"valuesToAdd": ["all"]}, "", True),
        ("s3:PutBucketPolicy", {"bucketPolicy": json.loads(_POLICY_FOR_ALL)}, "", True),
        ("s3:PutBucketAcl", {"x-amz-acl": "public-read"}, "", True),
        ("lambda:AddPermission20150331v2", {"principal": "*"}, "", True),
        ("iam:UpdateAssumeRolePolicy", {"policyDocument": _POLICY_FOR_ALL}, "", True),
        ("iam:CreateRole", {"assumeRolePolicyDocument": _POLICY_FOR_ONE}, OTHER_ACCOUNT, False),
        ("s3:DeleteBucketPublicAccessBlock", {"bucketName": "b"}, "", False),
    ],
)
def test_sharing_changes(
    name: str, request_parameters: dict[str, object], accounts: str, everyone: bool, made_lake: MadeLake
) -> None:
    """
    Other accounts and everybody are found in requests of every form; a role for a service is no sharing.
    """
    lake = made_lake(
        made(1, name, request=request_parameters),
        made(2, "iam:CreateRole", request={"assumeRolePolicyDocument": _POLICY_FOR_SERVICE}),
        made(3, "iam:CreateUser", request={"userName": OTHER_ACCOUNT}),
    )

    rows = ask(lake, "sharing_changes")

    assert [(name.split(":")[1], accounts, everyone)] == columns(rows, "eventName", "other_accounts", "names_everyone")


def test_sharing_changes_of_the_sample(sample: Path) -> None:
    """
    The attacker's snapshots, and the ordinary ones.
    """
    assert [("777788889999", 3), ("999999999999", 188)] == columns(
        ask(sample, "sharing_changes"), "other_accounts", "calls"
    )


def test_vpc_endpoint_use(sample: Path, made_lake: MadeLake) -> None:
    """
    Calls through endpoints, with the refusals of the endpoint's policy.
    """
    lake = made_lake(
        record(1, vpcEndpointId="vpce-1", vpcEndpointAccountId=OTHER_ACCOUNT),
        record(2, vpcEndpointId="vpce-1", vpcEndpointAccountId=OTHER_ACCOUNT, errorCode="VpceAccessDenied"),
        record(3),
    )

    assert [("vpce-1", OTHER_ACCOUNT, 2, 1)] == columns(
        ask(lake, "vpc_endpoint_use"), "vpcEndpointId", "vpcEndpointAccountId", "calls", "refused_by_endpoint"
    )
    assert [] == ask(sample, "vpc_endpoint_use")


def test_tls_versions(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    Calls per version, service and program; old versions first, and nothing for events without TLS.
    """
    versions = Counter(
        (each["tlsDetails"]["tlsVersion"], each["eventSource"]) for each in records if each.get("tlsDetails")
    )

    found = Counter[tuple[str, str]]()
    for row in ask(sample, "tls_versions"):
        found[row["tls_version"], row["eventSource"]] += row["calls"]

    assert versions == found
    assert any(is_from_service(each) and not each.get("tlsDetails") for each in records)

    lake = made_lake(record(1), record(2, tlsDetails={"tlsVersion": "TLSv1"}, userAgent="old-job/1 x"))
    assert [("TLSv1", "old-job/1")] == columns(ask(lake, "tls_versions"), "tls_version", "program")[:1]
    assert 1 == len(ask(lake, "tls_versions", version="TLSv1.3"))
