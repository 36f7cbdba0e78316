-- title: A function's code was overwritten by an IAM user who hardly ever does
-- severity: medium
-- attack: T1525, T1098
-- description: Deployments come from roles, or again and again from the same user. A user's long-lived key that
--   changes code on one day only is worth a look.
-- quiet when: a role deploys, or the same user has on another day of the last 14, or later
-- misses: attackers who use a key that deploys every day
-- false positives: a first deployment
-- source: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html
-- lookback: 14d
WITH updates AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        awsRegion, sourceIPAddress, eventTime, eventID
    FROM events
    WHERE eventSource = 'lambda.amazonaws.com'
      AND eventName IN ('UpdateFunctionCode20150331v2', 'UpdateFunctionConfiguration20150331v2')
      AND errorCode IS NULL
      AND userIdentity.type = 'IAMUser'
      AND userIdentity.invokedBy IS NULL
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
FROM updates
GROUP BY account, actor
HAVING count(DISTINCT CAST(eventTime AS DATE)) = 1 AND min(eventTime) >= $since
ORDER BY first_event_time, account, actor
