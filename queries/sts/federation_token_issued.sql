-- title: A federation token was issued for a user's key
-- severity: medium
-- attack: T1550.001
-- description: GetFederationToken makes a session that goes on for hours, even when the key behind it has been
--   deleted.
-- quiet when: the call failed; an AWS service made it for itself; a role or a service asks
-- misses: the same by other means than this call
-- false positives: brokers of your own that hand out console access
-- response: Attach a deny for tokens issued before now to the user, then look at the session.
-- source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
SELECT * FROM events
WHERE eventSource = 'sts.amazonaws.com'
  AND eventName = 'GetFederationToken'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND userIdentity.type = 'IAMUser'
