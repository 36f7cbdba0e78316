-- title: Activity per Region and service
-- description: What is used where, and how much of it only reads. Global services (IAM, STS's global endpoint,
--   Organizations) are logged in us-east-1, whatever Region the caller sits in.
SELECT
    awsRegion,
    eventSource,
    count(*) AS events,
    count(*) FILTER (readOnly) AS reads,
    count(*) FILTER (readOnly = false) AS changes,
    count(errorCode) AS failed,
    count(DISTINCT actor(userIdentity)) AS actors,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM events
GROUP BY awsRegion, eventSource
ORDER BY awsRegion, events DESC, eventSource
