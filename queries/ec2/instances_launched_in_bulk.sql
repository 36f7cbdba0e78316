-- title: Many instances were launched by one principal within an hour
-- severity: medium
-- attack: T1496.001
-- description: Irregular provisioning: more instances than the principal ever launched in an hour before. Auto
--   Scaling and other services are left out.
-- quiet when: fewer than twenty, or not much more than the principal launched in an hour before
-- misses: other costly services
-- false positives: load tests, a new environment
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
-- lookback: 14d
-- parameter: at_least INTEGER = 20  instances within an hour
WITH launches AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        awsRegion, sourceIPAddress, eventTime, eventID,
        greatest(
            coalesce(json_array_length(responseElements, '$.instancesSet.items'), 0),
            coalesce(TRY_CAST(json_extract_string(requestParameters, '$.instancesSet.items[0].minCount') AS BIGINT), 1)
        ) AS instances
    FROM events
    WHERE eventSource = 'ec2.amazonaws.com'
      AND eventName = 'RunInstances'
      AND errorCode IS NULL
      AND userIdentity.invokedBy IS NULL
      AND coalesce(userIdentity.type, '') <> 'AWSService'
),
hours AS (
    SELECT account, actor, date_trunc('hour', eventTime) AS hour, sum(instances) AS instances
    FROM launches GROUP BY account, actor, date_trunc('hour', eventTime)
),
unusual AS (
    SELECT *, coalesce(max(instances) OVER (
        PARTITION BY account, actor ORDER BY hour ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS most_before
    FROM hours
)
SELECT
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    account,
    CASE WHEN count(DISTINCT awsRegion) = 1 THEN any_value(awsRegion) END AS region,
    actor,
    CASE WHEN count(DISTINCT sourceIPAddress) = 1 THEN any_value(sourceIPAddress) END AS source_ip,
    list(eventID ORDER BY eventTime, eventID) AS event_ids,
    sum(launches.instances) AS instances,
    max(most_before) AS most_in_an_hour_before,
    count(*) AS calls
FROM launches
JOIN unusual USING (account, actor)
WHERE date_trunc('hour', eventTime) = hour
  AND unusual.instances >= $at_least AND unusual.instances > 2 * most_before AND hour >= $since
GROUP BY account, actor, hour
ORDER BY first_event_time, account, actor
