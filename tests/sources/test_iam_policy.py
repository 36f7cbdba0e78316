"""The policy that is printed: what each need adds, and what is refused."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailql.errors import UsageError
from trailql.sources.iam_policy import Needs, access_policy, is_folder, policy_characters, trust_policy

_BUCKET = "arn:aws:s3:::central-trail-bucket"
_KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
_QUEUE = "arn:aws:sqs:eu-west-1:111122223333:trailql"
_ROLE = "arn:aws:iam::111122223333:role/trailql-audit"


def by_sid(policy: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The statements by their names, which differ."""
    found = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert len(found) == len(policy["Statement"])
    return found


def walked(policy: dict[str, Any]) -> Any:
    """The prefixes that may be listed folder by folder."""
    return by_sid(policy)["FindTrail"]["Condition"]["StringEquals"]["s3:prefix"]


def listed(policy: dict[str, Any]) -> Any:
    """The prefixes that may be listed freely."""
    return by_sid(policy)["ListTrail"]["Condition"]["StringLike"]["s3:prefix"]


def test_a_bucket_alone() -> None:
    """
    The whole document for the simplest need: three statements, each with one action.
    """
    expected = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "FindTrail",
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": _BUCKET,
                "Condition": {"StringEquals": {"s3:delimiter": "/", "s3:prefix": ""}},
            },
            {
                "Sid": "ListTrail",
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": _BUCKET,
                "Condition": {"StringLike": {"s3:prefix": "AWSLogs/*"}},
            },
            {
                "Sid": "ReadTrail",
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": f"{_BUCKET}/AWSLogs/*/CloudTrail*",
            },
        ],
    }
    assert expected == access_policy(Needs(buckets=["central-trail-bucket"]))


@pytest.mark.parametrize(
    "text",
    [
        "s3://central-trail-bucket/trail/logs",
        "s3://central-trail-bucket/trail/logs/",
        "S3A://central-trail-bucket/trail/logs",
        f"{_BUCKET}/trail/logs",
    ],
)
def test_forms_of_a_bucket(text: str) -> None:
    """
    A URI and an ARN say the same.
    """
    policy = access_policy(Needs(buckets=[text]))

    assert ("trail/logs/", "trail/logs/AWSLogs/*") == (walked(policy), listed(policy))
    assert f"{_BUCKET}/trail/logs/AWSLogs/*/CloudTrail*" == by_sid(policy)["ReadTrail"]["Resource"]


@pytest.mark.parametrize(
    ("needs", "folders", "prefixes", "objects"),
    [
        (
            Needs(buckets=["b-1"], organization="o-exampleorg1"),
            ["", "AWSLogs/"],
            "AWSLogs/o-exampleorg1/*",
            "AWSLogs/o-exampleorg1/*/CloudTrail*",
        ),
        (
            Needs(buckets=["b-1"], accounts=["111122223333"]),
            ["", "AWSLogs/"],
            "AWSLogs/111122223333/*",
            "AWSLogs/111122223333/CloudTrail*",
        ),
        (
            Needs(buckets=["s3://b-1/trail"], accounts=["111122223333"] * 2, organization="o-exampleorg1"),
            ["trail/", "trail/AWSLogs/", "trail/AWSLogs/o-exampleorg1/"],
            "trail/AWSLogs/o-exampleorg1/111122223333/*",
            "trail/AWSLogs/o-exampleorg1/111122223333/CloudTrail*",
        ),
        (Needs(buckets=["s3://b-1/AWSLogs"]), None, "AWSLogs/*", "AWSLogs/*/CloudTrail*"),
        (
            Needs(buckets=["s3://b-1/AWSLogs/o-exampleorg1"]),
            None,
            "AWSLogs/o-exampleorg1/*",
            "AWSLogs/o-exampleorg1/*/CloudTrail*",
        ),
        (
            Needs(buckets=["s3://b-1/AWSLogs/o-exampleorg1"], accounts=["111122223333"]),
            "AWSLogs/o-exampleorg1/",
            "AWSLogs/o-exampleorg1/111122223333/*",
            "AWSLogs/o-exampleorg1/111122223333/CloudTrail*",
        ),
        (
            Needs(buckets=["s3://b-1/AWSLogs/111122223333"]),
            None,
            "AWSLogs/111122223333/*",
            "AWSLogs/111122223333/CloudTrail*",
        ),
        (
            Needs(buckets=["s3://b-1/x/AWSLogs/111122223333/CloudTrail/eu-west-1"]),
            None,
            "x/AWSLogs/111122223333/CloudTrail/eu-west-1/*",
            "x/AWSLogs/111122223333/CloudTrail/eu-west-1/*",
        ),
    ],
)
def test_narrowing(needs: Needs, folders: Any, prefixes: str, objects: str) -> None:
    """
    By options or by the URI; folders above are walked through only where the search begins above them.
    """
    policy = access_policy(needs)

    assert folders == (walked(policy) if "FindTrail" in by_sid(policy) else None)
    assert prefixes == listed(policy)
    assert f"arn:aws:s3:::b-1/{objects}" == by_sid(policy)["ReadTrail"]["Resource"]


def test_several_buckets() -> None:
    """
    Buckets with the same prefixes share statements, others have their own; naming one twice changes nothing.
    """
    two = access_policy(Needs(buckets=["b-1", "b-2", "b-1"]))
    three = access_policy(Needs(buckets=["b-1", "s3://b-3/trail"]))

    assert ["arn:aws:s3:::b-1", "arn:aws:s3:::b-2"] == by_sid(two)["ListTrail"]["Resource"]
    assert ["FindTrail", "FindTrail2", "ListTrail", "ListTrail2", "ReadTrail"] == list(by_sid(three))
    assert "arn:aws:s3:::b-3" == by_sid(three)["ListTrail2"]["Resource"]


def test_the_lake() -> None:
    """
    Writing needs more than reading; both stay below the prefix. A folder needs nothing.
    """
    written = by_sid(access_policy(Needs(lake="s3://acme-lake/trailql")))
    read = by_sid(access_policy(Needs(lake="s3://acme-lake/trailql/", lake_is_written=False)))

    assert ["ListLake", "WriteLake"] == list(written)
    assert ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"] == (
        written["WriteLake"]["Action"]
    )
    assert {"StringLike": {"s3:prefix": "trailql/*"}} == written["ListLake"]["Condition"]
    assert ("s3:GetObject", "arn:aws:s3:::acme-lake/trailql/*") == (
        read["ReadLake"]["Action"],
        read["ReadLake"]["Resource"],
    )
    assert is_folder("./lake")
    assert ["FindTrail", "ListTrail", "ReadTrail"] == list(
        by_sid(access_policy(Needs(buckets=["b-1"], lake="/srv/lake")))
    )


@pytest.mark.parametrize(
    ("text", "arn"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/111122223333/trailql", _QUEUE),
        (_QUEUE, _QUEUE),
        ("https://eu-west-1.queue.amazonaws.com/111122223333/trailql", _QUEUE),
        ("https://queue.amazonaws.com/111122223333/trailql", "arn:aws:sqs:us-east-1:111122223333:trailql"),
        ("https://sqs-fips.us-west-2.amazonaws.com/111122223333/q.fifo", "arn:aws:sqs:us-west-2:111122223333:q.fifo"),
        ("https://sqs.eu-west-1.api.aws/111122223333/trailql", _QUEUE),
        ("https://vpce-0a1b-2c3d.sqs.eu-west-1.vpce.amazonaws.com/111122223333/trailql", _QUEUE),
        (
            "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/trailql",
            "arn:aws-cn:sqs:cn-north-1:111122223333:trailql",
        ),
        (
            "https://sqs.us-gov-west-1.amazonaws.com/111122223333/trailql",
            "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:trailql",
        ),
    ],
)
def test_queues(text: str, arn: str) -> None:
    """
    From a URL in any form AWS has used, or an ARN; nothing is sent, purged or listed.
    """
    [statement] = access_policy(Needs(queues=[text]))["Statement"]

    assert arn == statement["Resource"]
    assert ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"] == (
        statement["Action"]
    )


def test_keys() -> None:
    """
    A key is usable by way of its service only; one that both trail and lake use is named once, with what writing needs.
    """
    other = _KEY.replace("1234abcd", "5678abcd").replace("eu-west-1", "us-east-2")
    found = by_sid(
        access_policy(
            Needs(
                buckets=["b-1"],
                kms_keys=[_KEY, other],
                queues=[_QUEUE],
                queue_kms_keys=[_KEY],
                lake="s3://b-2/lake",
                lake_kms_keys=[_KEY],
            )
        )
    )
    read = by_sid(
        access_policy(
            Needs(
                buckets=["b-1"],
                kms_keys=[_KEY],
                lake="s3://b-2/lake",
                lake_is_written=False,
                lake_kms_keys=[_KEY],
            )
        )
    )

    assert ("kms:Decrypt", other) == (found["DecryptFromS3"]["Action"], found["DecryptFromS3"]["Resource"])
    assert {"StringEquals": {"kms:ViaService": "s3.us-east-2.amazonaws.com"}} == found["DecryptFromS3"]["Condition"]
    assert (["kms:Decrypt", "kms:GenerateDataKey"], _KEY) == (
        found["EncryptLake"]["Action"],
        found["EncryptLake"]["Resource"],
    )
    assert {"StringEquals": {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}} == found["DecryptMessages"]["Condition"]
    assert _KEY == read["DecryptFromS3"]["Resource"]
    assert "EncryptLake" not in read


def test_cloudtrail_and_roles() -> None:
    """
    CloudTrail's calls know no resources, so a Region is all that narrows them; a caller assumes roles and no more.
    """
    anywhere = access_policy(Needs(lookup_events=True))["Statement"]
    narrowed = access_policy(Needs(lookup_events=True, validate_digests=True, regions=["eu-west-1"]))["Statement"]
    caller = access_policy(Needs(roles=[_ROLE]))["Statement"]

    assert [("cloudtrail:LookupEvents", "*", None)] == [
        (each["Action"], each["Resource"], each.get("Condition")) for each in anywhere
    ]
    assert {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}} == narrowed[0]["Condition"]
    assert ["cloudtrail:LookupEvents", "cloudtrail:ListPublicKeys"] == narrowed[0]["Action"]
    assert [("sts:AssumeRole", _ROLE)] == [(each["Action"], each["Resource"]) for each in caller]


def test_trust() -> None:
    """
    Whole accounts, roles and users may assume a role, with what they have to present.
    """
    one = trust_policy(["444455556666"], external_id="kestrel-4711")
    several = trust_policy([_ROLE, "444455556666"], partition="aws")

    assert {"AWS": "arn:aws:iam::444455556666:root"} == one["Statement"][0]["Principal"]
    assert {"StringEquals": {"sts:ExternalId": "kestrel-4711"}} == one["Statement"][0]["Condition"]
    assert {"AWS": [_ROLE, "arn:aws:iam::444455556666:root"]} == several["Statement"][0]["Principal"]
    assert "Condition" not in several["Statement"][0]


def test_partitions() -> None:
    """
    Any ARN, queue URL or Region tells the partition for names that do not; all have to agree.
    """
    china = by_sid(
        access_policy(Needs(buckets=["b-1"], queues=["https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q"]))
    )
    government = access_policy(Needs(buckets=["b-1"], partition="aws-us-gov"))

    assert "arn:aws-cn:s3:::b-1" == china["ListTrail"]["Resource"]
    assert "arn:aws-us-gov:s3:::b-1" == by_sid(government)["ListTrail"]["Resource"]
    with pytest.raises(UsageError, match="cannot be mixed"):
        access_policy(Needs(buckets=["arn:aws:s3:::b-1"], partition="aws-cn"))
    with pytest.raises(UsageError, match="cannot be mixed"):
        access_policy(Needs(queues=[_QUEUE], lookup_events=True, regions=["cn-north-1"]))


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        (Needs(), "nothing here needs"),
        (Needs(lake="lake"), "nothing here needs"),
        (Needs(buckets=["central-*"]), "wildcard"),
        (Needs(buckets=["s3://b-1/${aws:username}"]), "wildcard"),
        (Needs(buckets=["s3://b-1/a?"]), "wildcard"),
        (Needs(buckets=["Central"]), "names no bucket"),
        (Needs(buckets=["b..1"]), "names no bucket"),
        (Needs(buckets=["192.168.5.4"]), "names no bucket"),
        (Needs(buckets=["b-1/trail"]), "names no bucket"),
        (Needs(buckets=["gs://b-1/trail"]), "names no bucket"),
        (Needs(buckets=["s3:///trail"]), "names no bucket"),
        (Needs(buckets=["b" * 64]), "names no bucket"),
        (Needs(buckets=["arn:aws:s3:eu-west-1:111122223333:accesspoint/x"]), "is no bucket"),
        (Needs(buckets=["arn:nope:s3:::b-1"]), "is no partition"),
        (Needs(buckets=["b-1\n"]), "wildcard"),
        (Needs(buckets=["b-1"], accounts=["11112222333"]), "not 12 digits"),
        (Needs(buckets=["b-1"], accounts=["111122223333\n"]), "not 12 digits"),
        (Needs(buckets=["b-1"], organization="o-*"), "no organization"),
        (Needs(buckets=["s3://b-1/AWSLogs/111122223333"], accounts=["444455556666"]), "is narrower than"),
        (Needs(buckets=["s3://b-1/AWSLogs/o-exampleorg1"], organization="o-exampleorg2"), "is not of the organization"),
        (Needs(buckets=["b-1"], kms_keys=["alias/trail"]), "no ARN of a key"),
        (Needs(buckets=["b-1"], kms_keys=["arn:aws:kms:eu-west-1:111122223333:alias/trail"]), "no ARN of a key"),
        (Needs(buckets=["b-1"], kms_keys=["arn:aws:kms:*:111122223333:key/x"]), "wildcard"),
        (Needs(queues=["trailql"]), "neither a queue's URL"),
        (Needs(queues=["http://127.0.0.1:5000/111122223333/trailql"]), "neither a queue's URL"),
        (Needs(queues=["https://sqs.eu-west-1.amazonaws.com.evil.example/111122223333/q"]), "neither a queue's URL"),
        (Needs(queues=["arn:aws:sns:eu-west-1:111122223333:topic"]), "neither a queue's URL"),
        (Needs(lake="s3://acme-lake"), "a prefix of its own"),
        (Needs(lake="gs://acme-lake/x"), "names no bucket"),
        (Needs(roles=["arn:aws:iam::111122223333:user/x"]), "cannot be meant"),
        (Needs(roles=["trailql-audit"]), "is no ARN"),
        (Needs(lookup_events=True, regions=["Ireland"]), "is no Region"),
        (Needs(buckets=["b-1"], regions=["eu-west-1"]), "--region says more about"),
        (Needs(queues=[_QUEUE], kms_keys=[_KEY]), "--kms-key says more about --bucket"),
        (Needs(buckets=["b-1"], lake="lake", lake_kms_keys=[_KEY]), "--lake-kms-key says more about"),
    ],
)
def test_refused(needs: Needs, message: str) -> None:
    """
    What cannot be meant, would grant more than it says, or would have no effect.
    """
    with pytest.raises(UsageError, match=re.escape(message)):
        access_policy(needs)


@pytest.mark.parametrize(
    ("principal", "external_id", "hint"),
    [
        ("*", None, None),
        ("arn:aws:iam::444455556666:role/*", None, None),
        (
            "arn:aws:sts::444455556666:assumed-role/hunt/anna",
            None,
            "--trust arn:aws:iam::444455556666:role/hunt",
        ),
        ("444455556666", "x", None),
        ("444455556666", "with space", None),
    ],
)
def test_refused_trust(principal: str, external_id: str | None, hint: str | None) -> None:
    """
    Nobody is trusted by wildcard; for a session the hint names its role.
    """
    with pytest.raises(UsageError) as caught:
        trust_policy([principal], external_id=external_id)
    assert hint in (None, caught.value.hint)


@given(text=st.text(min_size=1, max_size=80) | st.from_regex(r"s3://[a-z0-9.-]{1,20}/[ -~]{0,40}", fullmatch=True))
def test_no_name_widens_the_policy(text: str) -> None:
    """
    Whatever is given as bucket is refused, or the wildcards in the policy are those put there on purpose.
    """
    try:
        policy = access_policy(Needs(buckets=[text]))
    except UsageError:
        return

    resource = by_sid(policy)["ReadTrail"]["Resource"]
    assert re.fullmatch(r"[^*?]+(?:/\*/CloudTrail\*|/CloudTrail\*|/\*)", resource)
    assert "${" not in json.dumps(policy)
    assert re.fullmatch(r"arn:aws:s3:::[a-z0-9.-]{3,63}", by_sid(policy)["ListTrail"]["Resource"])


def test_size_is_counted_as_iam_does() -> None:
    """
    White space does not count.
    """
    policy = {"Version": "2012-10-17", "Statement": []}

    assert len('{"Version":"2012-10-17","Statement":[]}') == policy_characters(policy)
