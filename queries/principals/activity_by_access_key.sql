-- title: Access keys, when they were first and last used, and from where
-- description: Long-term keys (AKIA…) unless others are asked for; temporary ones begin with ASIA and are many. A key
--   that nobody used for weeks and that now works from a new address is the one to look at.
-- parameter: access_key TEXT = AKIA  part of the key's id; % shows all
SELECT
    userIdentity.accessKeyId AS access_key,
    actor(userIdentity) AS actor,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    count(*) AS calls,
    count(*) FILTER (readOnly = false) AS changes,
    count(*) FILTER (regexp_matches(errorCode, '(?i)accessdenied|unauthorized')) AS refused,
    count(DISTINCT eventSource || ':' || eventName) AS apis,
    count(DISTINCT awsRegion) AS regions,
    array_to_string(list(DISTINCT sourceIPAddress ORDER BY sourceIPAddress)[:5], ', ') AS up_to_five_addresses
FROM events
WHERE userIdentity.accessKeyId <> ''
  AND userIdentity.accessKeyId ILIKE '%' || $access_key || '%'
GROUP BY access_key, actor
ORDER BY calls DESC, access_key, actor
