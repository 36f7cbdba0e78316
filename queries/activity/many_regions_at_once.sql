-- title: One principal called many Regions within minutes
-- severity: medium
-- attack: T1580, T1535
-- description: A sweep: what is there, in every Region? The console does it too, and is left out.
-- quiet when: fewer than 8, or spread over a longer time; the same one again and again
-- misses: a slow reader
-- false positives: inventory and security scanners: except their roles
-- source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
-- lookback: 1h
-- parameter: at_least INTEGER = 8  different ones within the window
-- parameter: window_minutes INTEGER = 15  length of the window
WITH calls AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        awsRegion, sourceIPAddress, eventTime, eventID, errorCode,
        awsRegion AS what,
        CAST(epoch(eventTime) AS BIGINT) // (60 * $window_minutes) AS time_slot
    FROM events
    WHERE userIdentity.type IN ('IAMUser', 'AssumedRole', 'Root', 'FederatedUser')
      AND userIdentity.invokedBy IS NULL
      AND coalesce(sessionCredentialFromConsole, '') <> 'true'
      AND coalesce(userAgent, '') NOT LIKE '%console.amazonaws.com%'
      AND coalesce(sourceIPAddress, '') NOT LIKE '%.amazonaws.com'
      AND eventSource IN ('ec2.amazonaws.com', 'lambda.amazonaws.com', 'rds.amazonaws.com', 'ecs.amazonaws.com', 'guardduty.amazonaws.com', 'cloudtrail.amazonaws.com', 'ses.amazonaws.com', 'bedrock.amazonaws.com')
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
    count(DISTINCT what) AS regions,
    max(in_window) AS most_in_window,
    count(*) AS calls,
    count(errorCode) AS refused
FROM counted
GROUP BY account, actor, CAST(eventTime AS DATE)
HAVING max(in_window) >= $at_least AND min(eventTime) >= $since
ORDER BY first_event_time, account, actor
