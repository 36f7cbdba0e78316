"""
The calls that change something: each a function of what it changes, giving the parts of its record.

EC2 answers with a `requestId` and lists as `…Set.items[]`; IAM, Auto Scaling and load balancing answer most
writes with nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from sample_logs.identities import Place, english, guid, principal_id, random_id
from sample_logs.reads import FUNCTIONS, SERVICES, TABLES, Build, Parts, items, key_arn
from sample_logs.records import resource


def run_instance(rng: Random, place: Place, service: str, instance: str) -> Parts:
    """
    One instance of a service's group is started from its launch template.
    """
    request = {
        "instancesSet": {"items": [{"minCount": 1, "maxCount": 1}]},
        "blockDeviceMapping": {},
        "monitoring": {"enabled": False},
        "subnetId": place.id("subnet", 1),
        "disableApiTermination": False,
        "disableApiStop": False,
        "clientToken": guid(rng),
        "launchTemplate": {"launchTemplateId": place.id("lt", SERVICES.index(service)), "version": "7"},
    }
    started = {
        "instanceId": instance,
        "imageId": place.id("ami", 1),
        "currentState": {"code": 0, "name": "pending"},
        "instanceType": "t3.medium",
        "subnetId": place.id("subnet", 1),
        "vpcId": place.id("vpc", 0),
        "tagSet": {"items": [{"key": "service", "value": service}]},
    }
    response = {
        "requestId": guid(rng),
        "reservationId": random_id(rng, "r"),
        "ownerId": place.account,
        "groupSet": {},
        "instancesSet": {"items": [started]},
    }
    return Parts(request, response)


def terminate_instances(rng: Random, instances: list[str]) -> Parts:
    """
    Some instances are shut down for good in one call.
    """
    ended = [
        {
            "instanceId": instance,
            "currentState": {"code": 32, "name": "shutting-down"},
            "previousState": {"code": 16, "name": "running"},
        }
        for instance in instances
    ]
    request = {"instancesSet": items("instanceId", instances)}
    return Parts(request, {"requestId": guid(rng), "instancesSet": {"items": ended}})


def create_snapshot(rng: Random, place: Place, volume: str, snapshot: str, time: datetime) -> Parts:
    """
    A disk is copied.
    """
    request = {"volumeId": volume, "description": "nightly backup"}
    response = {
        "requestId": guid(rng),
        "snapshotId": snapshot,
        "volumeId": volume,
        "status": "pending",
        "startTime": int(time.timestamp()) * 1000,
        "ownerId": place.account,
        "volumeSize": "100",
        "description": "nightly backup",
        "encrypted": True,
    }
    return Parts(request, response)


def delete_snapshot(rng: Random, snapshot: str) -> Parts:
    """
    A copy of a disk is deleted.
    """
    return Parts({"snapshotId": snapshot}, {"requestId": guid(rng), "_return": True})


def create_tags(rng: Random, target: str, key: str, value: str) -> Parts:
    """
    A resource is given one tag.
    """
    request = {"resourcesSet": items("resourceId", [target]), "tagSet": {"items": [{"key": key, "value": value}]}}
    return Parts(request, {"requestId": guid(rng), "_return": True})


def share_snapshot(rng: Random, snapshot: str, account: str) -> Parts:
    """
    Another account may make disks of a snapshot: the event is ModifySnapshotAttribute.
    """
    permission = {"add": {"items": [{"userId": account}]}}
    request = {
        "snapshotId": snapshot,
        "createVolumePermission": permission,
        "attributeType": "CREATE_VOLUME_PERMISSION",
    }
    return Parts(request, {"requestId": guid(rng), "_return": True})


def copy_snapshot(rng: Random, place: Place, snapshot: str) -> Parts:
    """
    A snapshot is copied under a key of the caller's choice.
    """
    request = {
        "sourceRegion": place.region,
        "sourceSnapshotId": snapshot,
        "encrypted": True,
        "kmsKeyId": f"arn:aws:kms:{place.region}:999999999999:key/0a1b2c3d-0000-4000-8000-0000000000aa",
    }
    return Parts(request, {"requestId": guid(rng), "snapshotId": random_id(rng, "snap")})


def create_access_key(user: str, key: str, time: datetime) -> Parts:
    """
    A user is given a second key; the secret is never logged.
    """
    made = {"accessKeyId": key, "status": "Active", "userName": user, "createDate": english(time)}
    return Parts({"userName": user}, {"accessKey": made})


def assume_role(rng: Random, time: datetime, account: str, role: str, session: str, key: str, path: str = "/") -> Parts:
    """
    A role session is opened; `key` is what its calls will be signed with.
    """
    arn = f"arn:aws:iam::{account}:role{path}{role}"
    request = {"roleArn": arn, "roleSessionName": session, "durationSeconds": 3600}
    response = {
        "credentials": {
            "accessKeyId": key,
            "sessionToken": f"IQoJb3JpZ2luX2VjEXAMPLETOKEN{rng.getrandbits(48):012x}{'EXAMPLE' * 20}==",
            "expiration": english(time + timedelta(hours=1)),
        },
        "assumedRoleUser": {
            "assumedRoleId": f"{principal_id('AROA', account, role)}:{session}",
            "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        },
    }
    return Parts(request, response, [resource("AWS::IAM::Role", arn, account)])


def open_port(rng: Random, place: Place, group: str, port: int, network: str) -> Parts:
    """
    A security group lets a network in.
    """
    rule = {
        "ipProtocol": "tcp",
        "fromPort": port,
        "toPort": port,
        "groups": {},
        "ipRanges": {"items": [{"cidrIp": network}]},
        "ipv6Ranges": {},
        "prefixListIds": {},
    }
    request = {"groupId": group, "ipPermissions": {"items": [rule]}}
    return Parts(request, {"requestId": guid(rng), "_return": True})


def update_stack(rng: Random, place: Place, service: str) -> Parts:
    """
    A stack of infrastructure is brought to a new version.
    """
    request = {
        "stackName": f"shop-{service}",
        "templateURL": f"https://example-templates.s3.{place.region}.amazonaws.com/{service}.yaml",
        "capabilities": ["CAPABILITY_NAMED_IAM"],
        "parameters": [{"parameterKey": "Version", "parameterValue": f"{rng.getrandbits(28):07x}"}],
        "clientRequestToken": guid(rng),
    }
    stack = place.arn("cloudformation", f"stack/shop-{service}/5f1c2b30-0000-11f0-8000-{SERVICES.index(service):012d}")
    return Parts(request, {"stackId": stack})


def register_task_definition(rng: Random, place: Place, service: str) -> Parts:
    """
    A new revision of a container's description.
    """
    image = f"{place.account}.dkr.ecr.{place.region}.amazonaws.com/{service}:{rng.getrandbits(28):07x}"
    container = {"name": service, "image": image, "cpu": 512, "memory": 1024, "essential": True}
    request = {
        "family": service,
        "networkMode": "awsvpc",
        "containerDefinitions": [container],
        "executionRoleArn": f"arn:aws:iam::{place.account}:role/ecs-task-execution",
    }
    arn = place.arn("ecs", f"task-definition/{service}:{rng.randrange(20, 90)}")
    return Parts(request, {"taskDefinition": {"taskDefinitionArn": arn, "family": service, "status": "ACTIVE"}})


def update_service(rng: Random, place: Place, service: str) -> Parts:
    """
    A service is moved to the newest task definition.
    """
    request = {"cluster": "shop", "service": service, "taskDefinition": service, "desiredCount": 4}
    arn = place.arn("ecs", f"service/shop/{service}")
    return Parts(
        request, {"service": {"serviceArn": arn, "serviceName": service, "status": "ACTIVE", "desiredCount": 4}}
    )


def targets(place: Place, service: str, instances: list[str]) -> Parts:
    """
    Instances enter or leave a load balancer: RegisterTargets, DeregisterTargets.
    """
    group = place.arn("elasticloadbalancing", f"targetgroup/{service}/73e2d6bc24d8a067")
    return Parts({"targetGroupArn": group, "targets": [{"id": instance} for instance in instances]})


def _table(rng: Random, place: Place) -> Parts:
    table = rng.choice(TABLES)
    arn = place.arn("dynamodb", f"table/{table}")
    return Parts({"tableName": table, "billingMode": "PAY_PER_REQUEST"}, {"tableDescription": {"tableArn": arn}})


def _alarm(rng: Random, place: Place) -> Parts:
    request: dict[str, Any] = {
        "alarmName": f"{rng.choice(SERVICES)}-errors",
        "namespace": "AWS/ApplicationELB",
        "metricName": "HTTPCode_Target_5XX_Count",
        "statistic": "Sum",
        "period": 60,
        "evaluationPeriods": 5,
        "threshold": 10.0,
        "comparisonOperator": "GreaterThanThreshold",
    }
    return Parts(request)


def _update_function(rng: Random, place: Place) -> Parts:
    name = rng.choice(FUNCTIONS)
    request = {"functionName": name, "s3Bucket": "example-artifacts", "s3Key": f"{name}.zip", "publish": True}
    response = {
        "functionName": name,
        "functionArn": place.arn("lambda", f"function:{name}"),
        "runtime": "python3.13",
        "codeSize": rng.randrange(10_000, 99_999),
        "lastModified": "2026-10-01T14:00:00.000+0000",
        "state": "Active",
    }
    return Parts(request, response)


def _parameter(rng: Random, place: Place) -> Parts:
    name = f"/shop/{rng.choice(SERVICES)}/settings"
    return Parts(
        {"name": name, "type": "String", "overwrite": True}, {"version": rng.randrange(2, 40), "tier": "Standard"}
    )


def _grant(rng: Random, place: Place) -> Parts:
    arn = key_arn(place, rng.randrange(3))
    request = {"keyId": arn, "operations": ["Decrypt", "CreateGrant"], "granteePrincipal": "rds.amazonaws.com"}
    return Parts(request, {"grantId": f"{rng.getrandbits(256):064x}"}, [resource("AWS::KMS::Key", arn, place.account)])


WRITES: dict[str, Build] = {
    "logs:CreateLogStream": lambda rng, place: Parts(
        {"logGroupName": f"/aws/lambda/{rng.choice(FUNCTIONS)}", "logStreamName": f"{rng.getrandbits(64):016x}"}
    ),
    "monitoring:PutMetricAlarm": _alarm,
    "lambda:UpdateFunctionCode20150331v2": _update_function,
    "ssm:PutParameter": _parameter,
    "kms:CreateGrant": _grant,
    "dynamodb:UpdateTable": _table,
    "autoscaling:SetDesiredCapacity": lambda rng, place: Parts(
        {"autoScalingGroupName": rng.choice(SERVICES), "desiredCapacity": rng.randrange(3, 9), "honorCooldown": False}
    ),
    "autoscaling:CompleteLifecycleAction": lambda rng, place: Parts(
        {
            "autoScalingGroupName": rng.choice(SERVICES),
            "lifecycleHookName": "drain",
            "instanceId": place.id("i", rng.randrange(24)),
            "lifecycleActionResult": "CONTINUE",
        }
    ),
    "ec2:RunInstances": lambda rng, place: run_instance(rng, place, rng.choice(SERVICES), random_id(rng, "i")),
    "ec2:TerminateInstances": lambda rng, place: terminate_instances(rng, [random_id(rng, "i")]),
    "ec2:DeleteSnapshot": lambda rng, place: delete_snapshot(rng, random_id(rng, "snap")),
    "ec2:CreateTags": lambda rng, place: create_tags(rng, place.id("i", rng.randrange(24)), "owner", "platform"),
    "ec2:ModifySnapshotAttribute": lambda rng, place: share_snapshot(rng, random_id(rng, "snap"), "777788889999"),
    "ec2:CopySnapshot": lambda rng, place: copy_snapshot(rng, place, random_id(rng, "snap")),
    "ec2:AuthorizeSecurityGroupIngress": lambda rng, place: open_port(
        rng, place, place.id("sg", rng.randrange(24)), 443, "192.0.2.0/24"
    ),
    "cloudformation:UpdateStack": lambda rng, place: update_stack(rng, place, rng.choice(SERVICES)),
    "ecs:RegisterTaskDefinition": lambda rng, place: register_task_definition(rng, place, rng.choice(SERVICES)),
    "ecs:UpdateService": lambda rng, place: update_service(rng, place, rng.choice(SERVICES)),
    "elasticloadbalancing:RegisterTargets": lambda rng, place: targets(
        place, rng.choice(SERVICES), [place.id("i", rng.randrange(24))]
    ),
}
