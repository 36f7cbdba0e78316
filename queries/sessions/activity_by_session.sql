-- title: Role sessions and what they did
-- description: One row per role and session name, so that hours of work under one name belong together. The caller
--   chooses the session name. It is a person with Identity Center, an instance id on EC2, anything otherwise.
-- parameter: session TEXT = %  part of the session's ARN
SELECT
    userIdentity.arn AS session_arn,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    count(*) AS calls,
    count(*) FILTER (readOnly = false) AS changes,
    count(*) FILTER (regexp_matches(errorCode, '(?i)accessdenied|unauthorized')) AS refused,
    count(DISTINCT userIdentity.accessKeyId) AS access_keys,
    count(DISTINCT sourceIPAddress) AS addresses,
    count(DISTINCT awsRegion) AS regions,
    max(userIdentity.sessionContext.sourceIdentity) AS source_identity
FROM events
WHERE userIdentity.type = 'AssumedRole'
  AND userIdentity.arn ILIKE '%' || $session || '%'
GROUP BY session_arn
ORDER BY calls DESC, session_arn
