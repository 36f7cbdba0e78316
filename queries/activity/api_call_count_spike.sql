-- title: A principal calls one API far more often than ever before
-- severity: medium
-- attack: T1078.004
-- description: Within minutes, a role or user called one API many times more often than in any window of the same length in
--   its own recent past. Automation repeats itself; a stolen key does not know what is usual.
-- quiet when: the principal did as much before; the account's logs do not reach back far enough to tell; an AWS service called
-- misses: growth that is slow, and spikes spread over many APIs or principals
-- false positives: first runs of a new job, migrations
-- source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-insights-events-with-cloudtrail.html
-- lookback: 14d
-- parameter: calls INTEGER = 50  least calls in the window
-- parameter: times INTEGER = 5  least ratio to the most in any window of the past
-- parameter: window_minutes INTEGER = 15  length of a window
-- parameter: past_days INTEGER = 14  how far back the past reaches
-- parameter: known_days INTEGER = 7  days of logs an account must have before a window is judged
WITH calls AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        eventSource, eventName, eventTime, eventID, awsRegion, sourceIPAddress,
        CAST(epoch(eventTime) AS BIGINT) // (60 * $window_minutes) AS time_slot
    FROM events
    WHERE userIdentity.type IS NOT NULL
      AND userIdentity.type <> 'AWSService'
      AND userIdentity.invokedBy IS NULL
),
-- Only principals and APIs that were ever busy enough are looked at closely. A full window touches two slots of its
-- length at most, one of which is half full.
often AS (
    SELECT account, actor, eventSource, eventName
    FROM calls
    GROUP BY account, actor, eventSource, eventName
    HAVING count(*) >= $calls
),
busy AS (
    SELECT DISTINCT account, actor, eventSource, eventName FROM (
        SELECT account, actor, eventSource, eventName
        FROM calls SEMI JOIN often USING (account, actor, eventSource, eventName)
        GROUP BY account, actor, eventSource, eventName, time_slot
        HAVING 2 * count(*) >= $calls
    )
),
counted AS (
    SELECT *, count(*) OVER (
        PARTITION BY account, actor, eventSource, eventName ORDER BY eventTime
        RANGE BETWEEN to_minutes($window_minutes) PRECEDING AND CURRENT ROW
    ) AS in_window
    FROM calls SEMI JOIN busy USING (account, actor, eventSource, eventName)
),
in_burst AS (
    SELECT * FROM (
        SELECT *, max(in_window) OVER (
            PARTITION BY account, actor, eventSource, eventName ORDER BY eventTime
            RANGE BETWEEN CURRENT ROW AND to_minutes($window_minutes) FOLLOWING
        ) AS fullest
        FROM counted
    )
    WHERE fullest >= $calls
),
numbered AS (
    SELECT *, count(*) FILTER (starts) OVER (
        PARTITION BY account, actor, eventSource, eventName ORDER BY eventTime, eventID
    ) AS burst
    FROM (
        SELECT *, coalesce(eventTime - lag(eventTime) OVER (
            PARTITION BY account, actor, eventSource, eventName ORDER BY eventTime, eventID
        ) > to_minutes($window_minutes), true) AS starts
        FROM in_burst
    )
),
bursts AS (
    SELECT
        account, actor, eventSource, eventName,
        min(eventTime) AS first_event_time,
        max(eventTime) AS last_event_time,
        CASE WHEN count(DISTINCT awsRegion) = 1 THEN any_value(awsRegion) END AS region,
        CASE WHEN count(DISTINCT sourceIPAddress) = 1 THEN any_value(sourceIPAddress) END AS source_ip,
        list(eventID ORDER BY eventTime, eventID) AS event_ids,
        count(*) AS calls,
        max(in_window) AS most_in_window
    FROM numbered
    GROUP BY account, actor, eventSource, eventName, burst
),
known AS (
    SELECT coalesce(recipientAccountId, userIdentity.accountId) AS account, min(eventTime) AS known_since
    FROM events
    GROUP BY coalesce(recipientAccountId, userIdentity.accountId)
),
judged AS (
    SELECT b.*, coalesce((
        SELECT max(c.in_window) FROM counted AS c
        WHERE c.account = b.account AND c.actor = b.actor
          AND c.eventSource = b.eventSource AND c.eventName = b.eventName
          AND c.eventTime < b.first_event_time
          AND c.eventTime >= b.first_event_time - to_days($past_days)
    ), 0) AS most_before
    FROM bursts AS b JOIN known USING (account)
    WHERE b.first_event_time >= known.known_since + to_days($known_days)
)
SELECT
    first_event_time, last_event_time, account, region, actor, source_ip, event_ids,
    eventSource, eventName, calls, most_in_window, most_before
FROM judged
WHERE most_in_window >= $times * most_before
ORDER BY first_event_time, account, actor, eventSource, eventName
