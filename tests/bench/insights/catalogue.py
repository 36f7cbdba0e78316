"""
The APIs that invented accounts call, by workload: what runs them, and roughly how they come.

Names are CloudTrail's own. The patterns are explained in `tests.bench.insights.patterns`; `calls` is the pattern's
middle size for an account of middle size. Names that AWS counts as reads although they do not look like it
(`AssumeRole`, `Decrypt`) are left out, so that a detector may tell reads by `is_read_only`.
"""

from __future__ import annotations

from dataclasses import dataclass

_READ_PREFIXES = ("Get", "List", "Describe", "Head", "Lookup", "Search", "BatchGet", "Query", "Scan", "Select", "View")


def is_read_only(event_name: str) -> bool:
    """Whether an API only reads, judged by its name."""
    return event_name.startswith(_READ_PREFIXES)


@dataclass(frozen=True, slots=True)
class Api:
    """
    One API of a workload.

    Args:
        source: The service, without `.amazonaws.com`.
        name: The eventName.
        pattern: A function of `tests.bench.insights.patterns`.
        calls: Calls per minute for steady and rhythmic patterns, calls per run for all others.
        errors: Error codes that come with it, and their share of its calls.
    """

    source: str
    name: str
    pattern: str
    calls: float
    errors: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Workload:
    """APIs that come together, and the share of accounts that have them."""

    name: str
    share: float
    apis: tuple[Api, ...]


_DENIED = "AccessDenied"
_LIMIT = "Client.RequestLimitExceeded"

WORKLOADS = (
    Workload(
        "fleet",
        0.75,
        (
            Api("ssm", "UpdateInstanceInformation", "agents", 4.0, (("ThrottlingException", 0.002),)),
            Api("ssm", "PutInventory", "agents", 0.15),
            Api("ssm", "ListInstanceAssociations", "agents", 0.3),
            Api("ssmmessages", "CreateControlChannel", "agents", 0.4, ((_DENIED, 0.01),)),
            Api("ec2", "DescribeInstances", "scan_hourly", 12, ((_LIMIT, 0.03),)),
        ),
    ),
    Workload(
        "autoscaling",
        0.65,
        (
            Api("ec2", "RunInstances", "storm", 12, (("Server.InsufficientInstanceCapacity", 0.1),)),
            Api("ec2", "TerminateInstances", "storm", 9, (("Client.InvalidInstanceID.NotFound", 0.03),)),
            Api(
                "ec2",
                "CreateNetworkInterface",
                "storm_and_steady",
                20,
                (("Client.NetworkInterfaceLimitExceeded", 0.03),),
            ),
            Api("ec2", "DeleteNetworkInterface", "storm_and_steady", 15),
            Api("autoscaling", "CompleteLifecycleAction", "storm", 14, (("ValidationException", 0.08),)),
            Api("elasticloadbalancing", "RegisterTargets", "storm", 8),
            Api("elasticloadbalancing", "DeregisterTargets", "storm", 8),
        ),
    ),
    Workload(
        "functions",
        0.8,
        (
            Api(
                "logs",
                "CreateLogStream",
                "rhythmic",
                2.5,
                (("ResourceAlreadyExistsException", 0.01), ("ThrottlingException", 0.002)),
            ),
            Api("logs", "CreateLogGroup", "deploy_rarely", 3, (("ResourceAlreadyExistsException", 1.5),)),
            Api("lambda", "UpdateFunctionCode20150331v2", "deploy", 10, (("ResourceConflictException", 0.05),)),
            Api("lambda", "UpdateFunctionConfiguration20150331v2", "deploy", 8),
            Api("lambda", "PublishVersion20150331", "deploy", 6),
            Api("events", "PutRule", "deploy_rarely", 4),
        ),
    ),
    Workload(
        "containers",
        0.6,
        (
            Api("ecs", "RegisterTaskDefinition", "deploy", 6),
            Api("ecs", "UpdateService", "deploy", 6, (("ServiceNotActiveException", 0.03),)),
            Api("ecs", "RunTask", "cron_and_rhythm", 0.3, (("ThrottlingException", 0.004),)),
            Api("ecr", "PutImage", "deploy", 5),
            Api("ecr", "InitiateLayerUpload", "deploy", 30),
            Api("ec2", "AssignPrivateIpAddresses", "rhythmic", 0.4, (("Client.PrivateIpAddressLimitExceeded", 0.02),)),
            Api("ec2", "UnassignPrivateIpAddresses", "rhythmic", 0.35),
        ),
    ),
    Workload(
        "infrastructure",
        0.85,
        (
            Api("cloudformation", "CreateChangeSet", "deploy", 5, (("ValidationException", 0.1),)),
            Api("cloudformation", "ExecuteChangeSet", "deploy", 4),
            Api("cloudformation", "UpdateStack", "deploy", 3, (("ValidationException", 0.6),)),
            Api("iam", "CreateRole", "deploy_rarely", 3, (("EntityAlreadyExistsException", 0.3),)),
            Api("iam", "AttachRolePolicy", "deploy_rarely", 6),
            Api("iam", "PutRolePolicy", "deploy_rarely", 4),
            Api("s3", "PutBucketTagging", "deploy_rarely", 3),
            Api("codebuild", "StartBuild", "deploy", 3),
        ),
    ),
    Workload(
        "backups",
        0.7,
        (
            Api("ec2", "CreateSnapshot", "cron_nightly", 40, (("Client.SnapshotCreationPerVolumeRateExceeded", 0.03),)),
            Api("ec2", "DeleteSnapshot", "cron_nightly", 38, (("Client.InvalidSnapshot.InUse", 0.1),)),
            Api("backup", "StartBackupJob", "cron_nightly", 6),
            Api("rds", "CreateDBSnapshot", "cron_nightly", 4),
            Api("rds", "DeleteDBSnapshot", "cron_weekly", 12),
            Api("s3", "PutBucketLifecycle", "cron_monthly", 15),
            Api("organizations", "CreatePolicy", "cron_monthly", 5),
        ),
    ),
    Workload(
        "data",
        0.6,
        (
            Api("glue", "StartJobRun", "cron_hourly", 5, (("ConcurrentRunsExceededException", 0.1),)),
            Api("glue", "UpdateTable", "cron_hourly", 25),
            Api("glue", "BatchCreatePartition", "cron_hourly", 10, (("AlreadyExistsException", 0.2),)),
            Api("athena", "StartQueryExecution", "office", 0.5, (("InvalidRequestException", 0.04),)),
            Api("states", "StartExecution", "rhythmic", 1.2, (("ExecutionAlreadyExists", 0.005),)),
            Api("batch", "SubmitJob", "cron_nightly", 120),
            Api("sagemaker", "CreateTrainingJob", "people", 3, (("ResourceLimitExceeded", 0.3),)),
            Api("elasticmapreduce", "RunJobFlow", "cron_nightly", 3),
        ),
    ),
    Workload(
        "posture",
        0.8,
        (
            Api("s3", "GetBucketPolicy", "scan_daily", 80, (("NoSuchBucketPolicy", 0.6), (_DENIED, 0.02))),
            Api("s3", "GetBucketTagging", "scan_daily", 80, (("NoSuchTagSet", 0.5),)),
            Api("iam", "GetLoginProfile", "scan_daily", 30, (("NoSuchEntityException", 0.9),)),
            Api("iam", "ListAttachedRolePolicies", "scan_daily", 150),
            Api("ec2", "DescribeSecurityGroups", "scan_hourly", 6),
            Api("securityhub", "BatchImportFindings", "cron_hourly", 8),
            Api("config", "PutEvaluations", "storm_and_steady", 6),
        ),
    ),
    Workload(
        "keys",
        0.7,
        (
            Api("kms", "CreateGrant", "rhythmic", 0.6),
            Api("kms", "RetireGrant", "rhythmic", 0.5),
            Api(
                "secretsmanager",
                "GetSecretValue",
                "rhythmic",
                0.8,
                ((_DENIED, 0.004), ("ResourceNotFoundException", 0.01)),
            ),
            Api("secretsmanager", "RotateSecret", "cron_weekly", 4),
            Api("ssm", "PutParameter", "deploy", 5, (("ParameterAlreadyExists", 0.2),)),
        ),
    ),
    Workload(
        "people",
        1.0,
        (
            Api("signin", "ConsoleLogin", "people_often", 1),
            Api("ec2", "AuthorizeSecurityGroupIngress", "people", 2, (("Client.InvalidPermission.Duplicate", 0.15),)),
            Api("ec2", "CreateSecurityGroup", "people_rarely", 1),
            Api("ec2", "StopInstances", "people", 2),
            Api("ec2", "StartInstances", "cron_and_people", 5),
            Api("ec2", "CreateTags", "storm_and_steady", 12),
            Api("iam", "CreateUser", "people_rarely", 1),
            Api("iam", "CreateAccessKey", "people_rarely", 1, (("LimitExceededException", 0.2),)),
            Api("iam", "AttachUserPolicy", "people_rarely", 2),
            Api("s3", "CreateBucket", "people_rarely", 1, (("BucketAlreadyExists", 0.3),)),
            Api("s3", "PutBucketPolicy", "people_rarely", 2, (("MalformedPolicy", 0.5),)),
            Api("route53", "ChangeResourceRecordSets", "people", 3, (("InvalidChangeBatch", 0.2),)),
            Api("kms", "CreateKey", "people_rarely", 1),
            Api("rds", "ModifyDBInstance", "people_rarely", 1),
            Api("cloudfront", "CreateInvalidation", "deploy", 2),
            Api("dynamodb", "UpdateTable", "people_rarely", 2),
            Api("iam", "GetRolePolicy", "people", 4, ((_DENIED, 0.1), ("NoSuchEntityException", 0.1))),
            Api("s3", "ListBuckets", "people_often", 3, ((_DENIED, 0.02),)),
        ),
    ),
)

NEVER_CALLED = (
    ("iam", "CreateLoginProfile"),
    ("iam", "UpdateAssumeRolePolicy"),
    ("iam", "AddUserToGroup"),
    ("iam", "DeleteRolePermissionsBoundary"),
    ("iam", "CreateSAMLProvider"),
    ("cloudtrail", "StopLogging"),
    ("cloudtrail", "PutEventSelectors"),
    ("guardduty", "DeleteDetector"),
    ("ec2", "ModifySnapshotAttribute"),
    ("ec2", "ModifyImageAttribute"),
    ("ec2", "CreateKeyPair"),
    ("ec2", "RequestSpotFleet"),
    ("ec2", "ReplaceIamInstanceProfileAssociation"),
    ("lambda", "AddPermission20150331v2"),
    ("ssm", "SendCommand"),
    ("ses", "VerifyEmailIdentity"),
    ("kms", "ScheduleKeyDeletion"),
    ("kms", "PutKeyPolicy"),
    ("rds", "ModifyDBSnapshotAttribute"),
    ("s3", "DeleteBucket"),
    ("s3", "PutBucketReplication"),
    ("organizations", "LeaveOrganization"),
    ("lightsail", "CreateInstances"),
    ("glue", "CreateDevEndpoint"),
    ("codebuild", "CreateProject"),
    ("appstream", "CreateFleet"),
)
"""Write APIs no workload calls: what an intruder may do for the first time."""

ENUMERATED = (
    ("iam", "ListUsers"),
    ("iam", "ListRoles"),
    ("iam", "GetAccountAuthorizationDetails"),
    ("iam", "GetRolePolicy"),
    ("s3", "ListBuckets"),
    ("s3", "GetBucketPolicy"),
    ("ec2", "DescribeInstances"),
    ("ec2", "DescribeSecurityGroups"),
    ("secretsmanager", "ListSecrets"),
    ("secretsmanager", "GetSecretValue"),
    ("lambda", "ListFunctions20150331"),
    ("dynamodb", "ListTables"),
    ("kms", "ListKeys"),
    ("organizations", "ListAccounts"),
    ("ssm", "GetParametersByPath"),
    ("iam", "CreateAccessKey"),
)
"""What an intruder tries in turn and is denied."""
