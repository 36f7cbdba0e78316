"""
The organization: its accounts, regions and calendar, and the machines that work in it day and night.

CloudTrail itself, AWS Config, monitoring, agents on the instances and Auto Scaling all call at fixed hours, in
short bursts. People are in `office`, the nightly backup and the deployments in `jobs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any

from sample_logs.calls import call
from sample_logs.identities import BOTO, JAVA, SSM_AGENT, Caller, Place, assumed_role, aws_service, key_id, random_id
from sample_logs.reads import SERVICES, Parts, instance_information
from sample_logs.records import Record, resource, s3_extra
from sample_logs.writes import assume_role, run_instance, terminate_instances

ORGANIZATION = "o-exampleorg1"
TRAIL_BUCKET, TRAIL_REGION = "example-org-trail-logs", "us-east-1"
MANAGEMENT, PRODUCTION, DEVELOPMENT = "111122223333", "444455556666", "777788889999"
REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2")
START = datetime(2026, 9, 14, tzinfo=UTC)  # a Monday
DAYS = 35

PROD_US = Place(PRODUCTION, "us-east-1")
PROD_EU = Place(PRODUCTION, "eu-west-1")
DEV_US = Place(DEVELOPMENT, "us-east-1")
MGMT_US = Place(MANAGEMENT, "us-east-1")

# Where the machines are busy: the minutes of the day (UTC) at which a burst begins, and calls in a weekday's burst.
# At weekends the bursts are half as long, and quiet places are silent.
BURSTS: dict[Place, tuple[tuple[int, ...], int]] = {
    PROD_US: ((237, 477, 717, 957, 1197, 1437), 31),
    PROD_EU: ((65, 425, 785, 1145), 28),
    DEV_US: ((545, 1085), 20),
    MGMT_US: ((185, 665, 1265), 20),
}
QUIET_BURST = ((371,), 10)
BURST_SECONDS = 170

_WEIGHTS = {
    PRODUCTION: {"agent": 13, "watch": 12, "config": 7, "secret": 5, "service": 5, "function": 6, "scale": 2},
    DEVELOPMENT: {"agent": 8, "watch": 5, "config": 7, "secret": 3, "service": 4, "function": 6, "scale": 1},
    MANAGEMENT: {"trail": 12, "config": 7, "audit": 9, "service": 2, "watch": 3},
}
_WATCHED = (
    "monitoring:DescribeAlarms",
    "monitoring:DescribeAlarms",
    "monitoring:GetMetricData",
    "elasticloadbalancing:DescribeTargetHealth",
    "ec2:DescribeInstanceStatus",
    "autoscaling:DescribeAutoScalingGroups",
    "ecs:DescribeServices",
    "ecs:DescribeTasks",
)
_CONFIG = (
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVolumes",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "s3:GetBucketPolicy",
    "s3:GetBucketEncryption",
    "s3:GetBucketVersioning",
    "rds:DescribeDBInstances",
    "lambda:ListFunctions20150331",
    "dynamodb:DescribeTable",
    "kms:DescribeKey",
)
_AUDIT = ("cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus", "cloudtrail:LookupEvents", "kms:ListKeys")
_AUDIT_GLOBAL = ("iam:ListUsers", "iam:GetAccountSummary", "iam:ListRoles", "organizations:ListAccounts")
_FUNCTION = (
    "logs:CreateLogStream",
    "ssm:GetParameters",
    "secretsmanager:GetSecretValue",
    "autoscaling:CompleteLifecycleAction",
)


def is_weekday(day: datetime) -> bool:
    """
    Monday to Friday.
    """
    return day.weekday() < 5


def days() -> Iterator[datetime]:
    """
    Midnight of each of the 35 days.
    """
    for number in range(DAYS):
        yield START + timedelta(days=number)


def role_caller(
    place: Place,
    role: str,
    session: str,
    time: datetime,
    ip: str,
    agent: str,
    *,
    service: str | None = None,
    path: str = "/",
) -> Caller:
    """
    A role's session at that time: it, and its key, stay the same for six hours.

    Args:
        service: The AWS service that calls with this role; it then stands for address and program, too.
    """
    since = time.replace(hour=time.hour // 6 * 6, minute=0, second=0)
    return _role_caller(place, role, session, since, ip, agent, service, path)


@lru_cache(maxsize=4096)
def _role_caller(
    place: Place, role: str, session: str, since: datetime, ip: str, agent: str, service: str | None, path: str
) -> Caller:
    rng = Random(f"{place}/{role}/{session}/{since}")
    key = key_id(rng)
    identity = assumed_role(
        place.account,
        role,
        session,
        key=key,
        since=since - timedelta(seconds=rng.randrange(3000)),
        path=path,
        on_instance=session.startswith("i-"),
        invoked_by=service,
    )
    return Caller(identity, service or ip, service or agent)


def service_caller(name: str) -> Caller:
    """
    An AWS service calling for itself.
    """
    return Caller(aws_service(name), name, name)


def machine_traffic() -> Iterator[Record]:
    """
    Everything the machines do in five weeks, place by place.
    """
    for account in (MANAGEMENT, PRODUCTION, DEVELOPMENT):
        for region in REGIONS:
            place = Place(account, region)
            yield from _place_traffic(place, Random(f"machines/{account}/{region}"))


def _place_traffic(place: Place, rng: Random) -> Iterator[Record]:
    minutes, calls = BURSTS.get(place, QUIET_BURST)
    weights = dict(_WEIGHTS[place.account])
    if place.region != TRAIL_REGION:
        weights.pop("trail", None)
    kinds = [kind for kind, weight in weights.items() for _ in range(weight)]
    group: list[str] = []
    for day in days():
        if place not in BURSTS and not is_weekday(day):
            continue
        wanted = calls if is_weekday(day) else calls // 2
        for minute in minutes:
            begin = day + timedelta(minutes=minute)
            seconds = sorted(rng.randrange(BURST_SECONDS) for _ in range(wanted + rng.randrange(-3, 4)))
            for second in seconds:
                yield _machine_call(rng, place, begin + timedelta(seconds=second), rng.choice(kinds), group)


def _machine_call(rng: Random, place: Place, time: datetime, kind: str, group: list[str]) -> Record:
    """
    One call of one of the machines.
    """
    if kind == "agent":
        number = rng.randrange(24)
        caller = role_caller(place, "web-server", place.id("i", number), time, f"198.51.100.{30 + number}", SSM_AGENT)
        return call(
            rng, time, "ssm:UpdateInstanceInformation", caller, place, parts=instance_information(place, number)
        )
    if kind == "watch":
        caller = role_caller(place, "monitoring-agent", "poller", time, "198.51.100.12", BOTO)
        return call(rng, time, rng.choice(_WATCHED), caller, place)
    if kind == "config":
        service, path = "config.amazonaws.com", "/aws-service-role/config.amazonaws.com/"
        caller = role_caller(
            place, "AWSServiceRoleForConfig", "AWSConfig-Describe", time, "", "", service=service, path=path
        )
        return call(rng, time, rng.choice(_CONFIG), caller, place)
    if kind == "audit":
        caller = role_caller(place, "security-audit", "inventory", time, "198.51.100.14", BOTO)
        names = _AUDIT + _AUDIT_GLOBAL if place.region == "us-east-1" else _AUDIT
        return call(rng, time, rng.choice(names), caller, place)
    if kind == "secret":
        caller = role_caller(
            place, "order-service", "order-service", time, "", "", service="secretsmanager.amazonaws.com"
        )
        return call(rng, time, rng.choice(("kms:Decrypt", "kms:Decrypt", "kms:GenerateDataKey")), caller, place)
    if kind == "function":
        caller = role_caller(place, "order-service", "order-service", time, "198.51.100.25", JAVA)
        return call(rng, time, rng.choice(_FUNCTION), caller, place)
    if kind == "trail":
        return _trail_call(rng, place, time)
    if kind == "scale":
        return _scale(rng, place, time, group)
    return _service_assumes_role(rng, place, time)


def _service_assumes_role(rng: Random, place: Place, time: datetime) -> Record:
    """
    EC2, Lambda or ECS fetch credentials for what they run.
    """
    service, role, session = rng.choice(
        (
            ("ec2.amazonaws.com", "web-server", place.id("i", rng.randrange(24))),
            ("lambda.amazonaws.com", "order-service", "order-service"),
            ("ecs-tasks.amazonaws.com", "ecs-task-execution", place.id("task", rng.randrange(12))[5:]),
        )
    )
    parts = assume_role(rng, time, place.account, role, session, key_id(rng))
    return call(rng, time, "sts:AssumeRole", service_caller(service), place, parts=parts)


def _trail_call(rng: Random, place: Place, time: datetime) -> Record:
    """
    CloudTrail looks at its bucket before it delivers, and asks for a key to encrypt with.
    """
    caller = service_caller("cloudtrail.amazonaws.com")
    bucket = f"arn:aws:s3:::{TRAIL_BUCKET}"
    if rng.random() < 0.6:
        request: dict[str, Any] = {
            "bucketName": TRAIL_BUCKET,
            "Host": f"{TRAIL_BUCKET}.s3.us-east-1.amazonaws.com",
            "acl": "",
        }
        parts = Parts(request, None, [resource("AWS::S3::Bucket", bucket, place.account)], s3_extra(rng, 931))
        return call(rng, time, "s3:GetBucketAcl", caller, place, parts=parts)
    key = f"arn:aws:kms:us-east-1:{MANAGEMENT}:key/6d1f0c2e-0000-4000-8000-00000000c10d"
    context = {
        "aws:cloudtrail:arn": f"arn:aws:cloudtrail:us-east-1:{MANAGEMENT}:trail/organization-trail",
        "aws:s3:arn": f"{bucket}/AWSLogs/{ORGANIZATION}/{rng.choice((MANAGEMENT, PRODUCTION, DEVELOPMENT))}/CloudTrail",
    }
    request = {"keyId": key, "encryptionContext": context, "keySpec": "AES_256"}
    parts = Parts(request, None, [resource("AWS::KMS::Key", key, MANAGEMENT)])
    return call(rng, time, "kms:GenerateDataKey", caller, place, parts=parts)


def _scale(rng: Random, place: Place, time: datetime, group: list[str]) -> Record:
    """
    Auto Scaling starts one instance by day and ends one by night, through its service-linked role.
    """
    service = "autoscaling.amazonaws.com"
    path = f"/aws-service-role/{service}/"
    caller = role_caller(place, "AWSServiceRoleForAutoScaling", "AutoScaling", time, "", "", service=service, path=path)
    grows = len(group) < 2 or (len(group) < 12 and 7 <= time.hour < 17)
    if grows:
        instance = random_id(rng, "i")
        group.append(instance)
        parts = run_instance(rng, place, rng.choice(SERVICES), instance)
        return call(rng, time, "ec2:RunInstances", caller, place, parts=parts)
    parts = terminate_instances(rng, [group.pop(0)])
    return call(rng, time, "ec2:TerminateInstances", caller, place, parts=parts)
