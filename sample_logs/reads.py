"""
The calls that look: what their parameters are like, by `service:eventName`.

Each entry is given a random generator and a place, and returns the parts of a record that differ from call to
call. What the parameters name (instances, keys, buckets) is the same from call to call in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from sample_logs.identities import Place
from sample_logs.records import resource, s3_extra


class Parts(NamedTuple):
    """
    What one kind of call puts into its record.
    """

    request: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    resources: list[dict[str, Any]] | None = None
    extra: dict[str, Any] | None = None
    data: bool = False


Build = Callable[[Random, Place], Parts]

ROLES = ("web-server", "order-service", "image-resizer", "report-writer", "nightly-backup", "deploy-pipeline")
USERS = ("web-developer", "build-bot", "support-engineer", "data-analyst")
SERVICES = ("orders", "catalogue", "search", "checkout", "gateway")
TABLES = ("orders", "sessions", "stock")
SECRETS = ("orders/database", "search/api-token", "checkout/payment-token")
FUNCTIONS = ("order-service", "image-resizer", "report-writer")


def items(name: str, values: list[str]) -> dict[str, Any]:
    """
    EC2's way to write a list: `{"items": [{name: value}, …]}`.
    """
    return {"items": [{name: value} for value in values]}


def bucket_name(place: Place, number: int) -> str:
    """
    One of the place's four buckets.
    """
    return f"example-{('assets', 'exports', 'uploads', 'reports')[number % 4]}-{place.account}-{place.region}"


def key_arn(place: Place, number: int) -> str:
    """
    One of the place's KMS keys.
    """
    digits = place.id("key", number)[5:]
    return place.arn("kms", f"key/{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-8{digits[:3]}-{digits[3:15]}")


def instance_information(place: Place, number: int) -> Parts:
    """
    What the Systems Manager agent on the n-th instance says of itself.
    """
    request = {
        "instanceId": place.id("i", number),
        "agentVersion": "3.3.2746.0",
        "agentStatus": "Active",
        "platformType": "Linux",
        "platformName": "Amazon Linux",
        "platformVersion": "2023",
        "iPAddress": f"10.20.{number % 4}.{10 + number}",
        "computerName": f"ip-10-20-{number % 4}-{10 + number}.{place.region}.compute.internal",
        "agentName": "amazon-ssm-agent",
        "availabilityZone": f"{place.region}{'abc'[number % 3]}",
        "sSMConnectionChannel": "ssmmessages",
    }
    return Parts(request)


def _ec2_list(set_name: str, kind: str = "", id_name: str = "") -> Build:
    """
    An EC2 Describe call: now everything, now one resource by its id.
    """

    def build(rng: Random, place: Place) -> Parts:
        if kind and rng.random() < 0.4:
            return Parts({set_name: items(id_name, [place.id(kind, rng.randrange(24))]), "filterSet": {}})
        return Parts({"maxResults": 1000, set_name: {}, "filterSet": {}})

    return build


def _fixed(**request: Any) -> Build:
    """
    A call that always asks the same.
    """
    parts = Parts(request or None)
    return lambda rng, place: parts


def _bucket(query: str) -> Build:
    """
    An S3 call about one bucket's settings; `query` is the sub-resource S3 names with an empty text.
    """

    def build(rng: Random, place: Place) -> Parts:
        bucket = bucket_name(place, rng.randrange(4))
        request = {"bucketName": bucket, "Host": f"{bucket}.s3.{place.region}.amazonaws.com", query: ""}
        owned = [resource("AWS::S3::Bucket", f"arn:aws:s3:::{bucket}", place.account)]
        return Parts(request, None, owned, s3_extra(rng, rng.randrange(300, 990)))

    return build


def _one_of(name: str, values: tuple[str, ...]) -> Build:
    """
    A call that names one of a few things.
    """
    return lambda rng, place: Parts({name: rng.choice(values)})


def _list_buckets(rng: Random, place: Place) -> Parts:
    return Parts({"Host": f"s3.{place.region}.amazonaws.com"}, None, None, s3_extra(rng, 768))


def _decrypt(rng: Random, place: Place) -> Parts:
    arn = key_arn(place, rng.randrange(3))
    secret = place.arn("secretsmanager", f"secret:{rng.choice(SECRETS)}-Ab12Cd")
    request = {
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "encryptionContext": {"SecretARN": secret, "SecretVersionId": "8d2f7a10-0000-4000-8000-000000000001"},
    }
    return Parts(request, None, [resource("AWS::KMS::Key", arn, place.account)])


def _generate_data_key(rng: Random, place: Place) -> Parts:
    arn = key_arn(place, rng.randrange(3))
    context = {"aws:s3:arn": f"arn:aws:s3:::{bucket_name(place, rng.randrange(4))}"}
    request = {"keyId": arn, "encryptionContext": context, "keySpec": "AES_256"}
    return Parts(request, None, [resource("AWS::KMS::Key", arn, place.account)])


def _describe_key(rng: Random, place: Place) -> Parts:
    arn = key_arn(place, rng.randrange(3))
    return Parts({"keyId": arn}, None, [resource("AWS::KMS::Key", arn, place.account)])


def _metric_data(rng: Random, place: Place) -> Parts:
    group = place.arn("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{rng.choice(SERVICES)}")
    return Parts(None, None, [resource("AWS::CloudWatch::Metric", group, place.account)], None, data=True)


def _target_health(rng: Random, place: Place) -> Parts:
    name = rng.choice(SERVICES)
    return Parts({"targetGroupArn": place.arn("elasticloadbalancing", f"targetgroup/{name}/73e2d6bc24d8a067")})


def _ecs_tasks(rng: Random, place: Place) -> Parts:
    task = place.id("task", rng.randrange(12))[5:] * 2
    return Parts({"cluster": "shop", "tasks": [place.arn("ecs", f"task/shop/{task[:32]}")]})


def _lookup(rng: Random, place: Place) -> Parts:
    return Parts({"maxResults": 50, "lookupAttributes": [{"attributeKey": "ReadOnly", "attributeValue": "false"}]})


READS: dict[str, Build] = {
    "ec2:DescribeInstances": _ec2_list("instancesSet", "i", "instanceId"),
    "ec2:DescribeInstanceStatus": _ec2_list("instancesSet", "i", "instanceId"),
    "ec2:DescribeVolumes": _ec2_list("volumeSet", "vol", "volumeId"),
    "ec2:DescribeSnapshots": lambda rng, place: Parts(
        {"maxResults": 1000, "snapshotSet": {}, "ownersSet": items("owner", [place.account]), "filterSet": {}}
    ),
    "ec2:DescribeSecurityGroups": _ec2_list("securityGroupSet", "sg", "groupId"),
    "ec2:DescribeVpcs": _ec2_list("vpcSet"),
    "ec2:DescribeSubnets": _ec2_list("subnetSet", "subnet", "subnetId"),
    "ec2:DescribeImages": lambda rng, place: Parts(
        {"imagesSet": {}, "ownersSet": items("owner", ["self"]), "filterSet": {}}
    ),
    "ec2:DescribeNetworkInterfaces": _ec2_list("networkInterfaceIdSet", "eni", "networkInterfaceId"),
    "ec2:DescribeRouteTables": _ec2_list("routeTableIdSet"),
    "ec2:DescribeAddresses": _ec2_list("publicIpsSet"),
    "ec2:DescribeKeyPairs": _ec2_list("keySet"),
    "ec2:DescribeRegions": _fixed(regionSet={}, allRegions=True),
    "iam:ListUsers": _fixed(maxItems=1000),
    "iam:ListRoles": _fixed(maxItems=1000),
    "iam:ListAccessKeys": _one_of("userName", USERS),
    "iam:ListAttachedUserPolicies": _one_of("userName", USERS),
    "iam:ListUserPolicies": _one_of("userName", USERS),
    "iam:ListAttachedRolePolicies": _one_of("roleName", ROLES),
    "iam:GetUser": _one_of("userName", USERS),
    "iam:GetRole": _one_of("roleName", ROLES),
    "iam:GetAccountSummary": _fixed(),
    "iam:GetAccountAuthorizationDetails": _fixed(maxItems=1000),
    "s3:ListBuckets": _list_buckets,
    "s3:GetBucketAcl": _bucket("acl"),
    "s3:GetBucketPolicy": _bucket("policy"),
    "s3:GetBucketLocation": _bucket("location"),
    "s3:GetBucketVersioning": _bucket("versioning"),
    "s3:GetBucketEncryption": _bucket("encryption"),
    "sts:GetCallerIdentity": _fixed(),
    "kms:Decrypt": _decrypt,
    "kms:GenerateDataKey": _generate_data_key,
    "kms:DescribeKey": _describe_key,
    "kms:ListKeys": _fixed(limit=1000),
    "kms:ListAliases": _fixed(limit=100),
    "logs:DescribeLogGroups": _fixed(limit=50),
    "logs:DescribeLogStreams": lambda rng, place: Parts(
        {"logGroupName": f"/aws/lambda/{rng.choice(FUNCTIONS)}", "orderBy": "LastEventTime", "descending": True}
    ),
    "monitoring:DescribeAlarms": _fixed(maxRecords=100),
    "monitoring:ListDashboards": _fixed(),
    "monitoring:GetMetricData": _metric_data,
    "lambda:ListFunctions20150331": _fixed(maxItems=50),
    "lambda:GetFunction20150331v2": _one_of("functionName", FUNCTIONS),
    "ssm:UpdateInstanceInformation": lambda rng, place: instance_information(place, rng.randrange(24)),
    "ssm:DescribeInstanceInformation": _fixed(maxResults=50),
    "ssm:GetParameters": lambda rng, place: Parts(
        {"names": [f"/shop/{rng.choice(SERVICES)}/settings"], "withDecryption": False}
    ),
    "ssm:DescribeParameters": _fixed(maxResults=50),
    "autoscaling:DescribeAutoScalingGroups": _fixed(maxRecords=100),
    "cloudtrail:DescribeTrails": _fixed(trailNameList=[], includeShadowTrails=True),
    "cloudtrail:GetTrailStatus": lambda rng, place: Parts(
        {"name": f"arn:aws:cloudtrail:us-east-1:{place.account}:trail/production-trail"}
    ),
    "cloudtrail:LookupEvents": _lookup,
    "dynamodb:DescribeTable": _one_of("tableName", TABLES),
    "dynamodb:ListTables": _fixed(limit=100),
    "ecs:DescribeServices": lambda rng, place: Parts({"cluster": "shop", "services": [rng.choice(SERVICES)]}),
    "ecs:DescribeTasks": _ecs_tasks,
    "ecs:ListClusters": _fixed(maxResults=100),
    "elasticloadbalancing:DescribeTargetHealth": _target_health,
    "elasticloadbalancing:DescribeLoadBalancers": _fixed(pageSize=400),
    "rds:DescribeDBInstances": _fixed(maxRecords=100),
    "rds:DescribeDBSnapshots": _fixed(maxRecords=100),
    "secretsmanager:ListSecrets": _fixed(maxResults=100),
    "secretsmanager:GetSecretValue": lambda rng, place: Parts(
        {"secretId": place.arn("secretsmanager", f"secret:{rng.choice(SECRETS)}-Ab12Cd")}
    ),
    "cloudformation:DescribeStacks": lambda rng, place: Parts({"stackName": f"shop-{rng.choice(SERVICES)}"}),
    "cloudformation:DescribeStackEvents": lambda rng, place: Parts({"stackName": f"shop-{rng.choice(SERVICES)}"}),
    "cloudformation:ListStacks": _fixed(),
    "organizations:ListAccounts": _fixed(),
    "organizations:DescribeOrganization": _fixed(),
}
