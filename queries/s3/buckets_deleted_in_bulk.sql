-- title: Several buckets were deleted within an hour
-- severity: high
-- attack: T1485
-- description: One after the other.
-- quiet when: fewer than 5, or spread over a longer time; the same one again and again
-- misses: a slow reader
-- false positives: taking an environment down
-- source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
-- lookback: 1h
-- parameter: at_least INTEGER = 5  different ones within the window
-- parameter: window_minutes INTEGER = 60  length of the window
WITH calls AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        awsRegion, sourceIPAddress, eventTime, eventID, errorCode,
        json_extract_string(requestParameters, '$.bucketName') AS what
    FROM events
    WHERE eventSource = 's3.amazonaws.com'
      AND eventName = 'DeleteBucket'
      AND errorCode IS NULL
      AND userIdentity.invokedBy IS NULL
      AND coalesce(userIdentity.type, '') <> 'AWSService'
),
counted AS (
    SELECT *, count(DISTINCT what) OVER (
        PARTITION BY account, actor ORDER BY eventTime
        RANGE BETWEEN to_minutes($window_minutes) PRECEDING AND CURRENT ROW
    ) AS in_window
    FROM calls
)
SELECT
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    account,
    CASE WHEN count(DISTINCT awsRegion) = 1 THEN any_value(awsRegion) END AS region,
    actor,
    CASE WHEN count(DISTINCT sourceIPAddress) = 1 THEN any_value(sourceIPAddress) END AS source_ip,
    list(eventID ORDER BY eventTime, eventID) AS event_ids,
    count(DISTINCT what) AS buckets,
    max(in_window) AS most_in_window,
    count(*) AS calls,
    count(errorCode) AS refused
FROM counted
GROUP BY account, actor, CAST(eventTime AS DATE)
HAVING max(in_window) >= $at_least AND min(eventTime) >= $since
ORDER BY first_event_time, account, actor
