-- title: Refused calls per principal
-- description: Who was told no, how often of all calls, and over how many APIs. Few APIs many times is a job with too
--   few rights; many APIs once each is somebody trying what a credential may do. AWS services come last.
-- parameter: least INTEGER = 1  least number of refused calls
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    actor(userIdentity) AS actor,
    count(*) FILTER (is_refused) AS refused,
    count(*) AS calls,
    count(DISTINCT eventSource || ':' || eventName) FILTER (is_refused) AS refused_apis,
    count(DISTINCT awsRegion) FILTER (is_refused) AS regions,
    count(DISTINCT sourceIPAddress) FILTER (is_refused) AS addresses,
    min(eventTime) FILTER (is_refused) AS first_event_time,
    max(eventTime) FILTER (is_refused) AS last_event_time
FROM (
    SELECT *, coalesce(regexp_matches(errorCode, '(?i)accessdenied|unauthorized'), false) AS is_refused
    FROM events
)
GROUP BY account, actor
HAVING count(*) FILTER (is_refused) >= $least
ORDER BY actor LIKE '%.amazonaws.com', refused DESC, account, actor
