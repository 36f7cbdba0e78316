-- title: A principal terminates many EC2 instances within minutes
-- severity: high
-- attack: T1485
-- description: Many instances terminated by one role or user in a short time, counted in instances, since one call can end
--   hundreds. Only calls that succeeded count.
-- quiet when: the calls failed, or few instances were ended, or an AWS service such as Auto Scaling ended them
-- misses: instances ended by deleting their Auto Scaling group or stack (the service makes the calls)
-- false positives: tearing down a test environment
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html
-- lookback: 1h
-- parameter: instances INTEGER = 10  terminated instances within the window
-- parameter: window_minutes INTEGER = 10  length of the window
WITH calls AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        eventTime, eventID, awsRegion, sourceIPAddress,
        -- What was ended is in the answer; where that is missing, what was asked for.
        coalesce(
            nullif(list_distinct(list_transform(
                TRY_CAST(json_extract(responseElements, '$.instancesSet.items') AS JSON[]),
                lambda item: json_extract_string(item, '$.instanceId')
            )), []),
            list_distinct(list_transform(
                TRY_CAST(json_extract(requestParameters, '$.instancesSet.items') AS JSON[]),
                lambda item: json_extract_string(item, '$.instanceId')
            )),
            []
        ) AS instance_ids
    FROM events
    WHERE eventSource = 'ec2.amazonaws.com'
      AND eventName = 'TerminateInstances'
      AND errorCode IS NULL
      AND coalesce(userIdentity.type, 'AWSService') <> 'AWSService'
      AND userIdentity.invokedBy IS NULL
),
counted AS (
    SELECT *, sum(len(instance_ids)) OVER (
        PARTITION BY account, actor ORDER BY eventTime
        RANGE BETWEEN to_minutes($window_minutes) PRECEDING AND CURRENT ROW
    ) AS in_window
    FROM calls
),
in_burst AS (
    SELECT * FROM (
        SELECT *, max(in_window) OVER (
            PARTITION BY account, actor ORDER BY eventTime
            RANGE BETWEEN CURRENT ROW AND to_minutes($window_minutes) FOLLOWING
        ) AS fullest
        FROM counted
    )
    WHERE fullest >= $instances
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
    len(list_distinct(flatten(list(instance_ids)))) AS instances,
    count(*) AS calls
FROM numbered
GROUP BY account, actor, burst
HAVING len(list_distinct(flatten(list(instance_ids)))) >= $instances
ORDER BY first_event_time, account, actor
