-- title: Everything done with one access key, in order
-- description: The story of a long-term key or of a session (its temporary key). Without a key named, it is the one
--   that was refused most often. Copies in two accounts of one cross-account call both show.
-- parameter: access_key TEXT = any  the key's id, such as AKIAIOSFODNN7EXAMPLE
WITH chosen AS (
    SELECT userIdentity.accessKeyId AS access_key
    FROM events
    WHERE userIdentity.accessKeyId <> ''
      AND ($access_key = 'any' OR userIdentity.accessKeyId = $access_key)
    GROUP BY access_key
    ORDER BY
        count(*) FILTER (regexp_matches(errorCode, '(?i)accessdenied|unauthorized')) DESC, count(*) DESC, access_key
    LIMIT 1
)
SELECT
    eventTime,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    awsRegion,
    sourceIPAddress,
    eventSource,
    eventName,
    errorCode,
    requestParameters,
    eventID
FROM events
WHERE userIdentity.accessKeyId = (SELECT access_key FROM chosen)
ORDER BY eventTime, account, eventID
