-- title: Something was changed in a Region the account had not used
-- severity: medium
-- attack: T1535
-- description: A Region without a change in the days before, while the account was at work elsewhere.
-- quiet when: the account has less than a week of history, or has changed something there before
-- misses: Regions used before
-- false positives: a roll-out
-- source: https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
-- lookback: 14d
-- parameter: history_days INTEGER = 7  days of history an account must have
WITH changes AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        awsRegion, sourceIPAddress, eventTime, eventID
    FROM events
    WHERE readOnly = false
      AND errorCode IS NULL
      AND coalesce(managementEvent, true)
      AND userIdentity.invokedBy IS NULL
      AND coalesce(userIdentity.type, '') NOT IN ('AWSService', '')
      AND eventSource NOT IN ('iam.amazonaws.com', 'sts.amazonaws.com', 'signin.amazonaws.com', 'kms.amazonaws.com')
),
regions AS (
    SELECT account, awsRegion, min(eventTime) AS first_time FROM changes GROUP BY account, awsRegion
),
accounts AS (
    SELECT account, min(eventTime) AS first_time FROM changes GROUP BY account
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
FROM changes
JOIN regions USING (account, awsRegion)
JOIN accounts USING (account)
WHERE regions.first_time >= $since
  AND regions.first_time - accounts.first_time >= to_days($history_days)
  AND eventTime < regions.first_time + INTERVAL 1 DAY
GROUP BY account, actor, awsRegion
ORDER BY first_event_time, account, actor
