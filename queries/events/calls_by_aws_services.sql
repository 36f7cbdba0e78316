-- title: Calls made by AWS services, on their own or for somebody
-- description: What services do in the account. `actor` differs from `service` when the call was made with a
--   principal's rights; such calls are that principal's doing, though no key of theirs was used.
-- parameter: service TEXT = %  part of the service's name, such as autoscaling
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    coalesce(userIdentity.invokedBy, sourceIPAddress) AS service,
    actor(userIdentity) AS actor,
    eventSource,
    eventName,
    count(*) AS calls,
    count(errorCode) AS failed,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM events
WHERE (userIdentity.invokedBy IS NOT NULL OR userIdentity.type = 'AWSService')
  AND coalesce(userIdentity.invokedBy, sourceIPAddress, '') ILIKE '%' || $service || '%'
GROUP BY account, service, actor, eventSource, eventName
ORDER BY calls DESC, account, service, actor, eventSource, eventName
