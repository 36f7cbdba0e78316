-- title: The default version of a managed policy was switched
-- severity: medium
-- attack: T1098.003
-- description: SetDefaultPolicyVersion brings back an older, perhaps wider, version, without showing its text.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: rolling a policy back
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName = 'SetDefaultPolicyVersion'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
