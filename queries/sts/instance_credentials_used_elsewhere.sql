-- title: An instance's credentials were used from more than one address
-- severity: high
-- attack: T1552.005, T1078.004
-- description: The session of an instance, named after it, is known by one address, its own or its gateway's. From a
--   second one somebody has taken the credentials along.
-- quiet when: all calls come from one public address, from private ones, or through a VPC endpoint
-- misses: a thief on the same instance, or behind the same gateway
-- false positives: instances that change their address, or have several gateways
-- response: Revoke the role's sessions; look what they did.
-- source: https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-types-iam.html
-- lookback: 1d
-- parameter: addresses INTEGER = 1  addresses an instance may have
WITH calls AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        userIdentity.arn AS actor,
        awsRegion, sourceIPAddress, eventTime, eventID
    FROM events
    WHERE userIdentity.type = 'AssumedRole'
      AND userIdentity.arn LIKE '%/i-%'
      AND regexp_matches(userIdentity.arn, '/i-[0-9a-zA-Z]{8,17}$')
      AND userIdentity.invokedBy IS NULL
      AND vpcEndpointId IS NULL
),
addresses AS (
    SELECT DISTINCT account, actor, sourceIPAddress FROM calls
),
-- Few of many: the calls themselves are read only of sessions that had several public addresses.
moved AS (
    SELECT account, actor, sourceIPAddress, count(*) OVER (PARTITION BY account, actor) AS different
    FROM addresses
    WHERE regexp_matches(sourceIPAddress, '^[0-9a-fA-F.:]+$')
      AND NOT regexp_matches(sourceIPAddress, '^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.)')
)
SELECT
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    account,
    CASE WHEN count(DISTINCT awsRegion) = 1 THEN any_value(awsRegion) END AS region,
    actor,
    NULL AS source_ip,
    list(eventID ORDER BY eventTime, eventID) AS event_ids,
    count(DISTINCT sourceIPAddress) AS addresses,
    count(*) AS calls
FROM calls JOIN moved USING (account, actor, sourceIPAddress)
WHERE moved.different > $addresses
GROUP BY account, actor
HAVING max(eventTime) >= $since
ORDER BY first_event_time, account, actor
