-- title: Errors, counted per service and code
-- description: Which errors there are, how often, and from how many principals. Failed sign-ins have no errorCode (see
--   failed_console_logins), and Client.DryRunOperation means that the call would have been allowed.
SELECT
    eventSource,
    errorCode,
    count(*) AS errors,
    count(DISTINCT eventName) AS apis,
    count(DISTINCT actor(userIdentity)) AS actors,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    min(errorMessage) AS one_message
FROM events
WHERE errorCode IS NOT NULL
GROUP BY eventSource, errorCode
ORDER BY errors DESC, eventSource, errorCode
