"""
One attack on the production account, told in nine steps over three days: see README.md for the story.

The organization forbids users with long-lived keys to work outside the two home regions, so the new key is
refused in the other two whatever policy is attached to it. Logging is stopped on production's own trail only:
the organization's trail, which is what this sample shows, keeps recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from sample_logs.calls import call
from sample_logs.identities import BOTO, BROWSER, CLI, Caller, Place, iam_user, key_id
from sample_logs.jobs import snapshots_of
from sample_logs.office import operations_caller, operations_sign_on
from sample_logs.organization import PROD_EU, PROD_US, PRODUCTION, REGIONS, START
from sample_logs.reads import Parts
from sample_logs.records import UNKNOWN_NAME, WRONG_PASSWORD, Record, sign_in
from sample_logs.writes import copy_snapshot, create_access_key, share_snapshot, terminate_instances

NIGHT_ADDRESS, EVENING_ADDRESS = "203.0.113.66", "203.0.113.77"
VICTIM, KEY_OWNER = "web-developer", "build-bot"
NEW_KEY = "AKIANEWKEY123EXAMPLE"
FOREIGN_ACCOUNT = "999999999999"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{PRODUCTION}:trail/production-trail"
HOME_REGIONS = ("us-east-1", "eu-west-1")

LOOKS, LOOKS_REFUSED = 220, 99
SHARED, COPIED = 188, 12
TERMINATED_PER_CALL = (8, 9, 10, 7, 9, 8, 10)  # 61 in all
PROTECTED_PER_CALL = (6, 5)

_PROTECTED = (
    "Client.OperationNotPermitted",
    "The instance '{instance}' may not be terminated. "
    "Modify its 'disableApiTermination' instance attribute and try again.",
)
_LOOKED_AT = (
    "ec2:DescribeInstances",
    "ec2:DescribeSnapshots",
    "ec2:DescribeVolumes",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVpcs",
    "ec2:DescribeSubnets",
    "ec2:DescribeImages",
    "ec2:DescribeKeyPairs",
    "ec2:DescribeAddresses",
    "rds:DescribeDBInstances",
    "rds:DescribeDBSnapshots",
    "lambda:ListFunctions20150331",
    "secretsmanager:ListSecrets",
    "ssm:DescribeParameters",
    "dynamodb:ListTables",
    "kms:ListKeys",
    "logs:DescribeLogGroups",
    "ecs:ListClusters",
    "cloudtrail:DescribeTrails",
    "s3:ListBuckets",
)
_LOOKED_AT_GLOBALLY = (
    "iam:ListUsers",
    "iam:ListRoles",
    "iam:GetAccountSummary",
    "iam:ListAttachedUserPolicies",
    "iam:GetAccountAuthorizationDetails",
)


@dataclass(frozen=True)
class Step:
    """
    One step of the attack.

    Args:
        name: What `expected.json` calls it.
        story: One line for the README's table.
        records: Its events, in time order.
    """

    name: str
    story: str
    records: list[Record]


def attack() -> list[Step]:
    """
    The nine steps, first to last.
    """
    rng = Random("attack")
    intruder = Caller(iam_user(PRODUCTION, KEY_OWNER, key=NEW_KEY), NIGHT_ADDRESS, BOTO)
    later = Caller(intruder.identity, EVENING_ADDRESS, CLI)
    return [
        Step("slow_guesses", "three wrong passwords, far apart", list(_slow_guesses(rng))),
        Step("unknown_names", "three user names that do not exist", list(_unknown_names(rng))),
        Step("guesses", "fourteen wrong passwords in eight minutes", list(_guesses(rng))),
        Step("sign_in", "the right password, no second factor", [_success(rng)]),
        Step("foothold", "a new key for another user, and all rights for it", list(_foothold(rng))),
        Step("enumeration", "looking around in four regions", list(_enumeration(rng, intruder))),
        Step("stop_logging", "the account's own trail is stopped", [_stop_logging(rng, later)]),
        Step("snapshot_sharing", "disks' copies given to a foreign account", list(_snapshot_sharing(rng, later))),
        Step("termination", "instances destroyed", list(_termination(rng, later))),
    ]


def response() -> Step:
    """
    The morning after: operations start the trail again and close the doors.
    """
    rng = Random("response")
    time = _at(16, 7, 48, 5)
    key = key_id(rng)
    caller = operations_caller(time, key)
    records = list(operations_sign_on(rng, time, key))
    steps = (
        ("cloudtrail:GetTrailStatus", {"name": TRAIL}),
        ("cloudtrail:StartLogging", {"name": TRAIL}),
        ("iam:UpdateAccessKey", {"userName": KEY_OWNER, "accessKeyId": NEW_KEY, "status": "Inactive"}),
        ("iam:DetachUserPolicy", {"userName": KEY_OWNER, "policyArn": ADMINISTRATOR}),
        ("iam:DeleteLoginProfile", {"userName": VICTIM}),
    )
    for name, request in steps:
        time += timedelta(seconds=rng.randrange(20, 45))
        records.append(call(rng, time, name, caller, PROD_US, parts=Parts(request)))
    return Step("response", "operations start the trail again and close the doors", records)


def _at(day: int, hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 10, day, hour, minute, second, tzinfo=UTC)


def _guess(rng: Random, time: datetime, ip: str, failure: str | None) -> Record:
    return sign_in(rng, time, PRODUCTION, VICTIM, "us-east-1", ip, BROWSER, failure=failure)


def _slow_guesses(rng: Random) -> Iterator[Record]:
    for time in (_at(14, 20, 41, 17), _at(14, 21, 27, 52), _at(14, 22, 19, 8)):
        yield _guess(rng, time, EVENING_ADDRESS, WRONG_PASSWORD)


def _unknown_names(rng: Random) -> Iterator[Record]:
    for second in (12, 34, 55):
        yield _guess(rng, _at(15, 3, 0, second), NIGHT_ADDRESS, UNKNOWN_NAME)


def _guesses(rng: Random) -> Iterator[Record]:
    for number in range(14):
        time = _at(15, 3, 2, 5) + timedelta(
            seconds=number * 36 + rng.randrange(-4, 5) if 0 < number < 13 else number * 36
        )
        yield _guess(rng, time, NIGHT_ADDRESS, WRONG_PASSWORD)


def _success(rng: Random) -> Record:
    return _guess(rng, _at(15, 3, 11, 53), NIGHT_ADDRESS, None)


def _foothold(rng: Random) -> Iterator[Record]:
    """
    From the console session, in its shell: who am I, a key for build-bot, AdministratorAccess for build-bot.
    """
    identity = iam_user(PRODUCTION, VICTIM, key=key_id(rng), console_since=_at(15, 3, 11, 53))
    caller = Caller(identity, NIGHT_ADDRESS, CLI)
    yield call(rng, _at(15, 3, 13, 20), "sts:GetCallerIdentity", caller, PROD_US)
    made = _at(15, 3, 15, 2)
    parts = create_access_key(KEY_OWNER, NEW_KEY, made)
    yield call(rng, made, "iam:CreateAccessKey", caller, PROD_US, parts=parts)
    parts = Parts({"userName": KEY_OWNER, "policyArn": ADMINISTRATOR})
    yield call(rng, _at(15, 3, 15, 47), "iam:AttachUserPolicy", caller, PROD_US, parts=parts)


def _enumeration(rng: Random, caller: Caller) -> Iterator[Record]:
    """
    Five bursts of 44 calls within twelve minutes; what is asked outside the home regions is refused.
    """
    refused = [number < LOOKS_REFUSED for number in range(LOOKS)]
    rng.shuffle(refused)
    for number, is_refused in enumerate(refused):
        burst, within = divmod(number, 44)
        time = _at(15, 3, 21, 4) + timedelta(seconds=burst * 165 + within)
        regions = [region for region in REGIONS if (region in HOME_REGIONS) != is_refused]
        place = Place(PRODUCTION, rng.choice(regions))
        if number == 0:
            yield call(rng, time, "sts:GetCallerIdentity", caller, place, by_policy_of_organization=is_refused)
            continue
        asks_iam = place.region == "us-east-1" and rng.random() < 0.3
        name = rng.choice(_LOOKED_AT_GLOBALLY if asks_iam else _LOOKED_AT)
        yield call(rng, time, name, caller, place, by_policy_of_organization=is_refused)


def _stop_logging(rng: Random, caller: Caller) -> Record:
    return call(rng, _at(15, 22, 4, 11), "cloudtrail:StopLogging", caller, PROD_US, parts=Parts({"name": TRAIL}))


def _snapshot_sharing(rng: Random, caller: Caller) -> Iterator[Record]:
    """
    The nightly backup's own snapshots of the last seven nights, one call each; then some copies.
    """
    tonight = (_at(15, 0, 0) - START).days
    kept = [snapshot for night in range(tonight - 6, tonight + 1) for snapshot in snapshots_of(night)]
    begin = _at(15, 22, 10, 2)
    for number, snapshot in enumerate(kept[:SHARED]):
        time = begin + timedelta(seconds=int(number * 4.2))
        parts = share_snapshot(rng, snapshot, FOREIGN_ACCOUNT)
        yield call(rng, time, "ec2:ModifySnapshotAttribute", caller, PROD_US, parts=parts)
    for number, snapshot in enumerate(kept[:COPIED]):
        time = begin + timedelta(seconds=800 + number * 6)
        yield call(rng, time, "ec2:CopySnapshot", caller, PROD_US, parts=copy_snapshot(rng, PROD_US, snapshot))


def _termination(rng: Random, caller: Caller) -> Iterator[Record]:
    """
    Nine calls within five minutes; two meet termination protection, and then none of their instances ends.
    """
    sizes = list(TERMINATED_PER_CALL)
    refused_calls = (3, 7)
    for number, size in zip(refused_calls, PROTECTED_PER_CALL, strict=True):
        sizes.insert(number, size)
    first = 100
    for number, size in enumerate(sizes):
        time = _at(16, 1, 30, 14) + timedelta(seconds=number * 34)
        instances = [PROD_EU.id("i", first + offset) for offset in range(size)]
        first += size
        error = (_PROTECTED[0], _PROTECTED[1].format(instance=instances[0])) if number in refused_calls else None
        parts = terminate_instances(rng, instances)
        yield call(rng, time, "ec2:TerminateInstances", caller, PROD_EU, parts=parts, error=error)
