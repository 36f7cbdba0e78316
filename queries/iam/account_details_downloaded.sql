-- title: All users, roles and policies of the account were downloaded
-- severity: medium
-- attack: T1087.004, T1069.003
-- description: GetAccountAuthorizationDetails gives the whole of IAM in a few calls: what an attacker reads to find a
--   way up.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: security scanners; except their roles by name
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName = 'GetAccountAuthorizationDetails'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND readOnly IS DISTINCT FROM false
