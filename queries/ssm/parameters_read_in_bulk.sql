-- title: Many different decrypted parameters were read within minutes
-- severity: medium
-- attack: T1555.006, T1552
-- description: SecureString parameters hold passwords; GetParameters takes ten at a time.
-- quiet when: fewer than 5, or spread over a longer time; the same one again and again
-- misses: a slow reader
-- false positives: applications that read all their settings at the start
-- source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
-- lookback: 1h
-- parameter: at_least INTEGER = 5  different ones within the window
-- parameter: window_minutes INTEGER = 5  length of the window
WITH calls AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        awsRegion, sourceIPAddress, eventTime, eventID, errorCode,
        coalesce(json_extract_string(requestParameters, '$.name'), json_extract_string(requestParameters, '$.names'), json_extract_string(requestParameters, '$.path')) AS what
    FROM events
    WHERE eventSource = 'ssm.amazonaws.com'
      AND eventName IN ('GetParameter', 'GetParameters', 'GetParametersByPath')
      AND json_extract_string(requestParameters, '$.withDecryption') = 'true'
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
    count(DISTINCT what) AS requests,
    max(in_window) AS most_in_window,
    count(*) AS calls,
    count(errorCode) AS refused
FROM counted
GROUP BY account, actor, CAST(eventTime AS DATE)
HAVING max(in_window) >= $at_least AND min(eventTime) >= $since
ORDER BY first_event_time, account, actor
