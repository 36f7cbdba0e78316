-- title: A trust anchor for certificates was made
-- severity: high
-- attack: T1098.001, T1556
-- description: Holders of certificates of that authority may take on roles from outside AWS.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: setting up Roles Anywhere
-- source: https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_CreateTrustAnchor.html
SELECT * FROM events
WHERE eventSource = 'rolesanywhere.amazonaws.com'
  AND eventName IN ('CreateTrustAnchor', 'UpdateTrustAnchor')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
