-- title: Calls that came through VPC endpoints
-- description: Which endpoints are used, by whom, for which service. An endpoint of another account, or one nobody
--   knows, is a way data leaves without touching the internet. Refusals by an endpoint's policy have the code
--   VpceAccessDenied.
SELECT
    vpcEndpointId,
    vpcEndpointAccountId,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    eventSource,
    actor(userIdentity) AS actor,
    count(*) AS calls,
    count(errorCode) AS failed,
    count(*) FILTER (errorCode = 'VpceAccessDenied') AS refused_by_endpoint,
    count(DISTINCT sourceIPAddress) AS addresses,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM events
WHERE vpcEndpointId IS NOT NULL
GROUP BY vpcEndpointId, vpcEndpointAccountId, account, eventSource, actor
ORDER BY calls DESC, vpcEndpointId, vpcEndpointAccountId NULLS LAST, account, eventSource, actor
