"""
The printed policy enforced: enough for what trailql does, and nothing in it is there for nothing.

The stand-in checks signatures, actions and resources of every request by itself, but ignores the conditions of
permissions; those are evaluated here, on the same requests. It neither asks for KMS permissions nor knows
`LookupEvents`, so those statements are only read, in test_iam_policy.py.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from trailql.errors import TrailqlError
from trailql.sources.aws import AccessRefused, Aws, AwsAccess
from trailql.sources.iam_policy import Needs, access_policy, trust_policy
from trailql.sources.s3 import Bucket
from trailql.sources.trail_prefixes import find_trail_prefixes

pytest.importorskip("boto3", reason="boto3 asks AWS")
pytest.importorskip("moto", reason="moto stands in for AWS")

import boto3
from botocore.exceptions import ClientError
from moto.core.authorization import enable_iam_authentication
from moto.iam.access_control import IAMRequestBase
from moto.server import ThreadedMotoServer

_SESSION = boto3.Session()
_REGION = "us-east-1"
_ACCOUNT = "123456789012"  # the stand-in's own
_TRAIL = "central-trail-bucket"
_HOME = "trail/AWSLogs/o-exampleorg1/111122223333"
_LOG = (
    f"{_HOME}/CloudTrail/eu-west-1/2026/10/14/111122223333_CloudTrail_eu-west-1_20261014T0000Z_Ab12Cd34Ef56Gh78.json.gz"
)
_DIGEST = _LOG.replace("/CloudTrail/", "/CloudTrail-Digest/")
_CONFIG = f"{_HOME}/Config/eu-west-1/2026/10/14/snapshot.json.gz"
_OTHER_LOG = _LOG.replace("o-exampleorg1", "o-exampleorg2").replace("111122223333", "444455556666")
_NEEDS = Needs(
    buckets=[f"s3://{_TRAIL}/trail"],
    organization="o-exampleorg1",
    queues=[f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:trailql"],
    lake="s3://acme-lake/trailql",
)


@dataclass
class Account:
    """The stand-in's account with one user, whose permissions are what is under test."""

    url: str
    queue: str
    key: dict[str, str]

    def client(self, service: str, key: dict[str, str] | None = None) -> Any:
        """A client of the user, or of whoever the key belongs to."""
        who = key or self.key
        return _SESSION.client(
            service,
            endpoint_url=self.url,
            region_name=_REGION,
            aws_access_key_id=who["AccessKeyId"],
            aws_secret_access_key=who["SecretAccessKey"],
            aws_session_token=who.get("SessionToken"),
        )

    def grant(self, policy: dict[str, Any]) -> None:
        """Give the user this policy and no other."""
        admin(self.url, "iam").put_user_policy(
            UserName="trailql", PolicyName="trailql", PolicyDocument=json.dumps(policy)
        )


def admin(url: str, service: str) -> Any:
    """A client that may do anything, as long as permissions are not enforced."""
    return _SESSION.client(
        service, endpoint_url=url, region_name=_REGION, aws_access_key_id="admin", aws_secret_access_key="admin"
    )


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """
    The stand-in on this machine with a trail, a queue, an empty lake and a user; conditions count from here on.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        _forget(url)  # other tests of this process use the same stand-in
        s3, iam, sqs = (admin(url, service) for service in ("s3", "iam", "sqs"))
        for bucket in (_TRAIL, "acme-lake"):
            s3.create_bucket(Bucket=bucket)
        for key in (_LOG, _DIGEST, _CONFIG, _OTHER_LOG):
            s3.put_object(Bucket=_TRAIL, Key=key, Body=b"{}")
        iam.create_user(UserName="trailql")
        key = iam.create_access_key(UserName="trailql")["AccessKey"]
        queue = sqs.create_queue(QueueName="trailql", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
        patch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        patch.setattr(IAMRequestBase, "check_action_permitted", _check_conditions_too(IAMRequestBase))
        yield Account(url, queue, key)
        _forget(url)
    server.stop()


def _forget(url: str) -> None:
    urlopen(Request(f"{url}/moto-api/reset", method="POST")).close()


def _check_conditions_too(base: Any) -> Callable[[Any, str], None]:
    """The stand-in's check, then ours with conditions; a batch delete is checked key by key, as AWS does."""
    check = base.check_action_permitted

    def check_both(request: Any, resource: str) -> None:
        context = {}
        query = parse_qs(urlsplit(request._path).query, keep_blank_values=True)
        for name in ("prefix", "delimiter"):
            if name in query:
                context[f"s3:{name}"] = query[name][0]
        resources = [resource]
        if "delete" in query and request._body:
            resources = [f"{resource}/{key}" for key in re.findall(r"<Key>(.*?)</Key>", request._body.decode())]
        else:
            check(request, resource)
        found = [
            each if isinstance(each, str) else each["policy_document"]
            for each in request._access_key.collect_policies()
        ]
        statements = [statement for policy in found for statement in json.loads(policy)["Statement"]]
        for wanted in resources:
            if not any(_allows(statement, request._action, wanted, context) for statement in statements):
                request._raise_access_denied()

    return check_both


def _allows(statement: dict[str, Any], action: str, resource: str, context: dict[str, str]) -> bool:
    """Whether a statement allows a request, as IAM evaluates it: a missing condition key is a No."""
    if action not in _list(statement["Action"]) or not any(
        _like(each, resource) for each in _list(statement["Resource"])
    ):
        return False
    for operator, keys in statement.get("Condition", {}).items():
        same = {"StringLike": _like, "StringEquals": str.__eq__}[operator]
        for key, values in keys.items():
            if key not in context or not any(same(value, context[key]) for value in _list(values)):
                return False
    return True


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def read_trail(account: Account, below: str = "trail/AWSLogs/o-exampleorg1/") -> list[str]:
    """What ingest does: find the trail, list it, read every log file; digests lie within reach of validation."""
    bucket = Bucket(_TRAIL, Aws(AwsAccess(endpoint_url=account.url, region=_REGION)))
    prefixes = [found.prefix for found in find_trail_prefixes(bucket, below).prefixes]
    found = [each for prefix in prefixes for page in bucket.objects(prefix) for each in page]
    assert {b"{}"} == {bucket.open(each).read() for each in found}
    assert 2 == account.client("s3").head_object(Bucket=_TRAIL, Key=_DIGEST)["ContentLength"]
    return [each.key for each in found]


def walk_to_trail(account: Account) -> None:
    """How the trail is found from above: folder by folder."""
    for prefix, below in (("trail/", "trail/AWSLogs/"), ("trail/AWSLogs/", "trail/AWSLogs/o-exampleorg1/")):
        answer = account.client("s3").list_objects_v2(Bucket=_TRAIL, Prefix=prefix, Delimiter="/")
        assert below in [each["Prefix"] for each in answer["CommonPrefixes"]]


def take_messages(account: Account) -> None:
    """What the queue reader does with a message."""
    sqs = account.client("sqs")
    sqs.get_queue_attributes(QueueUrl=account.queue, AttributeNames=["RedrivePolicy"])
    [message] = sqs.receive_message(QueueUrl=account.queue)["Messages"]
    handle = {"QueueUrl": account.queue, "ReceiptHandle": message["ReceiptHandle"]}
    sqs.change_message_visibility(VisibilityTimeout=60, **handle)
    sqs.delete_message(**handle)


def use_lake(account: Account) -> None:
    """What a commit does: put unless it is there, look for what is not there, list, read, delete, give up an upload."""
    s3, log = account.client("s3"), f"trailql/{uuid4()}/_delta_log/"
    key = f"{log}00000000000000000000.json"
    s3.put_object(Bucket="acme-lake", Key=key, Body=b"{}", IfNoneMatch="*")
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="acme-lake", Key=f"{log}_last_checkpoint")
    assert 1 == s3.list_objects_v2(Bucket="acme-lake", Prefix=log)["KeyCount"]
    s3.get_object(Bucket="acme-lake", Key=key)
    s3.delete_object(Bucket="acme-lake", Key=key)
    upload = s3.create_multipart_upload(Bucket="acme-lake", Key=key)["UploadId"]
    s3.abort_multipart_upload(Bucket="acme-lake", Key=key, UploadId=upload)


_TASKS = {
    "FindTrail": walk_to_trail,
    "ListTrail": read_trail,
    "ReadTrail": read_trail,
    "TakeMessages": take_messages,
    "ListLake": use_lake,
    "WriteLake": use_lake,
}


def is_refused(account: Account, task: Callable[[Account], object]) -> bool:
    """Whether a task ends in a refusal; any other failure is a failure."""
    admin(account.url, "sqs").send_message(QueueUrl=account.queue, MessageBody="{}")
    with enable_iam_authentication():
        try:
            task(account)
        except (ClientError, TrailqlError) as error:
            if not re.search("denied|forbidden", str(error), re.IGNORECASE):
                raise
            return True
    return False


def less(policy: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every policy with one action, one resource or one prefix less: what is missing, from where, and the rest."""
    for number, statement in enumerate(policy["Statement"]):
        for path in (
            ("Action",),
            ("Resource",),
            ("Condition", "StringEquals", "s3:prefix"),
            ("Condition", "StringLike", "s3:prefix"),
        ):
            values = statement
            with suppress(KeyError):
                for name in path:
                    values = values[name]
                for value in _list(values):
                    rest = deepcopy(policy)
                    holder = rest["Statement"][number]
                    for name in path[:-1]:
                        holder = holder[name]
                    holder[path[-1]] = [each for each in _list(values) if each != value]
                    if not holder[path[-1]]:
                        del rest["Statement"][number]
                    yield value, statement["Sid"], rest


def test_it_is_enough(account: Account) -> None:
    """
    Whoever has the printed policy and no other can do everything that was asked for.
    """
    account.grant(access_policy(_NEEDS))

    assert [False] * len(_TASKS) == [is_refused(account, task) for task in _TASKS.values()]
    with enable_iam_authentication():
        assert [_LOG] == read_trail(account)


def test_it_is_enough_to_find_a_trail_from_above(account: Account) -> None:
    """
    From the prefix that was named, through `AWSLogs/`, over all organizations and accounts.
    """
    account.grant(access_policy(Needs(buckets=[f"s3://{_TRAIL}/trail"])))

    with enable_iam_authentication():
        assert [_LOG, _OTHER_LOG] == read_trail(account, "trail")


@pytest.mark.parametrize(
    ("missing", "sid", "rest"),
    [pytest.param(*each, id=f"{each[1]} {each[0]}") for each in less(access_policy(_NEEDS))],
)
def test_nothing_can_be_left_out(account: Account, missing: str, sid: str, rest: dict[str, Any]) -> None:
    """
    Take any action, resource or prefix away, and something is refused.
    """
    account.grant(rest)

    assert is_refused(account, _TASKS[sid])


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("s3", "head_bucket", {"Bucket": _TRAIL}),
        ("s3", "list_objects_v2", {"Bucket": _TRAIL}),
        ("s3", "list_objects_v2", {"Bucket": _TRAIL, "Prefix": "", "Delimiter": "/"}),
        ("s3", "list_objects_v2", {"Bucket": _TRAIL, "Prefix": "trail/"}),
        ("s3", "list_objects_v2", {"Bucket": _TRAIL, "Prefix": "trail/AWSLogs/o-exampleorg2/", "Delimiter": "/"}),
        ("s3", "get_object", {"Bucket": _TRAIL, "Key": _CONFIG}),
        ("s3", "get_object", {"Bucket": _TRAIL, "Key": _OTHER_LOG}),
        ("s3", "put_object", {"Bucket": _TRAIL, "Key": _LOG, "Body": b""}),
        ("s3", "delete_object", {"Bucket": _TRAIL, "Key": _LOG}),
        ("s3", "list_objects_v2", {"Bucket": "acme-lake", "Prefix": "other/"}),
        ("s3", "put_object", {"Bucket": "acme-lake", "Key": "other/x", "Body": b""}),
        ("s3", "get_bucket_location", {"Bucket": _TRAIL}),
        ("s3", "list_buckets", {}),
        ("sqs", "list_queues", {}),
        ("iam", "list_users", {}),
    ],
)
def test_nothing_else_is_allowed(account: Account, service: str, operation: str, arguments: dict[str, Any]) -> None:
    """
    Neighbouring keys, folders, buckets and services are refused, and so is changing the trail.
    """
    account.grant(access_policy(_NEEDS))

    assert is_refused(account, lambda account: getattr(account.client(service), operation)(**arguments))


def test_reading_a_lake_is_not_writing(account: Account) -> None:
    """
    --lake-access read lists and reads.
    """
    admin(account.url, "s3").put_object(Bucket="acme-lake", Key="trailql/x", Body=b"{}")
    account.grant(access_policy(Needs(lake="s3://acme-lake/trailql", lake_is_written=False)))

    assert not is_refused(account, lambda it: it.client("s3").get_object(Bucket="acme-lake", Key="trailql/x"))
    assert not is_refused(account, lambda it: it.client("s3").list_objects_v2(Bucket="acme-lake", Prefix="trailql/"))
    assert is_refused(account, lambda it: it.client("s3").put_object(Bucket="acme-lake", Key="trailql/x", Body=b""))
    assert is_refused(account, lambda it: it.client("s3").delete_object(Bucket="acme-lake", Key="trailql/x"))


def test_delta_writes_compacts_and_cleans_up(account: Account) -> None:
    """
    delta-rs makes do with it: commits, compaction, vacuum, checkpoint and log cleanup.
    """
    import pyarrow as pa
    from deltalake import DeltaTable, write_deltalake

    account.grant(access_policy(Needs(lake="s3://acme-lake/trailql")))
    options = {
        "aws_access_key_id": account.key["AccessKeyId"],
        "aws_secret_access_key": account.key["SecretAccessKey"],
        "aws_endpoint": account.url,
        "aws_region": _REGION,
        "aws_conditional_put": "etag",
        "allow_http": "true",
    }

    with enable_iam_authentication():
        for number in range(2):
            write_deltalake(
                "s3://acme-lake/trailql/delta", pa.table({"n": [number]}), mode="append", storage_options=options
            )
        table = DeltaTable("s3://acme-lake/trailql/delta", storage_options=options)
        table.optimize.compact()
        removed = table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
        table.create_checkpoint()
        table.cleanup_metadata()

    assert 2 == len(removed)


def test_a_role_is_assumed_by_who_may_with_what_it_asks_for(account: Account) -> None:
    """
    The caller's policy, the role's trust and the role's policy work together, and only together.
    """
    user, role = f"arn:aws:iam::{_ACCOUNT}:user/trailql", f"arn:aws:iam::{_ACCOUNT}:role/trailql-audit"
    iam = admin(account.url, "iam")
    trust = trust_policy([user], external_id="kestrel-4711")
    iam.create_role(RoleName="trailql-audit", AssumeRolePolicyDocument=json.dumps(trust))
    reads = access_policy(Needs(buckets=[f"s3://{_TRAIL}/trail"]))
    iam.put_role_policy(RoleName="trailql-audit", PolicyName="trailql", PolicyDocument=json.dumps(reads))

    def assume(external_id: str) -> Callable[[Account], Any]:
        names = {"RoleArn": role, "RoleSessionName": "trailql", "ExternalId": external_id}
        return lambda account: account.client("sts").assume_role(**names)

    account.grant(reads)
    assert is_refused(account, assume("kestrel-4711"))
    account.grant(access_policy(Needs(roles=[role])))
    assert is_refused(account, assume("osprey-0815"))
    assert not is_refused(account, assume("kestrel-4711"))
    with enable_iam_authentication():
        session = assume("kestrel-4711")(account)["Credentials"]
        assert b"{}" == account.client("s3", session).get_object(Bucket=_TRAIL, Key=_LOG)["Body"].read()
    assert is_refused(account, lambda it: it.client("s3").get_object(Bucket=_TRAIL, Key=_LOG))
    assert is_refused(account, lambda it: it.client("s3", session).get_object(Bucket=_TRAIL, Key=_CONFIG))


def test_a_trail_below_a_folder(account: Account) -> None:
    """
    The policy for a folder lets an ingest of it find the trail; one of the whole bucket is told what is refused.
    """
    bucket = Bucket(_TRAIL, Aws(AwsAccess(endpoint_url=account.url, region=_REGION)))

    account.grant(access_policy(Needs(buckets=[f"s3://{_TRAIL}/trail"])))
    with enable_iam_authentication():
        found = find_trail_prefixes(bucket, "trail").prefixes
        with pytest.raises(AccessRefused) as refused:
            find_trail_prefixes(bucket, "")
    assert f"{_HOME}/CloudTrail/eu-west-1/" in [each.prefix for each in found]
    assert "name what comes before AWSLogs/" in str(refused.value.hint)

    account.grant(access_policy(Needs(buckets=[f"s3://{_TRAIL}"])))
    with enable_iam_authentication():
        assert ("trail/",) == find_trail_prefixes(bucket, "").refused
