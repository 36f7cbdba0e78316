-- title: Changes made by hand in the console
-- description: Calls that change something, made from the web console: by its user agents, or with a console session's
--   credentials (sessionCredentialFromConsole). Where everything is deployed by code, each one deserves a question.
-- parameter: principal TEXT = %  part of the actor's ARN or name
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    actor(userIdentity) AS actor,
    eventSource,
    eventName,
    count(*) AS calls,
    count(errorCode) AS failed,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM events
WHERE readOnly IS DISTINCT FROM true
  AND eventSource <> 'signin.amazonaws.com'
  AND (
      sessionCredentialFromConsole = 'true'
      OR regexp_matches(userAgent, 'console\.([a-z0-9-]+\.)?amazonaws\.com|^signin\.amazonaws|^\[?(S3Console|Mozilla)/')
  )
  AND actor(userIdentity) ILIKE '%' || $principal || '%'
GROUP BY account, actor, eventSource, eventName
ORDER BY account, actor, first_event_time, eventSource, eventName
