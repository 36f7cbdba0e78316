-- title: Changes in IAM
-- description: Users, roles, groups, policies, keys, passwords, second factors and identity providers: who changed
--   what, with failed attempts. IAM is global: its events are in us-east-1.
-- parameter: principal TEXT = %  part of the ARN or name of who did it
-- parameter: target TEXT = %  part of the name of what was changed
SELECT
    eventTime,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    actor(userIdentity) AS actor,
    sourceIPAddress,
    eventName,
    coalesce(
        json_extract_string(requestParameters, '$.userName'),
        json_extract_string(requestParameters, '$.roleName'),
        json_extract_string(requestParameters, '$.groupName'),
        json_extract_string(requestParameters, '$.instanceProfileName'),
        json_extract_string(requestParameters, '$.policyName')
    ) AS target,
    coalesce(
        json_extract_string(requestParameters, '$.policyArn'),
        json_extract_string(requestParameters, '$.policyName'),
        json_extract_string(requestParameters, '$.accessKeyId'),
        json_extract_string(requestParameters, '$.serialNumber')
    ) AS with_what,
    errorCode,
    eventID
FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND readOnly IS DISTINCT FROM true
  AND actor(userIdentity) ILIKE '%' || $principal || '%'
  AND coalesce(requestParameters, '') ILIKE '%' || $target || '%'
ORDER BY eventTime, account, eventID
