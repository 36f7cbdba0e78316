-- title: A user read very many objects, on one day only
-- severity: medium
-- attack: T1530
-- description: Hundreds of objects within minutes with a user's long-lived key, by a user who does not do so every
--   day.
-- quiet when: a role reads, or the user did the same on another day of the last 14
-- misses: buckets without data events
-- false positives: a copy or backup made once
-- source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
-- lookback: 14d
-- parameter: at_least INTEGER = 300  objects within an hour
WITH reads AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        awsRegion, sourceIPAddress, eventTime, eventID,
        concat_ws('/', json_extract_string(requestParameters, '$.bucketName'), json_extract_string(requestParameters, '$.key')) AS object
    FROM events
    WHERE eventSource = 's3.amazonaws.com'
      AND eventName IN ('GetObject', 'CopyObject')
      AND errorCode IS NULL
      AND userIdentity.type = 'IAMUser'
      AND userIdentity.invokedBy IS NULL
),
windows AS (
    SELECT account, actor, CAST(eventTime AS DATE) AS day, date_trunc('hour', eventTime) AS hour,
        count(DISTINCT object) AS objects
    FROM reads GROUP BY account, actor, CAST(eventTime AS DATE), date_trunc('hour', eventTime)
),
days AS (
    SELECT account, actor, min(day) AS day, count(DISTINCT day) AS days
    FROM windows WHERE objects >= $at_least GROUP BY account, actor
)
SELECT
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    account,
    CASE WHEN count(DISTINCT awsRegion) = 1 THEN any_value(awsRegion) END AS region,
    actor,
    CASE WHEN count(DISTINCT sourceIPAddress) = 1 THEN any_value(sourceIPAddress) END AS source_ip,
    list(eventID ORDER BY eventTime, eventID) AS event_ids,
    count(DISTINCT object) AS objects,
    count(*) AS calls
FROM reads
JOIN days USING (account, actor)
WHERE days = 1 AND CAST(eventTime AS DATE) = day
GROUP BY account, actor
HAVING min(eventTime) >= $since
ORDER BY first_event_time, account, actor
