"""Questions about changes of what matters: identities, instances, networks, functions, logging, the organization."""

from __future__ import annotations

from pathlib import Path

from tests.made import OTHER_ACCOUNT, Record
from tests.questions.asked import actor, ask, changes, columns, failed, grouped, made
from tests.questions.conftest import MadeLake


def _ids(records: list[Record], *names: str) -> list[str]:
    return sorted(each["eventID"] for each in records if each["eventName"] in names)


def test_iam_changes(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    Every change in IAM with its target; reads are none.
    """
    changed = [each for each in records if each["eventSource"] == "iam.amazonaws.com" and changes([each])]

    rows = ask(sample, "iam_changes")

    assert sorted(each["eventID"] for each in changed) == sorted(row["eventID"] for row in rows)
    assert [("AttachUserPolicy", "build-bot", "arn:aws:iam::aws:policy/AdministratorAccess")] == [
        row for row in columns(rows, "eventName", "target", "with_what") if row[0] == "AttachUserPolicy"
    ]
    assert {"CreateAccessKey", "AttachUserPolicy"} == {
        row["eventName"] for row in ask(sample, "iam_changes", principal="web-developer")
    }

    lake = made_lake(
        made(1, "iam:PutRolePolicy", request={"roleName": "r", "policyName": "p"}),
        made(2, "iam:CreateUser", 1, request={"userName": "u"}, errorCode="AccessDenied"),
    )
    assert [("r", "p", None), ("u", None, "AccessDenied")] == columns(
        ask(lake, "iam_changes"), "target", "with_what", "errorCode"
    )
    assert ["u"] == [row["target"] for row in ask(lake, "iam_changes", target='"u"')]


def test_access_key_changes(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    The new key, its use, and its end.
    """
    uses = sum(each["userIdentity"].get("accessKeyId") == "AKIANEWKEY123EXAMPLE" for each in records)

    rows = ask(sample, "access_key_changes")

    assert [
        ("CreateAccessKey", "AKIANEWKEY123EXAMPLE", "build-bot", None, uses),
        ("UpdateAccessKey", "AKIANEWKEY123EXAMPLE", "build-bot", "Inactive", uses),
    ] == columns(rows, "eventName", "access_key", "user_name", "status", "calls_with_it")

    lake = made_lake(
        made(1, "iam:DeleteAccessKey", request={"accessKeyId": "AKIAOLD"}),
        made(2, "iam:CreateAccessKey", 1, errorCode="AccessDenied"),
        made(3, "iam:ListAccessKeys", readOnly=True),
    )
    assert [("AKIAOLD", "web-developer", 0), (None, "web-developer", 0)] == columns(
        ask(lake, "access_key_changes"), "access_key", "user_name", "calls_with_it"
    )
    assert [] == ask(lake, "access_key_changes", user="nobody")


def test_instances_launched(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    Calls and instances per principal, Region and type, failures among them.
    """
    launches = grouped(
        (each for each in records if each["eventName"] == "RunInstances"),
        lambda each: (each["recipientAccountId"], each["awsRegion"], actor(each)),
    )

    found: dict[tuple[str, str, str], list[int]] = {}
    for row in ask(sample, "instances_launched"):
        sums = found.setdefault((row["account"], row["awsRegion"], row["actor"]), [0, 0, 0])
        for i, name in enumerate(("calls", "instances", "failed")):
            sums[i] += row[name]

    assert {
        key: [
            len(held),
            sum(len(each["responseElements"]["instancesSet"]["items"]) for each in held if each["responseElements"]),
            failed(held),
        ]
        for key, held in launches.items()
    } == found

    lake = made_lake(
        made(1, "ec2:RunInstances", request={"instanceType": "p5.48xlarge"}, errorCode="Client.VcpuLimitExceeded"),
        made(2, "ec2:StartInstances"),
    )
    assert [("p5.48xlarge", 1, 0, 1, "Client.VcpuLimitExceeded")] == columns(
        ask(lake, "instances_launched"), "instance_type", "calls", "instances", "failed", "one_error"
    )


def test_security_group_changes(sample: Path, made_lake: MadeLake) -> None:
    """
    Rules with their ports and ranges; a whole-internet range is marked, a narrow one and a read are not.
    """
    rule = {"fromPort": 22, "toPort": 22, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}
    wide = {"groupId": "sg-1", "ipPermissions": {"items": [rule]}}
    changed = {
        "GroupId": "sg-3",
        "SecurityGroupRule": {"SecurityGroupRule": {"CidrIpv4": "192.0.2.0/24", "FromPort": 443}},
    }
    lake = made_lake(
        made(1, "ec2:AuthorizeSecurityGroupIngress", request=wide),
        made(
            2, "ec2:RevokeSecurityGroupEgress", 1, request={"groupId": "sg-2", "cidrIp": "192.0.2.0/30", "fromPort": 80}
        ),
        made(3, "ec2:ModifySecurityGroupRules", 2, request={"ModifySecurityGroupRulesRequest": changed}),
        made(4, "ec2:DescribeSecurityGroups", readOnly=True),
        made(5, "ec2:CreateSecurityGroup", 3, request={"groupName": "g"}, response={"groupId": "sg-4"}),
    )

    assert [
        ("sg-1", "22", "0.0.0.0/0", True),
        ("sg-2", "80", "192.0.2.0/30", False),
        ("sg-3", "443", "192.0.2.0/24", False),
        ("sg-4", "", "", False),
    ] == columns(ask(lake, "security_group_changes"), "group_id", "from_ports", "ranges", "open_to_all")
    assert 1 == len(ask(lake, "security_group_changes", group_id="sg-3"))
    assert [] == ask(sample, "security_group_changes")


def test_network_changes(sample: Path, made_lake: MadeLake) -> None:
    """
    Changes of the network, and nothing else of EC2.
    """
    names = ["CreateRoute", "AttachInternetGateway", "DeleteFlowLogs", "CreateNetworkAclEntry", "CreateVpcEndpoint"]
    lake = made_lake(
        *[made(i, f"ec2:{name}", i) for i, name in enumerate(names)],
        made(10, "ec2:DescribeVpcs", readOnly=True),
        made(11, "ec2:RunInstances"),
        made(12, "ec2:AuthorizeSecurityGroupIngress"),
    )

    assert names == [row["eventName"] for row in ask(lake, "network_changes")]
    assert [] == ask(sample, "network_changes")


def test_snapshot_and_image_copies(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    The attack's twelve copies; nightly snapshots are none.
    """
    rows = ask(sample, "snapshot_and_image_copies")

    assert _ids(records, "CopySnapshot") == sorted(row["eventID"] for row in rows)

    lake = made_lake(
        made(1, "rds:CopyDBSnapshot", request={"sourceDBSnapshotIdentifier": "db", "kmsKeyId": "k"}),
        made(2, "rds:StartExportTask", 1, request={"sourceArn": "arn:db"}),
        made(3, "ec2:CreateSnapshot", 2),
    )
    assert [("db", "k"), ("arn:db", None)] == columns(ask(lake, "snapshot_and_image_copies"), "copied", "kms_key")


def test_function_changes(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    Changes of functions by their plain names; invocations and reads are none.
    """
    rows = ask(sample, "function_changes")

    assert _ids(records, "UpdateFunctionCode20150331v2") == sorted(row["eventID"] for row in rows)
    assert {"UpdateFunctionCode"} == {row["change"] for row in rows}

    arn = f"arn:aws:lambda:us-east-1:{OTHER_ACCOUNT}:function:f"
    lake = made_lake(
        made(1, "lambda:AddPermission20150331v2", request={"functionName": arn, "principal": "*"}),
        made(2, "lambda:Invoke", managementEvent=False, request={"functionName": "f"}),
        made(3, "lambda:GetFunction20150331v2", readOnly=True),
    )
    assert [("AddPermission", "f", "*")] == columns(
        ask(lake, "function_changes", function="function:f"), "change", "function", "allowed_principal"
    )


def test_logging_changes(sample: Path, made_lake: MadeLake) -> None:
    """
    Logging and watching services switched, with failed attempts; log streams and reads are none.
    """
    trail = "arn:aws:cloudtrail:us-east-1:444455556666:trail/production-trail"
    assert [("StopLogging", trail), ("StartLogging", trail)] == columns(
        ask(sample, "logging_changes"), "eventName", "target"
    )

    names = [
        "guardduty:DeleteDetector", "ec2:DeleteFlowLogs", "s3:PutBucketLogging", "logs:DeleteLogGroup",
        "config:StopConfigurationRecorder", "route53resolver:DeleteResolverQueryLogConfig",
    ]  # fmt: skip
    lake = made_lake(
        *[made(i, name, i, errorCode="AccessDenied") for i, name in enumerate(names)],
        made(10, "logs:CreateLogStream"),
        made(11, "ec2:RunInstances"),
        made(12, "cloudtrail:LookupEvents", readOnly=True),
    )
    assert [name.split(":")[1] for name in names] == [row["eventName"] for row in ask(lake, "logging_changes")]


def test_organization_changes(sample: Path, made_lake: MadeLake) -> None:
    """
    Accounts, policies and assignments; looking at the organization is no change.
    """
    lake = made_lake(
        made(1, "organizations:AttachPolicy", request={"policyId": "p-1", "targetId": "ou-1"}),
        made(2, "account:EnableRegion", 1, request={"regionName": "af-south-1"}),
        made(3, "sso:CreateAccountAssignment", 2, request={"targetId": OTHER_ACCOUNT}),
        made(4, "organizations:ListAccounts", readOnly=True),
        made(5, "iam:CreateUser"),
    )

    assert ["ou-1", "af-south-1", OTHER_ACCOUNT] == [row["target"] for row in ask(lake, "organization_changes")]
    assert [] == ask(sample, "organization_changes")
