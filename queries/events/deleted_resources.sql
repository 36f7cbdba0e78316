-- title: What was deleted, and by whom
-- description: Successful calls that delete, terminate, deregister, purge or schedule a deletion; those that happened
--   on the fewest days come first, before the nightly jobs. One call may end many things (TerminateInstances,
--   DeleteObjects). Objects show only where data events are recorded.
-- parameter: principal TEXT = %  part of the actor's ARN or name
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    awsRegion,
    actor(userIdentity) AS actor,
    eventSource,
    eventName,
    count(*) AS calls,
    count(DISTINCT event_date) AS days,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    min(requestParameters) AS one_request
FROM events
WHERE readOnly IS DISTINCT FROM true
  AND errorCode IS NULL
  AND regexp_matches(eventName, '^(Batch)?(Delete|Terminate|Deregister|Purge|ScheduleKeyDeletion)')
  AND actor(userIdentity) ILIKE '%' || $principal || '%'
GROUP BY account, awsRegion, actor, eventSource, eventName
ORDER BY days, first_event_time, account, awsRegion, actor, eventSource, eventName
