-- title: One access key was used from two networks at once
-- severity: medium
-- attack: T1078.004
-- description: A user's long-lived key comes from two different /16 networks within minutes: two people have it.
-- quiet when: the networks follow each other hours apart, or it moves once
-- misses: IPv6, two people in one network
-- false positives: a laptop that changes between office and telephone; proxies with many addresses
-- response: Make the key inactive; ask the user.
-- source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html
-- lookback: 1h
-- parameter: window_minutes INTEGER = 10  between two calls
-- parameter: changes INTEGER = 3  calls beside a change
WITH calls AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        userIdentity.accessKeyId AS access_key,
        awsRegion, sourceIPAddress, eventTime, eventID,
        regexp_extract(sourceIPAddress, '^\d+\.\d+', 0) AS network
    FROM events
    WHERE userIdentity.type = 'IAMUser'
      AND userIdentity.accessKeyId LIKE 'AKIA%'
      AND userIdentity.invokedBy IS NULL
      AND regexp_matches(sourceIPAddress, '^\d+\.\d+\.\d+\.\d+$')
),
travelled AS (
    SELECT account, access_key
    FROM (SELECT DISTINCT account, access_key, network FROM calls)
    GROUP BY account, access_key
    HAVING count(*) > 1
),
moved AS (
    SELECT *,
        lag(network) OVER by_key AS network_before,
        lag(eventTime) OVER by_key AS time_before,
        lead(network) OVER by_key AS network_after,
        lead(eventTime) OVER by_key AS time_after
    FROM calls JOIN travelled USING (account, access_key)
    WINDOW by_key AS (PARTITION BY account, access_key ORDER BY eventTime, eventID)
)
SELECT
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    account,
    CASE WHEN count(DISTINCT awsRegion) = 1 THEN any_value(awsRegion) END AS region,
    actor,
    CASE WHEN count(DISTINCT sourceIPAddress) = 1 THEN any_value(sourceIPAddress) END AS source_ip,
    list(eventID ORDER BY eventTime, eventID) AS event_ids,
    any_value(access_key) AS access_key,
    count(DISTINCT network) AS networks,
    count(*) AS calls
FROM moved
WHERE (network_before <> network AND eventTime - time_before <= to_minutes($window_minutes))
   OR (network_after <> network AND time_after - eventTime <= to_minutes($window_minutes))
GROUP BY account, actor, access_key, CAST(eventTime AS DATE)
HAVING max(eventTime) >= $since AND count(*) >= $changes
ORDER BY first_event_time, account, actor
