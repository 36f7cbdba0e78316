-- title: A console sign-in came from a network the user never used before
-- severity: low
-- attack: T1078.004
-- description: The user has signed in before, always from other /16 networks.
-- quiet when: the user has fewer than five sign-ins before, or one from that network
-- misses: IPv6
-- false positives: travel
-- source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
-- lookback: 28d
-- parameter: logins INTEGER = 5  sign-ins there must be before
WITH logins AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        awsRegion, sourceIPAddress, eventTime, eventID,
        regexp_extract(sourceIPAddress, '^\d+\.\d+', 0) AS network
    FROM events
    WHERE eventSource = 'signin.amazonaws.com'
      AND eventName = 'ConsoleLogin'
      AND json_extract_string(responseElements, '$.ConsoleLogin') = 'Success'
      AND regexp_matches(sourceIPAddress, '^\d+\.\d+\.\d+\.\d+$')
),
known AS (
    SELECT *,
        count(*) OVER (PARTITION BY account, actor ORDER BY eventTime, eventID) - 1 AS logins_before,
        row_number() OVER (PARTITION BY account, actor, network ORDER BY eventTime, eventID) AS of_network
    FROM logins
)
SELECT
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    account,
    CASE WHEN count(DISTINCT awsRegion) = 1 THEN any_value(awsRegion) END AS region,
    actor,
    CASE WHEN count(DISTINCT sourceIPAddress) = 1 THEN any_value(sourceIPAddress) END AS source_ip,
    list(eventID ORDER BY eventTime, eventID) AS event_ids,
    max(logins_before) AS logins_before
FROM known
WHERE of_network = 1 AND logins_before >= $logins AND eventTime >= $since
GROUP BY account, actor, network
ORDER BY first_event_time, account, actor
