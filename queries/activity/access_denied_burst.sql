-- title: A principal is refused many different calls within minutes
-- severity: medium
-- attack: T1580, T1087.004
-- cis: 4.1
-- description: Someone tries what a credential may do: many refused calls to several different APIs in a short time.
-- quiet when: the refused calls are few, or repeat one API (a misconfigured job), or an AWS service made them
-- misses: slow enumeration, and enumeration by a principal who may do everything
-- false positives: inventory and posture scanners that were given too few rights
-- source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
-- lookback: 1h
-- parameter: refused INTEGER = 15  refused calls within the window
-- parameter: apis INTEGER = 5  different APIs among them
-- parameter: window_minutes INTEGER = 15  length of a window
WITH refused AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        eventSource || ':' || eventName AS api,
        eventTime, eventID, awsRegion, sourceIPAddress
    FROM events
    WHERE (errorCode LIKE '%UnauthorizedOperation' OR errorCode LIKE 'AccessDenied%')
      AND userIdentity.type <> 'AWSService'
      AND userIdentity.invokedBy IS NULL
),
counted AS (
    SELECT *, count(*) OVER (
        PARTITION BY account, actor ORDER BY eventTime
        RANGE BETWEEN to_minutes($window_minutes) PRECEDING AND CURRENT ROW
    ) AS in_window
    FROM refused
),
in_burst AS (
    SELECT * FROM (
        SELECT *, max(in_window) OVER (
            PARTITION BY account, actor ORDER BY eventTime
            RANGE BETWEEN CURRENT ROW AND to_minutes($window_minutes) FOLLOWING
        ) AS fullest
        FROM counted
    )
    WHERE fullest >= $refused
),
numbered AS (
    SELECT *, count(*) FILTER (starts) OVER (PARTITION BY account, actor ORDER BY eventTime, eventID) AS burst
    FROM (
        SELECT *, coalesce(eventTime - lag(eventTime) OVER (
            PARTITION BY account, actor ORDER BY eventTime, eventID
        ) > to_minutes($window_minutes), true) AS starts
        FROM in_burst
    )
)
SELECT
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    account,
    CASE WHEN count(DISTINCT awsRegion) = 1 THEN any_value(awsRegion) END AS region,
    actor,
    CASE WHEN count(DISTINCT sourceIPAddress) = 1 THEN any_value(sourceIPAddress) END AS source_ip,
    list(eventID ORDER BY eventTime, eventID) AS event_ids,
    count(*) AS refused_calls,
    count(DISTINCT api) AS different_apis,
    count(DISTINCT awsRegion) AS regions
FROM numbered
GROUP BY account, actor, burst
HAVING count(DISTINCT api) >= $apis
ORDER BY first_event_time, account, actor
