-- title: Use of KMS keys per principal
-- description: Who decrypts and encrypts with which key. Services work with the rights of those they work for, so
--   reading an encrypted object shows here as well. Changes (ScheduleKeyDeletion, PutKeyPolicy, CreateGrant) have
--   their own column.
-- parameter: key TEXT = %  part of the key's ARN
-- parameter: principal TEXT = %  part of the actor's ARN or name
WITH calls AS (
    SELECT *,
        coalesce(
            list_filter(json_extract_string(resources, '$[*].ARN'), lambda arn: arn LIKE '%:key/%')[1],
            json_extract_string(requestParameters, '$.keyId')
        ) AS key
    FROM events
    WHERE eventSource = 'kms.amazonaws.com'
)
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    key,
    actor(userIdentity) AS actor,
    count(*) FILTER (eventName = 'Decrypt') AS decrypts,
    count(*) FILTER (regexp_matches(eventName, '^(Encrypt|ReEncrypt|GenerateDataKey)')) AS encrypts,
    count(*) FILTER (readOnly = false) AS changes,
    count(errorCode) AS failed,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    array_to_string(list(DISTINCT eventName ORDER BY eventName)[:5], ', ') AS up_to_five_apis
FROM calls
WHERE key ILIKE '%' || $key || '%'
  AND actor(userIdentity) ILIKE '%' || $principal || '%'
GROUP BY account, key, actor
ORDER BY changes DESC, count(*) DESC, account, key, actor
