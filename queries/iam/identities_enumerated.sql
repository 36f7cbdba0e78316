-- title: Users, roles and policies were listed in many different ways within minutes
-- severity: medium
-- attack: T1087.004, T1069.003
-- description: One call after the other that asks who may do what: tools that look for a way up do it. The console
--   does it too, and is left out.
-- quiet when: fewer than 9, or spread over a longer time; the same one again and again
-- misses: a slow reader
-- false positives: security scanners, infrastructure code that reads its state: except their roles
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
-- lookback: 1h
-- parameter: at_least INTEGER = 9  different ones within the window
-- parameter: window_minutes INTEGER = 10  length of the window
WITH calls AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        awsRegion, sourceIPAddress, eventTime, eventID, errorCode,
        eventName AS what,
        CAST(epoch(eventTime) AS BIGINT) // (60 * $window_minutes) AS time_slot
    FROM events
    WHERE eventSource = 'iam.amazonaws.com'
      AND regexp_matches(eventName, '^(List|Get|Simulate|Generate)')
      AND coalesce(userAgent, '') NOT LIKE '%console.amazonaws.com%'
      AND coalesce(sessionCredentialFromConsole, '') <> 'true'
      AND userIdentity.invokedBy IS NULL
      AND coalesce(userIdentity.type, '') <> 'AWSService'
),
-- A window lies in two neighbouring slots of its own length: only actors with enough in such a pair are looked at.
busy AS (
    SELECT DISTINCT account, actor FROM (
        SELECT account, actor
        FROM (SELECT DISTINCT account, actor, time_slot, what FROM calls)
        CROSS JOIN (VALUES (0), (1)) AS pair (later)
        GROUP BY account, actor, time_slot + later
        HAVING count(DISTINCT what) >= $at_least
    )
),
counted AS (
    SELECT *, count(DISTINCT what) OVER (
        PARTITION BY account, actor ORDER BY eventTime
        RANGE BETWEEN to_minutes($window_minutes) PRECEDING AND CURRENT ROW
    ) AS in_window
    FROM calls JOIN busy USING (account, actor)
)
SELECT
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    account,
    CASE WHEN count(DISTINCT awsRegion) = 1 THEN any_value(awsRegion) END AS region,
    actor,
    CASE WHEN count(DISTINCT sourceIPAddress) = 1 THEN any_value(sourceIPAddress) END AS source_ip,
    list(eventID ORDER BY eventTime, eventID) AS event_ids,
    count(DISTINCT what) AS apis,
    max(in_window) AS most_in_window,
    count(*) AS calls,
    count(errorCode) AS refused
FROM counted
GROUP BY account, actor, CAST(eventTime AS DATE)
HAVING max(in_window) >= $at_least AND min(eventTime) >= $since
ORDER BY first_event_time, account, actor
