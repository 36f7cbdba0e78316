-- title: Changes of the organization, its accounts and its permission sets
-- description: Accounts made, invited, moved and closed, policies attached and detached, Regions switched on, Identity
--   Center assignments. Most are logged in the management account alone; without its trail they cannot show.
SELECT
    eventTime,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    actor(userIdentity) AS actor,
    sourceIPAddress,
    eventSource,
    eventName,
    coalesce(
        json_extract_string(requestParameters, '$.targetId'),
        json_extract_string(requestParameters, '$.accountId'),
        json_extract_string(requestParameters, '$.accountName'),
        json_extract_string(requestParameters, '$.policyId'),
        json_extract_string(requestParameters, '$.regionName')
    ) AS target,
    errorCode,
    requestParameters,
    eventID
FROM events
WHERE eventSource IN (
          'organizations.amazonaws.com', 'account.amazonaws.com', 'controltower.amazonaws.com', 'ram.amazonaws.com',
          'sso.amazonaws.com', 'sso-directory.amazonaws.com', 'identitystore.amazonaws.com'
      )
  AND readOnly IS DISTINCT FROM true
ORDER BY eventTime, account, eventID
