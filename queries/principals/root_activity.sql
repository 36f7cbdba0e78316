-- title: What the root user did
-- description: Root should sleep: each row needs a reason and a person; changes come first. Service events and calls
--   AWS makes itself are left out. `central` counts sessions a management account opened with AssumeRoot.
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    eventSource,
    eventName,
    sourceIPAddress,
    count(*) AS calls,
    count(*) FILTER (readOnly = false) AS changes,
    count(errorCode) AS failed,
    count(*) FILTER (userIdentity.sessionContext.assumedRoot = 'true') AS central,
    count(*) FILTER (userIdentity.sessionContext.attributes.mfaAuthenticated = 'true') AS with_mfa,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM events
WHERE userIdentity.type = 'Root'
  AND userIdentity.invokedBy IS NULL
  AND eventType IS DISTINCT FROM 'AwsServiceEvent'
GROUP BY account, eventSource, eventName, sourceIPAddress
ORDER BY changes = 0, first_event_time, account, eventSource, eventName, sourceIPAddress
