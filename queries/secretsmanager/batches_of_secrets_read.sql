-- title: Secrets were read in batches
-- severity: medium
-- attack: T1555.006
-- description: BatchGetSecretValue takes twenty secrets at a time: three such calls within minutes by a person or
--   role.
-- quiet when: fewer than three, or spread over a longer time
-- misses: single secrets (secrets_read_in_bulk)
-- false positives: applications that start
-- source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
-- lookback: 1h
-- parameter: at_least INTEGER = 3  calls within the window
-- parameter: window_minutes INTEGER = 15  length of the window
WITH calls AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        awsRegion, sourceIPAddress, eventTime, eventID
    FROM events
    WHERE eventSource = 'secretsmanager.amazonaws.com'
      AND eventName = 'BatchGetSecretValue'
      AND userIdentity.invokedBy IS NULL
),
counted AS (
    SELECT *, count(*) OVER (
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
    count(*) AS calls
FROM counted
GROUP BY account, actor, CAST(eventTime AS DATE)
HAVING max(in_window) >= $at_least AND min(eventTime) >= $since
ORDER BY first_event_time, account, actor
