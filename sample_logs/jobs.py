"""
The two planned rhythms that look like an attack to a careless rule: the nightly backup and the deployments.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from sample_logs.calls import call
from sample_logs.identities import BOTO, CLI, Caller, Place, key_id, random_id
from sample_logs.organization import DEV_US, PROD_EU, PROD_US, days, role_caller, service_caller
from sample_logs.reads import SERVICES
from sample_logs.records import Record
from sample_logs.writes import (
    assume_role,
    create_snapshot,
    create_tags,
    delete_snapshot,
    register_task_definition,
    run_instance,
    targets,
    terminate_instances,
    update_service,
    update_stack,
)

BACKUP_MINUTE = 2 * 60 + 15
KEPT_NIGHTS = 7
DEPLOYMENT_WEEKDAYS = (1, 3)  # Tuesday and Thursday
# Where a deployment goes, when it begins (minute of the day, UTC), and how many services it touches.
DEPLOYMENTS: tuple[tuple[Place, int, int], ...] = (
    (DEV_US, 13 * 60 + 10, 2),
    (PROD_US, 14 * 60 + 1, 4),
    (PROD_EU, 14 * 60 + 26, 4),
)


def snapshots_of(night: int) -> list[str]:
    """
    The snapshots made in one night: 25 to 40 of them. Night 0 is the first of the sample; earlier ones are negative.
    """
    count = 25 + Random(f"backup/{night}").randrange(16)
    return [PROD_US.id("snap", (night + 100) * 100 + number) for number in range(count)]


def backup_traffic() -> Iterator[Record]:
    """
    Every night at 02:15 the role nightly-backup copies the disks and deletes the copies of seven nights ago.
    """
    rng = Random("backup")
    for night, day in enumerate(days()):
        yield from _backup(rng, night, day + timedelta(minutes=BACKUP_MINUTE))


def _backup(rng: Random, night: int, begin: datetime) -> Iterator[Record]:
    key = key_id(rng)
    parts = assume_role(rng, begin, PROD_US.account, "nightly-backup", "nightly-backup", key)
    yield call(rng, begin, "sts:AssumeRole", service_caller("lambda.amazonaws.com"), PROD_US, parts=parts)
    caller = role_caller(PROD_US, "nightly-backup", "nightly-backup", begin, "198.51.100.20", BOTO)
    caller = Caller({**caller.identity, "accessKeyId": key}, caller.ip, caller.agent)
    made, old = snapshots_of(night), snapshots_of(night - KEPT_NIGHTS)
    step = 570 / (len(made) * 2 + len(old) + 2)
    second = 4.0
    yield call(rng, begin + timedelta(seconds=3), "ec2:DescribeVolumes", caller, PROD_US)
    for number, snapshot in enumerate(made):
        time = begin + timedelta(seconds=int(second))
        parts = create_snapshot(rng, PROD_US, PROD_US.id("vol", number), snapshot, time)
        yield call(rng, time, "ec2:CreateSnapshot", caller, PROD_US, parts=parts)
        parts = create_tags(rng, snapshot, "backup", "nightly")
        yield call(rng, time + timedelta(seconds=1), "ec2:CreateTags", caller, PROD_US, parts=parts)
        second += 2 * step
    yield call(rng, begin + timedelta(seconds=int(second)), "ec2:DescribeSnapshots", caller, PROD_US)
    for snapshot in old:
        second += step
        time = begin + timedelta(seconds=int(second))
        yield call(rng, time, "ec2:DeleteSnapshot", caller, PROD_US, parts=delete_snapshot(rng, snapshot))


def deployment_traffic() -> Iterator[Record]:
    """
    On Tuesdays and Thursdays the role deploy-pipeline brings new versions out, first to development.
    """
    rng = Random("deployments")
    for day in days():
        if day.weekday() not in DEPLOYMENT_WEEKDAYS:
            continue
        for place, minute, services in DEPLOYMENTS:
            begin = day + timedelta(minutes=minute, seconds=rng.randrange(180))
            yield from _deployment(rng, place, begin, services)


def _deployment(rng: Random, place: Place, begin: datetime, services: int) -> Iterator[Record]:
    """
    One deployment: stacks and containers per service, then new instances in place of three or four old ones.
    """
    session = f"release-{begin:%Y%m%d}"
    parts = assume_role(rng, begin, place.account, "deploy-pipeline", session, key_id(rng))
    yield call(rng, begin, "sts:AssumeRole", service_caller("codepipeline.amazonaws.com"), place, parts=parts)
    caller = role_caller(place, "deploy-pipeline", session, begin, "198.51.100.22", CLI)
    time = begin
    for service in SERVICES[:services]:
        changes = (
            ("cloudformation:UpdateStack", update_stack(rng, place, service)),
            ("ecs:RegisterTaskDefinition", register_task_definition(rng, place, service)),
            ("ecs:UpdateService", update_service(rng, place, service)),
        )
        for name, change in changes:
            time += timedelta(seconds=rng.randrange(2, 6))
            yield call(rng, time, name, caller, place, parts=change)
        for name in ("cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents", "ecs:DescribeServices") * 3:
            time += timedelta(seconds=rng.randrange(2, 8))
            yield call(rng, time, name, caller, place)
    yield from _replacement(rng, place, time, caller)


def _replacement(rng: Random, place: Place, time: datetime, caller: Caller) -> Iterator[Record]:
    count = rng.randrange(3, 5)
    old = [random_id(rng, "i") for _ in range(count)]
    new = [random_id(rng, "i") for _ in range(count)]
    steps = [("ec2:RunInstances", run_instance(rng, place, "gateway", instance)) for instance in new]
    steps += [("ec2:CreateTags", create_tags(rng, instance, "release", f"{time:%Y%m%d}")) for instance in new]
    steps.append(("elasticloadbalancing:RegisterTargets", targets(place, "gateway", new)))
    steps.append(("elasticloadbalancing:DeregisterTargets", targets(place, "gateway", old)))
    at = 1 + rng.randrange(count)
    steps += [("ec2:TerminateInstances", terminate_instances(rng, part)) for part in (old[:at], old[at:]) if part]
    for name, parts in steps:
        time += timedelta(seconds=rng.randrange(3, 9))
        yield call(rng, time, name, caller, place, parts=parts)
