"""Questions about who acted, with which key, from where."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

from tests.made import ACCOUNT, OTHER_ACCOUNT, Record, record
from tests.questions.asked import (
    actor,
    api,
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

_ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
_ROOT = {
    "type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT,
    "accessKeyId": "",
}  # fmt: skip


def _key(each: Record) -> str:
    return each["userIdentity"].get("accessKeyId", "")


def test_activity_by_principal(sample: Path, records: list[Record]) -> None:
    """
    One row per account and actor, whose calls add up to all events.
    """
    principals = grouped(records, lambda each: (each["recipientAccountId"], actor(each)))

    rows = ask(sample, "activity_by_principal")

    assert {
        key: (*span(held), len(held), changes(held), refused(held), len(set(map(api, held))),
              len({each["awsRegion"] for each in held}), len({each["sourceIPAddress"] for each in held}))
        for key, held in principals.items()
    } == {(row.pop("account"), row.pop("actor")): tuple(row.values()) for row in rows}  # fmt: skip


def test_activity_by_access_key(sample: Path, records: list[Record]) -> None:
    """
    Long-term keys unless another is named.
    """
    keys = grouped((each for each in records if _key(each).startswith("AKIA")), lambda each: (_key(each), actor(each)))

    rows = ask(sample, "activity_by_access_key")

    assert {key: (*span(held), len(held), changes(held), refused(held)) for key, held in keys.items()} == {
        (row["access_key"], row["actor"]): tuple(
            row[name] for name in ("first_event_time", "last_event_time", "calls", "changes", "refused")
        )
        for row in rows
    }
    assert "203.0.113.66, 203.0.113.77" == next(
        row["up_to_five_addresses"] for row in rows if row["access_key"] == "AKIANEWKEY123EXAMPLE"
    )
    assert len({_key(each) for each in records if _key(each)}) == len(
        {row["access_key"] for row in ask(sample, "activity_by_access_key", access_key="%")}
    )


def test_access_keys_on_the_move(sample: Path, made_lake: MadeLake) -> None:
    """
    Addresses of one network are one place; a service calling for the key is none.
    """
    places = ["192.0.2.10", "192.0.77.1", "2001:db8::1", "2001:db8:1::1", "s3.amazonaws.com"]
    one_key = [record(i, sourceIPAddress=place) for i, place in enumerate(places)]
    settled = dict(one_key[0]["userIdentity"], accessKeyId="AKIASETTLED0EXAMPLE")
    for_it = dict(settled, invokedBy="cloudformation.amazonaws.com")
    lake = made_lake(
        *one_key,
        record(10, userIdentity=settled, sourceIPAddress="198.51.100.1"),
        record(11, userIdentity=settled, sourceIPAddress="198.51.7.7"),
        record(12, userIdentity=for_it, sourceIPAddress="203.0.113.1"),
    )

    rows = ask(lake, "access_keys_on_the_move")

    assert [("AKIAIOSFODNN7EXAMPLE", 2, 4, 4)] == columns(rows, "access_key", "networks", "addresses", "calls")
    assert "192.0.0.0/16, 2001:db8::/32" == rows[0]["up_to_five_networks"]
    assert [] == ask(sample, "access_keys_on_the_move")


def test_activity_by_source_address(sample: Path, records: list[Record]) -> None:
    """
    Addresses, no services; with how many principals stand behind each.
    """
    addresses = grouped(
        (each for each in records if each["sourceIPAddress"][0].isdigit()), lambda each: each["sourceIPAddress"]
    )

    rows = ask(sample, "activity_by_source_address")

    assert {
        address: (len(held), changes(held), refused(held), len({each["recipientAccountId"] for each in held}),
                  len(set(map(actor, held))), len({_key(each) for each in held} - {""}), *span(held))
        for address, held in addresses.items()
    } == {row["sourceIPAddress"]: tuple(row.values())[1:-1] for row in rows}  # fmt: skip


def test_refused_calls_by_principal(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    The refusals of each principal among all its calls; AWS services come last, however often they are refused.
    """
    principals = grouped(records, lambda each: (each["recipientAccountId"], actor(each)))

    rows = ask(sample, "refused_calls_by_principal")

    assert sorted(
        ((refused(held), len(held), *key) for key, held in principals.items() if refused(held)),
        key=lambda row: (-row[0], *row[2:]),
    ) == columns(rows, "refused", "calls", "account", "actor")
    assert [99] == [row["refused"] for row in ask(sample, "refused_calls_by_principal", least=50)]

    service = {"type": "AWSService", "invokedBy": "delivery.logs.amazonaws.com"}
    lake = made_lake(
        *[record(i, userIdentity=service, errorCode="AccessDenied") for i in range(3)],
        record(9, errorCode="AccessDenied"),
    )
    assert [1, 3] == [row["refused"] for row in ask(lake, "refused_calls_by_principal")]


def test_new_principals(made_lake: MadeLake) -> None:
    """
    Who never acted before the last days; a name typed into a failed sign-in is nobody yet.
    """
    new = dict(record()["userIdentity"], arn=f"arn:aws:iam::{ACCOUNT}:user/newcomer")
    typed = {"type": "IAMUser", "accountId": ACCOUNT, "userName": "guessed"}
    failure = {"ConsoleLogin": "Failure"}
    lake = made_lake(
        made(1, "ec2:DescribeVpcs", minutes=-60 * 24 * 8),
        made(2, "ec2:DescribeVpcs"),
        made(3, "ec2:DescribeVpcs", minutes=-60 * 24 * 6, userIdentity=new),
        made(4, "ec2:RunInstances", minutes=-5, userIdentity=new, errorCode="Client.UnauthorizedOperation"),
        made(5, "signin:ConsoleLogin", userIdentity=typed, response=failure, errorMessage="Failed authentication"),
    )

    rows = ask(lake, "new_principals")

    assert [(new["arn"], "ec2.amazonaws.com:DescribeVpcs", 2, 1)] == columns(
        rows, "actor", "first_api", "calls", "failed"
    )
    assert [] == ask(lake, "new_principals", days=5)
    assert 2 == len(ask(lake, "new_principals", days=30))


def test_new_source_addresses(sample: Path, records: list[Record]) -> None:
    """
    The attacker's two addresses, new to both users.
    """
    new_from = max(map(at, records)) - timedelta(days=7)
    calls = grouped(
        (each for each in records if each["sourceIPAddress"][0].isdigit()),
        lambda each: (actor(each), each["sourceIPAddress"]),
    )
    known = {actor(each) for each in records if each["sourceIPAddress"][0].isdigit() and at(each) < new_from}
    new = {key: held for key, held in calls.items() if key[0] in known and span(held)[0] >= new_from}

    rows = ask(sample, "new_source_addresses")

    assert {key: (*span(held), len(held), changes(held), failed(held)) for key, held in new.items()} == {
        (row["actor"], row["sourceIPAddress"]): (
            row["first_event_time"], row["last_event_time"], row["calls"], row["changes"], row["failed"],
        )
        for row in rows
    }  # fmt: skip
    assert {"203.0.113.66", "203.0.113.77"} == {row["sourceIPAddress"] for row in rows if row["is_new_network"]}


def test_root_activity(sample: Path, made_lake: MadeLake) -> None:
    """
    Root's own calls, changes first; not the events a service makes in its name.
    """
    for_root = dict(_ROOT, invokedBy="support.amazonaws.com")
    lake = made_lake(
        record(1, userIdentity=_ROOT),
        made(2, "iam:CreateUser", userIdentity=_ROOT, minutes=5),
        made(3, "iam:DeleteUser", userIdentity=for_root),
        made(4, "kms:RotateKey", userIdentity=_ROOT, eventType="AwsServiceEvent"),
        record(5),
    )

    assert [("CreateUser", 1), ("DescribeInstances", 0)] == columns(ask(lake, "root_activity"), "eventName", "changes")
    assert [] == ask(sample, "root_activity")


def test_cross_account_access(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    Calls whose caller belongs to another account; accounts without events in the lake come first.
    """
    foreign = Counter(
        (each["userIdentity"]["accountId"], each["recipientAccountId"], api(each))
        for each in records
        if each["userIdentity"].get("accountId", each["recipientAccountId"]) != each["recipientAccountId"]
    )

    rows = ask(sample, "cross_account_access")

    assert foreign == {
        (row["caller_account"], row["account"], f"{row['eventSource']}:{row['eventName']}"): row["calls"]
        for row in rows
    }
    assert [True] == [row["is_known"] for row in rows]

    stranger = {"type": "AWSAccount", "principalId": "AIDASTRANGEREXAMPLE", "accountId": "999999999999"}
    lake = made_lake(
        record(1, recipientAccountId=OTHER_ACCOUNT),
        record(2),
        made(3, "sts:AssumeRole", userIdentity=stranger, request={"roleArn": _ROLE}),
    )
    assert [("999999999999", False, _ROLE), (ACCOUNT, True, None)] == columns(
        ask(lake, "cross_account_access"), "caller_account", "is_known", "one_resource"
    )
    assert 1 == len(ask(lake, "cross_account_access", from_account="9999"))


def test_console_changes(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    Changes from the console, told by the session's credentials or by the user agent; no command line, no read.
    """
    by_hand = Counter(
        (actor(each), api(each))
        for each in records
        if each["readOnly"] is False
        and each["eventSource"] != "signin.amazonaws.com"
        and (each.get("sessionCredentialFromConsole") == "true" or "console.amazonaws.com" in each["userAgent"])
    )

    rows = ask(sample, "console_changes")

    assert by_hand == {(row["actor"], f"{row['eventSource']}:{row['eventName']}"): row["calls"] for row in rows}

    lake = made_lake(
        made(1, "ec2:CreateVpc", userAgent="console.ec2.amazonaws.com"),
        made(2, "s3:PutBucketAcl", userAgent="[S3Console/0.4, aws-internal/3]", minutes=1),
        made(3, "iam:CreateUser", userAgent="aws-cli/2.15.0", minutes=2),
        made(4, "iam:ListUsers", userAgent="console.amazonaws.com", readOnly=True),
    )
    assert ["CreateVpc", "PutBucketAcl"] == [row["eventName"] for row in ask(lake, "console_changes")]


def test_changes_by_principal(sample: Path, records: list[Record]) -> None:
    """
    What people and roles changed, the rarest first.
    """
    changed = Counter(
        (actor(each), api(each), each["recipientAccountId"])
        for each in records
        if each["readOnly"] is False and not is_from_service(each) and each["eventSource"] != "signin.amazonaws.com"
    )

    rows = ask(sample, "changes_by_principal")

    assert changed == {
        (row["actor"], f"{row['eventSource']}:{row['eventName']}", row["account"]): row["calls"] for row in rows
    }
    assert sorted(changed.values()) == [row["calls"] for row in rows]
    assert {"CopySnapshot", "ModifySnapshotAttribute", "StopLogging", "TerminateInstances"} < {
        row["eventName"] for row in ask(sample, "changes_by_principal", principal="build-bot")
    }
