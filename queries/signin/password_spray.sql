-- title: Sign-ins of many different users failed from one caller's address
-- severity: high
-- attack: T1110.003
-- description: One address tries a password or two on many users.
-- quiet when: fewer than 5, or spread over a longer time; the same one again and again
-- misses: a slow reader
-- false positives: a class room behind one address
-- source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
-- lookback: 1h
-- parameter: at_least INTEGER = 5  different ones within the window
-- parameter: window_minutes INTEGER = 60  length of the window
WITH calls AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        sourceIPAddress AS actor,
        awsRegion, sourceIPAddress, eventTime, eventID, errorCode,
        coalesce(userIdentity.userName, userIdentity.principalId, userIdentity.arn) AS what
    FROM events
    WHERE eventSource = 'signin.amazonaws.com'
      AND eventName = 'ConsoleLogin'
      AND json_extract_string(responseElements, '$.ConsoleLogin') = 'Failure'
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
    count(DISTINCT what) AS users,
    max(in_window) AS most_in_window,
    count(*) AS calls,
    count(errorCode) AS refused
FROM counted
GROUP BY account, actor, CAST(eventTime AS DATE)
HAVING max(in_window) >= $at_least AND min(eventTime) >= $since
ORDER BY first_event_time, account, actor
