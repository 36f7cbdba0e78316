-- title: Principals, when they were first and last seen, and how much they did
-- description: The cast of the lake: a role stands for all of its sessions. Many refused calls, or changes by somebody
--   who otherwise reads, deserve the next question (session_timeline, changes_by_principal).
-- parameter: principal TEXT = %  part of the actor's ARN or name
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    actor(userIdentity) AS actor,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    count(*) AS calls,
    count(*) FILTER (readOnly = false) AS changes,
    count(*) FILTER (regexp_matches(errorCode, '(?i)accessdenied|unauthorized')) AS refused,
    count(DISTINCT eventSource || ':' || eventName) AS apis,
    count(DISTINCT awsRegion) AS regions,
    count(DISTINCT sourceIPAddress) AS addresses
FROM events
WHERE actor(userIdentity) ILIKE '%' || $principal || '%'
GROUP BY account, actor
ORDER BY calls DESC, account, actor
