-- title: Principals first seen in the last days
-- description: Users, roles and services that never acted in an account before the last seven days of the lake (with
--   --until: of the asked time). A lake that reaches back no further knows nothing older: then everybody is new.
-- parameter: days INTEGER = 7  how many days before the last event count as new
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    actor(userIdentity) AS actor,
    min(eventTime) AS first_event_time,
    arg_min(eventSource || ':' || eventName, (eventTime, eventID)) AS first_api,
    arg_min(sourceIPAddress, (eventTime, eventID)) AS first_address,
    count(*) AS calls,
    count(*) FILTER (readOnly = false) AS changes,
    count(errorCode) AS failed
FROM events
-- Failed sign-ins name whoever was typed in, not who it was.
WHERE NOT (
    eventSource = 'signin.amazonaws.com'
    AND coalesce(json_extract_string(responseElements, '$.ConsoleLogin'), '') = 'Failure'
)
GROUP BY account, actor
HAVING min(eventTime) >= (SELECT max(eventTime) FROM events) - to_days($days)
ORDER BY first_event_time, account, actor
