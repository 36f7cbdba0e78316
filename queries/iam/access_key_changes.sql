-- title: Access keys made, switched and deleted, and their use
-- description: Each change of a long-term key, with what the lake holds of the key's own calls: a key made and used
--   from somewhere else the same hour is bad news.
-- parameter: user TEXT = %  part of the key's id or of its user's name
WITH used AS (
    SELECT
        userIdentity.accessKeyId AS access_key,
        count(*) AS calls,
        min(eventTime) AS first_use
    FROM events
    WHERE userIdentity.accessKeyId <> ''
    GROUP BY userIdentity.accessKeyId
),
changes AS (
    SELECT *,
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        coalesce(
            json_extract_string(responseElements, '$.accessKey.accessKeyId'),
            json_extract_string(requestParameters, '$.accessKeyId')
        ) AS access_key,
        coalesce(
            json_extract_string(requestParameters, '$.userName'),
            json_extract_string(responseElements, '$.accessKey.userName'),
            userIdentity.userName
        ) AS user_name
    FROM events
    WHERE eventSource = 'iam.amazonaws.com'
      AND eventName IN ('CreateAccessKey', 'UpdateAccessKey', 'DeleteAccessKey')
)
SELECT
    eventTime, account, eventName, user_name, access_key,
    json_extract_string(requestParameters, '$.status') AS status,
    actor(userIdentity) AS actor,
    sourceIPAddress, errorCode,
    coalesce(calls, 0) AS calls_with_it, first_use, eventID
FROM changes LEFT JOIN used USING (access_key)
WHERE concat_ws(' ', access_key, user_name) ILIKE '%' || $user || '%'
ORDER BY eventTime, account, eventID
