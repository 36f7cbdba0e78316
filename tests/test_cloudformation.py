"""The CloudFormation templates in docs/aws: sound, and granting what `trailql iam-policy` prints."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trailql.sources.iam_policy import Needs, access_policy, trust_policy

_FOLDER = Path(__file__).resolve().parent.parent / "docs" / "aws"
_TEMPLATES = sorted(_FOLDER.glob("*.yaml"))
_BUCKET = "central-trail-bucket"
_KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
_PRINCIPAL = "arn:aws:iam::444455556666:role/trailql"
_EXTERNAL_ID = "kestrel-4711"
_TRAIL = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/organization"
_NARROW = {"TrailPrefix": "trail", "OrganizationId": "o-exampleorg1", "KmsKeyArn": _KEY}
_LOGS = "AWSLogs/o-exampleorg1/111122223333"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """
    An account of AWS's stand-in, as a boto3 session.
    """
    moto = pytest.importorskip("moto", reason="moto stands in for AWS")
    boto3 = pytest.importorskip("boto3")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with moto.mock_aws():
        yield boto3.Session(region_name="eu-west-1")


def deploy(account: Any, name: str, **parameters: str) -> dict[str, str]:
    """The outputs of a stack made from a template."""
    given = {"BucketName": _BUCKET, "AuditPrincipalArn": _PRINCIPAL, "ExternalId": _EXTERNAL_ID, **parameters}
    stacks = account.client("cloudformation")
    stacks.create_stack(
        StackName="trailql",
        TemplateBody=(_FOLDER / name).read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    [stack] = stacks.describe_stacks(StackName="trailql")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def plain(value: Any) -> Any:
    """A policy with every text as list, and without what AWS::NoValue stands for: both mean the same to IAM."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list) and not any(isinstance(each, dict) for each in value):
        return [each for each in value if each is not None]
    return [plain(each) for each in value if each is not None] if isinstance(value, list) else [value]


def statements(policy: dict[str, Any]) -> list[Any]:
    """The statements in a form that compares."""
    found: list[Any] = plain(policy["Statement"])
    return found


def by_sid(policy: dict[str, Any]) -> dict[str, Any]:
    """The statements by their names."""
    return {statement["Sid"][0]: statement for statement in statements(policy)}


def role_policy(account: Any) -> dict[str, Any]:
    """What the role of a stack may do."""
    document = account.client("iam").get_role_policy(RoleName="trailql-audit", PolicyName="trailql")["PolicyDocument"]
    # The stand-in hands a template's document back as Python writes it.
    found: dict[str, Any] = ast.literal_eval(document) if isinstance(document, str) else document
    return found


def announced(account: Any, queue: str, *keys: str) -> list[str]:
    """The keys a queue names after objects were put."""
    s3, sqs = account.client("s3"), account.client("sqs")
    for key in keys:
        s3.put_object(Bucket=_BUCKET, Key=key, Body=b"{}")
    named: list[str] = []
    while messages := sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=0).get("Messages"):
        for message in messages:
            named.append(json.loads(message["Body"])["detail"]["object"]["key"])
    return sorted(named)


def template(name: str) -> dict[str, Any]:
    """A template with its short forms written out."""
    pytest.importorskip("cfnlint", reason="cfn-lint reads the templates")
    from cfnlint.decode import cfn_yaml

    found: dict[str, Any] = cfn_yaml.load(str(_FOLDER / name))
    return found


def test_templates_are_sound() -> None:
    """
    cfn-lint has nothing to say, neither errors nor warnings.
    """
    pytest.importorskip("cfnlint", reason="cfn-lint is not installed")

    words = [sys.executable, "-c", "from cfnlint.runner import main; main()", *map(str, _TEMPLATES)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_templates_are_there() -> None:
    """
    The lint has something to lint.
    """
    assert ["central-bucket.yaml", "new-bucket.yaml"] == [path.name for path in _TEMPLATES]


@pytest.mark.parametrize(
    ("name", "narrow", "queue_key"),
    [
        ("central-bucket.yaml", {}, ""),
        ("central-bucket.yaml", _NARROW, ""),
        ("central-bucket.yaml", _NARROW, _KEY),
        ("new-bucket.yaml", {}, ""),
        ("new-bucket.yaml", _NARROW, ""),
    ],
)
@pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")
def test_role_may_do_what_iam_policy_prints(account: Any, name: str, narrow: dict[str, str], queue_key: str) -> None:
    """
    Statement by statement, with the parameters filled in; who may assume the role likewise.
    """
    extra = {"QueueKmsKeyArn": queue_key} if name == "central-bucket.yaml" else {"TrailArn": _TRAIL}

    outputs = deploy(account, name, **narrow, **extra)

    prefix = narrow.get("TrailPrefix")
    printed = access_policy(
        Needs(
            buckets=[f"s3://{_BUCKET}/{prefix}" if prefix else _BUCKET],
            organization=narrow.get("OrganizationId"),
            kms_keys=[narrow["KmsKeyArn"]] if narrow else [],
            queues=[outputs["QueueUrl"]],
            queue_kms_keys=[queue_key] if queue_key else [],
        )
    )
    assert by_sid(printed) == by_sid(role_policy(account))
    trust = account.client("iam").get_role(RoleName="trailql-audit")["Role"]["AssumeRolePolicyDocument"]
    assert statements(trust_policy([_PRINCIPAL], external_id=_EXTERNAL_ID)) == statements(trust)
    assert outputs["RoleArn"].endswith(":role/trailql-audit")


@pytest.mark.parametrize("name", ["central-bucket.yaml", "new-bucket.yaml"])
def test_keys_in_china_have_both_names_of_the_service(name: str) -> None:
    """
    The one place where a partition changes more than ARNs is in the templates as it is in the printed policy.
    """
    key = _KEY.replace("arn:aws:", "arn:aws-cn:").replace("eu-west-1", "cn-north-1")
    printed = by_sid(access_policy(Needs(buckets=[_BUCKET], kms_keys=[key])))["DecryptFromS3"]["Condition"]

    text = json.dumps(template(name)["Resources"]["AuditRole"])

    assert {"StringEquals": {"kms:ViaService": ["s3.cn-north-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn"]}} == (
        printed
    )
    assert '"s3.${Region}.amazonaws.com"' in text
    assert '{"Fn::If": ["InChina", {"Fn::Sub": ["s3.${Region}.amazonaws.com.cn"' in text


@pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")
def test_central_bucket_announces_log_files_alone(account: Any) -> None:
    """
    With EventBridge turned on, keys of log files reach the queue; digests, other services and other buckets do not.
    """
    s3 = account.client("s3")
    s3.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    queue = deploy(account, "central-bucket.yaml", **_NARROW)["QueueUrl"]
    s3.put_bucket_notification_configuration(Bucket=_BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}})
    wanted = [
        f"trail/{_LOGS}/CloudTrail/eu-west-1/2026/10/14/a.json.gz",
        f"trail/{_LOGS}/CloudTrail-NetworkActivity/eu-west-1/2026/10/14/a.json.gz",
        f"trail/{_LOGS}/CloudTrail-Insight/eu-west-1/2026/10/14/a.json.gz",
    ]
    others = [
        f"trail/{_LOGS}/CloudTrail-Digest/eu-west-1/2026/10/14/a.json.gz",
        f"trail/{_LOGS}/CloudTrail-Aggregated/eu-west-1/2026/10/14/a.json.gz",
        f"trail/{_LOGS}/Config/eu-west-1/2026/10/14/a.json.gz",
        f"trail/{_LOGS.replace('o-exampleorg1', 'o-exampleorg2')}/CloudTrail/eu-west-1/2026/10/14/a.json.gz",
        f"{_LOGS}/CloudTrail/eu-west-1/2026/10/14/a.json.gz",
    ]

    assert sorted(wanted) == announced(account, queue, *wanted, *others)


def test_new_bucket_announces_what_lies_in_the_trail() -> None:
    """
    The bucket itself tells the queue; its filter knows a prefix and a suffix only, so digests are named as well.
    """
    resources = template("new-bucket.yaml")["Resources"]

    [told] = resources["TrailBucket"]["Properties"]["NotificationConfiguration"]["QueueConfigurations"]

    assert ("s3:ObjectCreated:*", {"Fn::GetAtt": ["Messages", "Arn"]}) == (told["Event"], told["Queue"])
    prefix, suffix = told["Filter"]["S3Key"]["Rules"]
    assert ("prefix", "${Folder}AWSLogs/") == (prefix["Name"], prefix["Value"]["Fn::Sub"][0])
    assert ("suffix", ".json.gz") == (suffix["Name"], suffix["Value"])


@pytest.mark.parametrize(
    ("name", "service", "source"),
    [
        ("central-bucket.yaml", "events.amazonaws.com", {"Fn::GetAtt": ["NewLogFiles", "Arn"]}),
        ("new-bucket.yaml", "s3.amazonaws.com", {"Fn::Sub": "arn:${AWS::Partition}:s3:::${BucketName}"}),
    ],
)
def test_only_its_source_may_write_to_the_queue(name: str, service: str, source: dict[str, Any]) -> None:
    """
    One service may send, on behalf of one rule or bucket; five attempts, two weeks, a quarter of an hour each.
    """
    resources = template(name)["Resources"]

    [allowed] = resources["MessagesPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    queue = resources["Messages"]["Properties"]

    assert ("Allow", {"Service": service}, "sqs:SendMessage") == (
        allowed["Effect"],
        allowed["Principal"],
        allowed["Action"],
    )
    assert source == allowed["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert (5, 14 * 86400, 15 * 60) == (
        queue["RedrivePolicy"]["maxReceiveCount"],
        queue["MessageRetentionPeriod"],
        queue["VisibilityTimeout"],
    )


def test_new_bucket_is_closed() -> None:
    """
    No public access, no ACLs, versions kept; CloudTrail delivers for the one trail only, and nobody without TLS.
    """
    resources = template("new-bucket.yaml")["Resources"]

    bucket = resources["TrailBucket"]
    policy = resources["TrailBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]

    assert {True} == set(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    assert "BucketOwnerEnforced" == bucket["Properties"]["OwnershipControls"]["Rules"][0]["ObjectOwnership"]
    assert "Enabled" == bucket["Properties"]["VersioningConfiguration"]["Status"]
    assert ("Retain", "Retain") == (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"])
    allowed = [statement for statement in policy if statement["Effect"] == "Allow"]
    assert [{"Ref": "TrailArn"}] * 2 == [each["Condition"]["StringEquals"]["aws:SourceArn"] for each in allowed]
    assert [{"Service": "cloudtrail.amazonaws.com"}] * 2 == [each["Principal"] for each in allowed]


@pytest.mark.parametrize("path", _TEMPLATES, ids=lambda path: path.name)
def test_templates_name_no_partition(path: Path) -> None:
    """
    ARNs are built with AWS::Partition; what is written out are examples in descriptions and patterns.
    """
    resources = path.read_text().partition("\nResources:")[2]

    assert "arn:aws" not in resources
