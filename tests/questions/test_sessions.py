"""Questions of an investigation: one key, one session, one resource, and where its credentials came from."""

from __future__ import annotations

from pathlib import Path

from tests.made import ACCOUNT, Record, record
from tests.questions.asked import (
    actor,
    ask,
    at,
    changes,
    columns,
    failed,
    grouped,
    is_from_service,
    made,
    refused,
    span,
)
from tests.questions.conftest import MadeLake

_STOLEN = "AKIANEWKEY123EXAMPLE"


def _key(each: Record) -> str:
    return each["userIdentity"].get("accessKeyId", "")


def _with_key(key: str) -> dict[str, str]:
    return dict(record()["userIdentity"], accessKeyId=key)


def _issued(key: str) -> dict[str, dict[str, str]]:
    return {"credentials": {"accessKeyId": key}}


def test_activity_by_session(sample: Path, records: list[Record]) -> None:
    """
    One row per assumed-role ARN.
    """
    sessions = grouped(
        (each for each in records if each["userIdentity"].get("type") == "AssumedRole"),
        lambda each: each["userIdentity"]["arn"],
    )

    rows = ask(sample, "activity_by_session")

    assert {
        arn: (*span(held), len(held), changes(held), refused(held), len(set(map(_key, held))))
        for arn, held in sessions.items()
    } == {row["session_arn"]: tuple(row.values())[1:7] for row in rows}
    assert [arn for arn in sessions if "/ops-lead/" in arn] == [
        row["session_arn"] for row in ask(sample, "activity_by_session", session="/ops-lead/")
    ]


def test_session_timeline(sample: Path, records: list[Record]) -> None:
    """
    Every event of the key, in order; without a key, of the one that was refused most.
    """
    story = sorted((at(each), each["eventID"]) for each in records if _key(each) == _STOLEN)

    assert story == columns(ask(sample, "session_timeline", access_key=_STOLEN), "eventTime", "eventID")
    assert story == columns(ask(sample, "session_timeline"), "eventTime", "eventID")
    assert [] == ask(sample, "session_timeline", access_key="AKIANOBODY")


def test_resources_touched(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    The resources CloudTrail names, per principal; single objects only when asked for.
    """
    touched = grouped(
        (
            (actor(each), resource["ARN"], each)
            for each in records
            if not is_from_service(each)
            for resource in each.get("resources") or []
        ),
        lambda item: item[:2],
    )

    rows = ask(sample, "resources_touched")

    assert {
        key: (len(held), changes(each for *_, each in held), failed(each for *_, each in held))
        for key, held in touched.items()
    } == {(row["actor"], row["resource"]): (row["calls"], row["changes"], row["failed"]) for row in rows}

    bucket = {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"}
    of_object = {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"}
    listed = {"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::b/"}
    lake = made_lake(
        made(1, "s3:PutObject", resources=[of_object, bucket]),
        made(2, "s3:ListObjects", resources=[listed, bucket], readOnly=True),
        made(
            3, "s3:PutObject", resources=[bucket], userIdentity={"type": "AWSService", "invokedBy": "x.amazonaws.com"}
        ),
    )
    assert [("arn:aws:s3:::b", "AWS::S3::Bucket", 2)] == columns(
        ask(lake, "resources_touched", principal="web-developer"), "resource", "resource_type", "calls"
    )
    assert {"arn:aws:s3:::b", "arn:aws:s3:::b/k", "arn:aws:s3:::b/"} == {
        row["resource"] for row in ask(lake, "resources_touched", objects="yes")
    }
    assert [] == ask(lake, "resources_touched", access_key="ASIA")


def test_credentials_issued(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    Who was given which key, and what the lake holds of it; services' own fetching is left out unless asked for.
    """
    calls = grouped(records, _key)
    issued = [
        (at(each), (answer.get("credentials") or answer["accessKey"])["accessKeyId"])
        for each in records
        if each["eventName"] in ("AssumeRole", "CreateAccessKey") and not is_from_service(each)
        for answer in [each["responseElements"]]
    ]

    rows = ask(sample, "credentials_issued")

    assert sorted(issued) == sorted(columns(rows, "eventTime", "issued_access_key"))
    assert [len(calls.get(row["issued_access_key"], [])) for row in rows] == [row["calls_with_it"] for row in rows]
    assert 1450 == sum(row["eventName"] == "AssumeRole" for row in ask(sample, "credentials_issued", services="yes"))
    assert [("CreateAccessKey", "build-bot", 430)] == columns(
        ask(sample, "credentials_issued", access_key=_STOLEN), "eventName", "issued_for", "calls_with_it"
    )

    lake = made_lake(
        made(1, "sts:GetFederationToken", response=_issued("ASIAONE"), request={"name": "outside"}),
        made(2, "sts:AssumeRole", errorCode="AccessDenied", request={"roleArn": "arn:role"}, minutes=1),
        made(3, "sts:GetCallerIdentity", minutes=2),
    )
    assert [("ASIAONE", "outside", None), (None, "arn:role", "AccessDenied")] == columns(
        ask(lake, "credentials_issued"), "issued_access_key", "issued_for", "errorCode"
    )


def test_credential_chain(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    From key to key to key; a circle ends, and so does a refusal.
    """
    lake = made_lake(
        made(
            1,
            "iam:CreateAccessKey",
            response={"accessKey": {"accessKeyId": "AKIATWO"}},
            userIdentity=_with_key("AKIAONE"),
        ),
        made(2, "sts:AssumeRole", 5, response=_issued("ASIATHREE"), userIdentity=_with_key("AKIATWO")),
        made(3, "sts:AssumeRole", 6, response=_issued("AKIATWO"), userIdentity=_with_key("ASIATHREE")),
        made(4, "ec2:StopInstances", 7, userIdentity=_with_key("ASIATHREE")),
        made(5, "sts:AssumeRole", 8, errorCode="AccessDenied", userIdentity=_with_key("ASIATHREE")),
    )

    rows = ask(lake, "credential_chain")

    assert [(1, "AKIAONE > AKIATWO", 1), (2, "AKIAONE > AKIATWO > ASIATHREE", 3)] == columns(
        rows, "steps", "chain", "calls_with_last_key"
    )
    assert ["ASIATHREE > AKIATWO"] == [row["chain"] for row in ask(lake, "credential_chain", access_key="ASIATHREE")]

    pairs = {
        f"{_key(each)} > {(answer.get('credentials') or answer['accessKey'])['accessKeyId']}"
        for each in records
        if each["eventName"] in ("AssumeRole", "CreateAccessKey") and _key(each)
        for answer in [each["responseElements"]]
    }
    assert pairs == {row["chain"] for row in ask(sample, "credential_chain")}


def test_resource_history(sample: Path, records: list[Record]) -> None:
    """
    What happened to a resource, with reads when asked for; by itself, what happened to the trails.
    """
    instance = next(
        each["requestParameters"]["instancesSet"]["items"][0]["instanceId"]
        for each in records
        if each["eventName"] == "TerminateInstances"
    )
    named = [
        each
        for each in records
        if instance in str((each.get("requestParameters"), each.get("responseElements"), each.get("resources")))
    ]

    assert sorted(each["eventID"] for each in named) == sorted(
        row["eventID"] for row in ask(sample, "resource_history", resource=instance, reads="yes")
    )
    assert changes(named) == len(ask(sample, "resource_history", resource=instance))
    assert ["StopLogging", "StartLogging"] == [row["eventName"] for row in ask(sample, "resource_history")]


def test_tag_history(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    Tags set and removed in any service, the newest first; reading tags is no change.
    """
    tagged = [each for each in records if each["eventName"] == "CreateTags"]
    snapshot = next(
        items[0]["resourceId"]
        for each in tagged
        for items in [each["requestParameters"]["resourcesSet"]["items"]]
        if items[0]["resourceId"].startswith("snap-")
    )

    assert sorted(map(at, tagged), reverse=True) == [row["eventTime"] for row in ask(sample, "tag_history")]
    assert [(snapshot, '[{"key":"backup","value":"nightly"}]')] == columns(
        ask(sample, "tag_history", resource=snapshot), "resource", "tags"
    )

    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
    lake = made_lake(
        made(1, "lambda:TagResource20170331v2", request={"resource": arn, "tags": {"team": "x"}}),
        made(2, "iam:UntagRole", 5, request={"roleName": "r", "tagKeys": ["team"]}),
        made(3, "s3:PutBucketTagging", 9, request={"bucketName": "b", "Tagging": {"TagSet": {"Tag": 1}}}),
        made(4, "ec2:DescribeTags", readOnly=True),
        made(5, "ecr:PutImageTagMutability"),
    )
    assert [("b", '{"TagSet":{"Tag":1}}'), ("r", '["team"]'), (arn, '{"team":"x"}')] == columns(
        ask(lake, "tag_history"), "resource", "tags"
    )
