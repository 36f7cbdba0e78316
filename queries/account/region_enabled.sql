-- title: A Region was enabled or disabled for an account
-- severity: medium
-- attack: T1535
-- description: A Region nobody watches is a place to work unseen.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: a planned roll-out
-- source: https://docs.aws.amazon.com/accounts/latest/reference/API_EnableRegion.html
SELECT * FROM events
WHERE eventSource = 'account.amazonaws.com'
  AND eventName IN ('EnableRegion', 'DisableRegion')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
