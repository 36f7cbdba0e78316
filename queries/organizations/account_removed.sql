-- title: An account was closed or removed from the organization
-- severity: high
-- attack: T1531, T1485
-- description: With a closed account go all its resources.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: accounts that are wound up
-- source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_CloseAccount.html
SELECT * FROM events
WHERE eventSource = 'organizations.amazonaws.com'
  AND eventName IN ('CloseAccount', 'RemoveAccountFromOrganization')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
