"""The history of a resource: which events name it, what they set, and what was set before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ingest
from tests.forensics.stories import IAM, at, event, user
from tests.made import ACCOUNT, OTHER_ACCOUNT, Record, write_log
from trailql.errors import UsageError
from trailql.forensics.resource import History, resource_history
from trailql.forensics.settings import Past

HistoryOf = Callable[..., History]
S3, EC2 = "s3.amazonaws.com", "ec2.amazonaws.com"


@pytest.fixture
def history(logs: Path, lake_dir: Path, ingest: Ingest) -> HistoryOf:
    """The history of something in these records."""

    def run(records: list[Record], asked: str, **options: Any) -> History:
        write_log(logs, *records)
        ingest()
        return resource_history(lake_dir, asked, **options)

    return run


def modify(number: int, minutes: float, size: str, **fields: Any) -> Record:
    """ModifyInstanceAttribute."""
    asked = {"instanceId": "i-0aaa", "instanceType": {"value": size}}
    return event(
        number, user(), f"{EC2}:ModifyInstanceAttribute", at(minutes), **{"requestParameters": asked, **fields}
    )


def test_before_and_after(history: HistoryOf) -> None:
    """
    What a request replaces is what the last successful request before it set; of the first nobody knows.
    """
    records = [modify(1, 0, "t3.micro"), modify(2, 1, "x", errorCode="Client.Denied"), modify(3, 2, "m5.large")]
    found = history(records, "i-0aaa")

    first, failed, last = found.changes
    assert [("instanceType", "t3.micro", None)] == [(s.path, s.after, s.before) for s in first.settings]
    assert ("Client.Denied", ()) == (failed.error_code, failed.settings)
    (setting,) = last.settings
    assert ("m5.large", "t3.micro", at(0), records[0]["eventID"]) == (
        setting.after,
        setting.before,
        setting.before_time,
        setting.before_event_id,
    )


def test_before_lies_before_the_window(history: HistoryOf) -> None:
    """
    --since hides earlier changes, and still knows what they set.
    """
    found = history([modify(1, 0, "t3.micro"), modify(2, 2, "m5.large")], "i-0aaa", since=at(1))
    assert [["t3.micro"]] == [[setting.before for setting in change.settings] for change in found.changes]


def test_policies_are_documents(history: HistoryOf) -> None:
    """
    A policy is one value, laid out, whether it is JSON or text; the policies of several names have pasts of their own.
    """

    def put(number: int, name: str, action: str, *, as_text: bool) -> Record:
        document = {"Statement": [{"Effect": "Allow", "Action": action}]}
        asked = {
            "userName": "bob",
            "policyName": name,
            "policyDocument": json.dumps(document) if as_text else document,
        }
        return event(number, user(), f"{IAM}:PutUserPolicy", at(number), requestParameters=asked)

    records = [
        put(1, "one", "s3:*", as_text=True),
        put(2, "two", "ec2:*", as_text=True),
        put(3, "one", "*", as_text=False),
    ]
    *_, last = history(records, "bob").changes

    document = {setting.path: setting for setting in last.settings}["policyDocument"]
    assert '"Action": "*"' in document.after
    assert '"Action": "s3:*"' in (document.before or "")
    assert document.after.count("\n") == (document.before or "").count("\n")


def test_adding_replaces_nothing() -> None:
    """
    Attach…, and the add and remove of Modify…Attribute, have nothing before them.
    """
    past = Past(("snap-1",))
    share = json.dumps({"snapshotId": "snap-1", "createVolumePermission": {"add": {"items": [{"userId": "1"}]}}})
    attach = json.dumps({"roleName": "r", "policyArn": "arn:aws:iam::aws:policy/A"})
    for name, asked in (("ModifySnapshotAttribute", share), ("AttachRolePolicy", attach)) * 2:
        assert not any(s.replaces or s.is_known for s in past.told(name, asked, at(0), "e"))


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ("logs", [1, 2]),
        ("logs-archive", [3]),
        ("arn:aws:s3:::logs", [1, 2]),
        (f"arn:aws:iam::{ACCOUNT}:user/logs", [4]),
        (f"arn:aws:iam::{OTHER_ACCOUNT}:user/logs", []),
        ("log.", []),
    ],
)
def test_whole_names_only(history: HistoryOf, asked: str, numbers: list[int]) -> None:
    """
    A name is not found inside of a longer one; an ARN's name only in calls of its service and account.
    """
    arn = [{"ARN": "arn:aws:s3:::logs/key", "type": "AWS::S3::Object"}]
    records = [
        event(1, user(), f"{S3}:PutBucketAcl", at(1), requestParameters={"bucketName": "logs"}),
        event(2, user(), f"{S3}:PutObject", at(2), resources=arn),
        event(3, user(), f"{S3}:PutBucketAcl", at(3), requestParameters={"bucketName": "logs-archive"}),
        event(4, user(), f"{IAM}:DeleteUser", at(4), requestParameters={"userName": "logs"}),
    ]
    found = {change.event_id for change in history(records, asked).changes}
    wanted = {records[n - 1]["eventID"] for n in numbers}
    assert (wanted | {records[3]["eventID"]} if asked == "logs" else wanted) == found


def test_reads_are_folded(history: HistoryOf) -> None:
    """
    Looks at a resource within an hour of each other are a run, and no change.
    """
    looks = [
        event(n, user(), f"{S3}:GetBucketPolicy", at(n * 50), requestParameters={"bucketName": "logs"})
        for n in range(3)
    ]
    found = history(looks, "logs")
    assert ((), [3]) == (found.changes, [entry.calls for entry in found.reads])


def test_nothing_to_look_for(history: HistoryOf) -> None:
    """
    Nothing at all is a wrong question; what nobody names has no history.
    """
    with pytest.raises(UsageError):
        history([modify(1, 0, "x")], "")
    assert ((), ()) == (history([modify(1, 0, "x")], "i-0bbb").changes, history([modify(1, 0, "x")], "i-0bbb").reads)


def test_odd_requests(history: HistoryOf) -> None:
    """
    Deep nests, lists, nulls and requests that are no objects are lived with.
    """
    deep: Any = "i-0aaa"
    for _ in range(60):
        deep = {"x": deep}
    asked = [{"a": [1, None, {"instanceId": "i-0aaa"}], "b": None, "c": "", "policy": "not json"}, deep, "i-0aaa"]
    records = [event(n, user(), f"{EC2}:ModifyThing", at(n), requestParameters=each) for n, each in enumerate(asked)]
    assert 3 == len(history(records, "i-0aaa").changes)
