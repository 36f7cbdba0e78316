-- title: A user was made, given administrator rights and a key or password by the same caller
-- severity: critical
-- attack: T1136.003, T1098.003, T1098.001
-- description: The three steps of a back door within a day: CreateUser, an administrator's policy or group, an access
--   key or password.
-- quiet when: one of the steps is missing, or they are about different users
-- misses: steps by different callers or on different days
-- false positives: setting up an account's first administrator
-- response: Delete the user; find out how the caller's credentials were taken.
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html
-- lookback: 1d
WITH made AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        json_extract_string(requestParameters, '$.userName') AS user_name,
        awsRegion, sourceIPAddress, eventTime, eventID, eventName,
        eventName = 'CreateUser' AS is_made,
        (eventName = 'AttachUserPolicy' AND regexp_matches(json_extract_string(requestParameters, '$.policyArn'), '(AdministratorAccess|IAMFullAccess|PowerUserAccess)$'))
            OR (eventName = 'AddUserToGroup' AND regexp_matches(lower(json_extract_string(requestParameters, '$.groupName')), 'admin'))
            OR (eventName = 'PutUserPolicy' AND regexp_matches(json_extract_string(requestParameters, '$.policyDocument'), '"Action"\s*:\s*\[?\s*"\*"')) AS is_admin,
        eventName IN ('CreateAccessKey', 'CreateLoginProfile') AS has_credential
    FROM events
    WHERE eventSource = 'iam.amazonaws.com'
      AND eventName IN (
        'CreateUser', 'AttachUserPolicy', 'AddUserToGroup', 'PutUserPolicy', 'CreateAccessKey', 'CreateLoginProfile'
      )
      AND errorCode IS NULL
      AND userIdentity.invokedBy IS NULL
)
SELECT
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    account,
    CASE WHEN count(DISTINCT awsRegion) = 1 THEN any_value(awsRegion) END AS region,
    actor,
    CASE WHEN count(DISTINCT sourceIPAddress) = 1 THEN any_value(sourceIPAddress) END AS source_ip,
    list(eventID ORDER BY eventTime, eventID) AS event_ids,
    user_name,
    count(*) AS calls
FROM made
WHERE user_name IS NOT NULL
GROUP BY account, actor, user_name, CAST(eventTime AS DATE)
HAVING bool_or(is_made) AND bool_or(is_admin) AND bool_or(has_credential) AND max(eventTime) >= $since
ORDER BY first_event_time, account, actor
