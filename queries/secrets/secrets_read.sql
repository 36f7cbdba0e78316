-- title: Secrets and encrypted parameters that were read, and by whom
-- description: Secrets Manager values, and Systems Manager parameters asked for decrypted. A principal with many
--   different secrets is a deployment or a thief. GetParametersByPath gives all below a path and counts once.
-- parameter: secret TEXT = %  part of the secret's or parameter's name
-- parameter: principal TEXT = %  part of the actor's ARN or name
WITH reads AS (
    SELECT
        *, coalesce(recipientAccountId, userIdentity.accountId) AS account,
        unnest(
            coalesce(json_extract_string(requestParameters, '$.names[*]'), [])
            || coalesce(json_extract_string(requestParameters, '$.secretIdList[*]'), [])
            || list_filter(
                [coalesce(
                    json_extract_string(requestParameters, '$.secretId'),
                    json_extract_string(requestParameters, '$.name'),
                    json_extract_string(requestParameters, '$.path'),
                    CASE WHEN requestParameters IS NULL THEN '(not logged)' END
                )],
                lambda name: name IS NOT NULL
            )
        ) AS secret
    FROM events
    WHERE (eventSource = 'secretsmanager.amazonaws.com' AND eventName IN ('GetSecretValue', 'BatchGetSecretValue'))
       OR (eventSource = 'ssm.amazonaws.com'
           AND eventName IN ('GetParameter', 'GetParameters', 'GetParametersByPath', 'GetParameterHistory')
           AND coalesce(json_extract_string(requestParameters, '$.withDecryption'), 'true') = 'true')
)
SELECT
    account,
    secret,
    actor(userIdentity) AS actor,
    count(*) FILTER (errorCode IS NULL) AS reads,
    count(errorCode) AS failed,
    count(DISTINCT sourceIPAddress) AS addresses,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM reads
WHERE secret ILIKE '%' || $secret || '%'
  AND actor(userIdentity) ILIKE '%' || $principal || '%'
GROUP BY account, secret, actor
ORDER BY actor, reads DESC, account, secret
