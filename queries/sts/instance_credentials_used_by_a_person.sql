-- title: An instance's credentials were used from an address that people use
-- severity: high
-- attack: T1552.005, T1078.004
-- description: The session of an instance and an IAM user come from one address, with one and the same agent, within
--   the hour: somebody took the credentials from the instance to their own machine.
-- quiet when: no user comes from that address with that agent
-- misses: people who have no user of their own in the account
-- false positives: old applications with a user's key on an instance behind the same gateway
-- source: https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-types-iam.html
-- lookback: 1h
WITH calls AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        userIdentity.arn AS actor,
        awsRegion, sourceIPAddress, userAgent, eventTime, eventID
    FROM events
    WHERE userIdentity.type = 'AssumedRole'
      AND userIdentity.arn LIKE '%/i-%'
      AND regexp_matches(userIdentity.arn, '/i-[0-9a-zA-Z]{8,17}$')
      AND userIdentity.invokedBy IS NULL
      AND vpcEndpointId IS NULL
),
people AS (
    SELECT coalesce(recipientAccountId, userIdentity.accountId) AS account, sourceIPAddress, userAgent, eventTime
    FROM events
    WHERE userIdentity.type IN ('IAMUser', 'Root') AND userIdentity.invokedBy IS NULL
),
-- What both have used at some time: few, so that the times are compared for few.
shared AS (
    SELECT DISTINCT calls.account, calls.sourceIPAddress, calls.userAgent
    FROM (SELECT DISTINCT account, sourceIPAddress, userAgent FROM calls) AS calls
    JOIN (SELECT DISTINCT account, sourceIPAddress, userAgent FROM people) AS people
      ON people.account = calls.account AND people.sourceIPAddress = calls.sourceIPAddress
     AND people.userAgent = calls.userAgent
    WHERE regexp_matches(calls.sourceIPAddress, '^[0-9a-fA-F.:]+$')
),
doubted AS (
    SELECT calls.* FROM calls SEMI JOIN shared USING (account, sourceIPAddress, userAgent)
),
owners AS (
    SELECT people.* FROM people SEMI JOIN shared USING (account, sourceIPAddress, userAgent)
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
FROM doubted
WHERE EXISTS (
    SELECT 1 FROM owners
    WHERE owners.account = doubted.account AND owners.sourceIPAddress = doubted.sourceIPAddress
      AND owners.userAgent = doubted.userAgent
      AND owners.eventTime BETWEEN doubted.eventTime - INTERVAL 1 HOUR AND doubted.eventTime + INTERVAL 1 HOUR
)
GROUP BY account, actor, CAST(eventTime AS DATE)
HAVING max(eventTime) >= $since
ORDER BY first_event_time, account, actor
