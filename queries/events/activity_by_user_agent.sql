-- title: Activity per program, as the user agent names it
-- description: SDKs, command lines, consoles and tools, by the first word of their user agent. The caller chooses this
--   text and may lie; the rare programs at the end are worth a look.
-- parameter: program TEXT = %  part of the user agent
SELECT
    regexp_extract(userAgent, '^\[?(AWS Internal|[^\s,\]]+)', 1) AS program,
    count(*) AS events,
    count(*) FILTER (readOnly = false) AS changes,
    count(errorCode) AS failed,
    count(DISTINCT actor(userIdentity)) AS actors,
    count(DISTINCT sourceIPAddress) AS addresses,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    min(actor(userIdentity)) AS one_actor
FROM events
WHERE userAgent ILIKE '%' || $program || '%'
GROUP BY program
ORDER BY events DESC, program
