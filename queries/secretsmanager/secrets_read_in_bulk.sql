-- title: Many different secrets were read within minutes
-- severity: medium
-- attack: T1555.006
-- description: One principal reads one secret after the other: the step after a way in was found. Applications read
--   the few that are theirs.
-- quiet when: fewer than 10, or spread over a longer time; the same one again and again
-- misses: a slow reader
-- false positives: backup of secrets, deployments that read all of an environment
-- response: Change the secrets that were read; see what else the key did (session_timeline).
-- source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
-- lookback: 1h
-- parameter: at_least INTEGER = 10  different ones within the window
-- parameter: window_minutes INTEGER = 15  length of the window
WITH calls AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        awsRegion, sourceIPAddress, eventTime, eventID, errorCode,
        json_extract_string(requestParameters, '$.secretId') AS what
    FROM events
    WHERE eventSource = 'secretsmanager.amazonaws.com'
      AND eventName = 'GetSecretValue'
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
    count(DISTINCT what) AS secrets,
    max(in_window) AS most_in_window,
    count(*) AS calls,
    count(errorCode) AS refused
FROM counted
GROUP BY account, actor, CAST(eventTime AS DATE)
HAVING max(in_window) >= $at_least AND min(eventTime) >= $since
ORDER BY first_event_time, account, actor
