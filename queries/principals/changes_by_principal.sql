-- title: What each principal changed
-- description: Calls that change something, per principal and API; sign-ins and calls of AWS services are left out.
--   The rarest come first, as a thing done once is more telling than a nightly job.
-- parameter: principal TEXT = %  part of the actor's ARN or name
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    actor(userIdentity) AS actor,
    eventSource,
    eventName,
    count(*) AS calls,
    count(errorCode) AS failed,
    count(DISTINCT sourceIPAddress) AS addresses,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM events
WHERE readOnly IS DISTINCT FROM true
  AND eventSource <> 'signin.amazonaws.com'
  AND userIdentity.type IS DISTINCT FROM 'AWSService'
  AND userIdentity.invokedBy IS NULL
  AND actor(userIdentity) ILIKE '%' || $principal || '%'
GROUP BY account, actor, eventSource, eventName
ORDER BY calls, first_event_time, account, actor, eventSource, eventName
