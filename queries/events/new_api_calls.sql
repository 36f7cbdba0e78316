-- title: APIs an account called for the first time in the last days
-- description: Calls an account never made before the last seven days of the lake (with --until: of the asked time),
--   and who was first. A lake that reaches back no further knows nothing older: then everything is new.
-- parameter: days INTEGER = 7  how many days before the last event count as new
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    eventSource,
    eventName,
    min(eventTime) AS first_event_time,
    arg_min(actor(userIdentity), (eventTime, eventID)) AS first_actor,
    arg_min(sourceIPAddress, (eventTime, eventID)) AS first_address,
    count(*) AS calls,
    count(errorCode) AS failed,
    count(DISTINCT actor(userIdentity)) AS actors
FROM events
GROUP BY account, eventSource, eventName
HAVING min(eventTime) >= (SELECT max(eventTime) FROM events) - to_days($days)
ORDER BY first_event_time, account, eventSource, eventName
