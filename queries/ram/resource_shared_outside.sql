-- title: A resource was shared with principals outside the organization
-- severity: high
-- attack: T1537
-- description: A resource share that allows external principals.
-- quiet when: the call failed; an AWS service made it for itself; the share stays in the organization
-- misses: the same by other means than this call
-- false positives: partners
-- source: https://docs.aws.amazon.com/ram/latest/APIReference/API_CreateResourceShare.html
SELECT * FROM events
WHERE eventSource = 'ram.amazonaws.com'
  AND eventName IN ('CreateResourceShare', 'UpdateResourceShare')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND json_extract_string(requestParameters, '$.allowExternalPrincipals') = 'true'
