-- title: Events outside the allowed Regions, per principal
-- description: Who works where nobody should. Unless Regions are named, those with at least one in a hundred of the
--   lake's events count as allowed. Refused calls are included: a policy may have done its work. Some consoles read
--   every Region by themselves, so look at the changes first.
-- parameter: allowed TEXT = usual  Regions, separated by commas: us-east-1,eu-west-1
WITH allowed AS (
    SELECT awsRegion
    FROM events
    GROUP BY awsRegion
    HAVING CASE
        WHEN $allowed = 'usual' THEN 100 * count(*) >= (SELECT count(*) FROM events)
        ELSE list_contains(list_transform(string_split($allowed, ','), lambda name: trim(name)), awsRegion)
    END
)
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    awsRegion,
    actor(userIdentity) AS actor,
    count(*) AS events,
    count(*) FILTER (readOnly = false) AS changes,
    count(errorCode) AS failed,
    count(DISTINCT eventSource || ':' || eventName) AS apis,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM events ANTI JOIN allowed USING (awsRegion)
GROUP BY account, awsRegion, actor
ORDER BY changes DESC, events DESC, account, awsRegion, actor
