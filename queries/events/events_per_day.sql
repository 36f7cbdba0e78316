-- title: Events per day and account
-- description: How much each account did and was refused, day by day (UTC). A day with far fewer events than its
--   neighbours is a hole in the logs or a quiet weekend; `trailql coverage` tells which.
SELECT
    event_date,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    count(*) AS events,
    count(*) FILTER (readOnly = false) AS changes,
    count(*) FILTER (managementEvent = false) AS data_events,
    count(errorCode) AS failed,
    count(DISTINCT actor(userIdentity)) AS actors
FROM events
GROUP BY event_date, account
ORDER BY event_date, account
