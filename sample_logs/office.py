"""
The people: console sessions in two time zones, the command line, a build server, and operations.

They sign in with a second factor, mistype a password now and then, mostly look, seldom change, and are refused
from time to time. `web-developer` works with an access key only: the user still has a console password of old,
without a second factor, and the attack begins there. `break-glass` is never used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sample_logs.calls import call
from sample_logs.identities import (
    BOTO,
    BROWSER,
    BROWSER_MAC,
    CLI,
    Caller,
    Place,
    assumed_role,
    aws_account,
    guid,
    iam_user,
    key_id,
    principal_id,
)
from sample_logs.jobs import snapshots_of
from sample_logs.organization import DEV_US, DEVELOPMENT, MANAGEMENT, MGMT_US, PROD_EU, PROD_US, days, is_weekday
from sample_logs.records import WRONG_PASSWORD, Record, sign_in
from sample_logs.writes import assume_role, share_snapshot

_EUROPE, _AMERICA = (7 * 60, 15 * 60), (13 * 60 + 30, 21 * 60)

_OPERATOR = (
    "ec2:DescribeInstances",
    "ec2:DescribeVolumes",
    "monitoring:DescribeAlarms",
    "logs:DescribeLogGroups",
    "rds:DescribeDBInstances",
    "elasticloadbalancing:DescribeLoadBalancers",
    "ecs:DescribeServices",
)
_ANALYST = (
    "s3:ListBuckets",
    "s3:GetBucketLocation",
    "dynamodb:ListTables",
    "dynamodb:DescribeTable",
    "kms:ListAliases",
    "rds:DescribeDBSnapshots",
    "logs:DescribeLogGroups",
    "monitoring:ListDashboards",
)
_AUDITOR = (
    "cloudtrail:LookupEvents",
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetTrailStatus",
    "kms:ListKeys",
    "ec2:DescribeSecurityGroups",
    "s3:ListBuckets",
    "s3:GetBucketPolicy",
    "s3:GetBucketAcl",
)
_BILLING = ("organizations:ListAccounts", "organizations:DescribeOrganization", "s3:ListBuckets", "ec2:DescribeRegions")
_DEVELOPER = (
    "lambda:ListFunctions20150331",
    "lambda:GetFunction20150331v2",
    "logs:DescribeLogStreams",
    "cloudformation:DescribeStacks",
    "dynamodb:DescribeTable",
    "ecs:DescribeServices",
    "ec2:DescribeInstances",
)
_DEVELOPER_WRITES = ("lambda:UpdateFunctionCode20150331v2", "ssm:PutParameter", "dynamodb:UpdateTable")


@dataclass(frozen=True)
class Person:
    """
    One user's habits.

    Args:
        hours: The minutes of the day (UTC) between which the user may begin.
        writes: Calls that change something; empty for those who only look.
        refused: A call that is tried now and then and always refused.
        wrong_days: Numbers of the days on which the password is mistyped once.
    """

    name: str
    place: Place
    hours: tuple[int, int]
    ip: str
    agent: str
    reads: tuple[str, ...]
    writes: tuple[str, ...] = ()
    refused: str = ""
    wrong_days: frozenset[int] = frozenset()


AT_THE_CONSOLE = (
    Person(
        "support-engineer",
        PROD_EU,
        _EUROPE,
        "192.0.2.21",
        BROWSER,
        _OPERATOR,
        ("monitoring:PutMetricAlarm",),
        "",
        frozenset({3, 22}),
    ),
    Person(
        "data-analyst",
        PROD_US,
        _AMERICA,
        "192.0.2.22",
        BROWSER_MAC,
        _ANALYST,
        (),
        "secretsmanager:ListSecrets",
        frozenset({9}),
    ),
    Person(
        "security-auditor",
        Place(MANAGEMENT, "eu-west-1"),
        _EUROPE,
        "192.0.2.23",
        BROWSER,
        _AUDITOR,
        (),
        "",
        frozenset({16}),
    ),
    Person("billing-reader", MGMT_US, _AMERICA, "192.0.2.24", BROWSER_MAC, _BILLING, (), "", frozenset({1, 30})),
    Person(
        "backend-developer",
        DEV_US,
        _AMERICA,
        "192.0.2.25",
        BROWSER_MAC,
        _DEVELOPER,
        _DEVELOPER_WRITES,
        "iam:ListUsers",
        frozenset({11, 24}),
    ),
    Person(
        "mobile-developer",
        Place(DEVELOPMENT, "eu-west-1"),
        _EUROPE,
        "192.0.2.26",
        BROWSER,
        _DEVELOPER,
        _DEVELOPER_WRITES,
        "secretsmanager:GetSecretValue",
        frozenset({18, 31}),
    ),
)
WEB_DEVELOPER_KEY = "AKIAWEBDEV123EXAMPLE"
BUILD_BOT_KEY = "AKIABUILDBOT1EXAMPLE"


def office_traffic() -> Iterator[Record]:
    """
    Everything people and the build server do on the 25 working days.
    """
    for person in AT_THE_CONSOLE:
        yield from _console_days(person, Random(f"office/{person.name}"))
    yield from _command_line(Random("office/web-developer"))
    yield from _builds(Random("office/build-bot"))
    yield from _operations(Random("office/ops-lead"))


def _console_days(person: Person, rng: Random) -> Iterator[Record]:
    for number, day in enumerate(days()):
        mistypes = number in person.wrong_days
        if not is_weekday(day) or (rng.random() < 0.2 and not mistypes):
            continue
        time = day + timedelta(minutes=rng.randrange(*person.hours), seconds=rng.randrange(60))
        where = (person.place.account, person.name, person.place.region, person.ip, person.agent)
        if mistypes:
            yield sign_in(rng, time, *where, failure=WRONG_PASSWORD)
            time += timedelta(seconds=rng.randrange(15, 40))
        yield sign_in(rng, time, *where, mfa=True)
        identity = iam_user(person.place.account, person.name, key=key_id(rng), console_since=time, mfa=True)
        yield from _session(rng, person, time, Caller(identity, person.ip, person.agent))


def _session(rng: Random, person: Person, time: datetime, caller: Caller) -> Iterator[Record]:
    """
    What follows a sign-in: a few minutes of looking around.
    """
    for _ in range(rng.randrange(8, 18)):
        time += timedelta(seconds=rng.randrange(2, 24))
        chance = rng.random()
        if person.refused and chance < 0.04:
            yield call(rng, time, person.refused, caller, person.place, is_denied=True, from_console=True)
        elif person.writes and chance < 0.14:
            yield call(rng, time, rng.choice(person.writes), caller, person.place, from_console=True)
        else:
            yield call(rng, time, rng.choice(person.reads), caller, person.place, from_console=True)


def _command_line(rng: Random) -> Iterator[Record]:
    """
    web-developer looks after the shop from the command line, and asks IAM things the user may not know.
    """
    caller = Caller(iam_user(PROD_US.account, "web-developer", key=WEB_DEVELOPER_KEY), "192.0.2.31", CLI)
    for day in days():
        if not is_weekday(day) or rng.random() < 0.25:
            continue
        time = day + timedelta(minutes=rng.randrange(*_AMERICA))
        for _ in range(rng.randrange(6, 14)):
            time += timedelta(seconds=rng.randrange(3, 30))
            if rng.random() < 0.05:
                yield call(rng, time, "kms:ListKeys", caller, PROD_US, is_denied=True)
            else:
                yield call(rng, time, rng.choice(_DEVELOPER), caller, PROD_US)


def _builds(rng: Random) -> Iterator[Record]:
    """
    The build server, user build-bot, puts new function code in place after office hours.
    """
    caller = Caller(iam_user(PROD_US.account, "build-bot", key=BUILD_BOT_KEY), "198.51.100.40", BOTO)
    names = (
        "sts:GetCallerIdentity",
        "s3:ListBuckets",
        "lambda:GetFunction20150331v2",
        "lambda:UpdateFunctionCode20150331v2",
        "ecs:DescribeServices",
    )
    for day in days():
        if is_weekday(day):
            time = day + timedelta(hours=18, minutes=rng.randrange(40))
            for name in names:
                time += timedelta(seconds=rng.randrange(1, 9))
                yield call(rng, time, name, caller, PROD_US)


def _operations(rng: Random) -> Iterator[Record]:
    """
    Mondays and Wednesdays the role ops-lead is assumed from the management account for a look around production.

    Three times a snapshot is shared with development: the harmless cousin of what the attack does.
    """
    for number, day in enumerate(days()):
        if day.weekday() not in (0, 2):
            continue
        time = day + timedelta(hours=9, minutes=rng.randrange(10, 50))
        yield from operations_sign_on(rng, time, key := key_id(rng))
        caller = operations_caller(time, key)
        for _ in range(rng.randrange(6, 11)):
            time += timedelta(seconds=rng.randrange(4, 25))
            yield call(rng, time, rng.choice(_OPERATOR), caller, PROD_US)
        if number in (7, 16, 28):
            shared = share_snapshot(rng, snapshots_of(number)[0], DEVELOPMENT)
            yield call(rng, time, "ec2:ModifySnapshotAttribute", caller, PROD_US, parts=shared)


def operations_sign_on(rng: Random, time: datetime, key: str) -> Iterator[Record]:
    """
    AssumeRole into production's ops-lead: each account gets its own record, tied by `sharedEventID`.
    """
    user = iam_user(MANAGEMENT, "ops-engineer", key="AKIAOPSENGIN1EXAMPLE")
    parts = assume_role(rng, time, PROD_US.account, "ops-lead", "ops-engineer", key)
    device = {"serialNumber": f"arn:aws:iam::{MANAGEMENT}:mfa/ops-engineer"}
    parts = parts._replace(request={**(parts.request or {}), **device})
    shared = guid(rng)
    own = Caller(user, "192.0.2.40", CLI)
    foreign = Caller(aws_account(MANAGEMENT, principal_id("AIDA", MANAGEMENT, "ops-engineer")), "192.0.2.40", CLI)
    yield call(rng, time, "sts:AssumeRole", own, MGMT_US, parts=parts, shared_id=shared)
    yield call(rng, time, "sts:AssumeRole", foreign, PROD_US, parts=parts, shared_id=shared)


def operations_caller(since: datetime, key: str) -> Caller:
    """
    The session that follows.
    """
    identity = assumed_role(PROD_US.account, "ops-lead", "ops-engineer", key=key, since=since, mfa=True)
    return Caller(identity, "192.0.2.40", CLI)
