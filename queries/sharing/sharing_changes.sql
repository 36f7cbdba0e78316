-- title: What was shared with other accounts or made public
-- description: Changes of who may use snapshots, images, buckets, objects, functions, keys, secrets, repositories,
--   queues, topics and roles. `other_accounts` are account ids in the request besides the own one; `names_everyone`
--   finds * and the groups for everybody. Both read the request's text, denials included: read the policy before you
--   conclude.
WITH changes AS (
    SELECT
        *, coalesce(recipientAccountId, userIdentity.accountId) AS account,
        list_distinct(regexp_extract_all(requestParameters, '\b\d{12}\b')) AS accounts,
        coalesce(regexp_matches(requestParameters, concat(
            '"(group|valuesToAdd|principal)":\[?"(all|\*)"',
            -- In a policy, which may be text within the JSON: \"AWS\": \"*\"
            '|(AWS|Principal)\\*"(\\[nrt]|\s)*:(\\[nrt]|\s|\[)*\\*"\*',
            '|global/A(ll|uthenticated)Users|"public-read'
        )), false) AS names_everyone
    FROM events
    WHERE eventSource IN (
              'ec2.amazonaws.com', 'rds.amazonaws.com', 's3.amazonaws.com', 's3control.amazonaws.com',
              'lambda.amazonaws.com', 'kms.amazonaws.com', 'secretsmanager.amazonaws.com', 'ecr.amazonaws.com',
              'sqs.amazonaws.com', 'sns.amazonaws.com', 'ram.amazonaws.com', 'iam.amazonaws.com'
          )
      AND regexp_matches(eventName, concat(
              '^(Modify(Snapshot|Image|DBSnapshot|DBClusterSnapshot)Attribute|PutBucketPolicy|Put(Bucket|Object)Acl',
              '|(Put|Delete)(Bucket|Account)?PublicAccessBlock|Add(LayerVersion)?Permission.*',
              '|(Create|Update)FunctionUrlConfig.*|PutKeyPolicy|CreateGrant|PutResourcePolicy|SetRepositoryPolicy',
              '|Set(Queue|Topic)Attributes|(Create|Associate)ResourceShare|CreateRole|UpdateAssumeRolePolicy)$'
          ))
),
shared AS (
    SELECT *, array_to_string(
        list_sort(list_filter(accounts, lambda id: id IS DISTINCT FROM account)), ', '
    ) AS other_accounts
    FROM changes
)
SELECT
    account,
    awsRegion,
    actor(userIdentity) AS actor,
    eventSource,
    eventName,
    other_accounts,
    names_everyone,
    count(*) AS calls,
    count(errorCode) AS failed,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    min(coalesce(
        json_extract_string(requestParameters, '$.snapshotId'),
        json_extract_string(requestParameters, '$.imageId'),
        json_extract_string(requestParameters, '$.dBSnapshotIdentifier'),
        json_extract_string(requestParameters, '$.dBClusterSnapshotIdentifier'),
        json_extract_string(requestParameters, '$.bucketName'),
        json_extract_string(requestParameters, '$.functionName'),
        json_extract_string(requestParameters, '$.keyId'),
        json_extract_string(requestParameters, '$.secretId'),
        json_extract_string(requestParameters, '$.roleName'),
        requestParameters
    )) AS one_target
FROM shared
-- A role made for the own account or for an AWS service is no sharing.
WHERE eventSource <> 'iam.amazonaws.com' OR other_accounts <> '' OR names_everyone
GROUP BY account, awsRegion, actor, eventSource, eventName, other_accounts, names_everyone
ORDER BY names_everyone DESC, first_event_time, account, awsRegion, actor, eventSource, eventName, other_accounts
