-- title: Throttled calls, per principal and API
-- description: Who calls faster than AWS allows: a script, a scanner or an enumeration. The calls that were let
--   through are not counted here.
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    awsRegion,
    actor(userIdentity) AS actor,
    eventSource,
    eventName,
    count(*) AS throttled,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM events
WHERE regexp_matches(errorCode, '(?i)throttl|toomanyrequests|requestlimitexceeded|throughputexceeded|slowdown')
GROUP BY account, awsRegion, actor, eventSource, eventName
ORDER BY throttled DESC, account, awsRegion, actor, eventSource, eventName
