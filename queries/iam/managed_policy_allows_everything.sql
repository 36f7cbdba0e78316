-- title: A managed policy that allows everything was made, or a version of one
-- severity: high
-- attack: T1098.003
-- description: CreatePolicy or CreatePolicyVersion with Action * on Resource *. A new default version changes the
--   rights of everybody who has the policy.
-- quiet when: the call failed; an AWS service made it for itself; the policy names services or resources
-- misses: the same by other means than this call
-- false positives: setting up an administrator role
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName IN ('CreatePolicy', 'CreatePolicyVersion')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(json_extract_string(requestParameters, '$.policyDocument'), '"Effect"\s*:\s*"Allow"')
  AND regexp_matches(json_extract_string(requestParameters, '$.policyDocument'), '"Action"\s*:\s*\[?\s*"(\*|\*:\*|iam:\*)"')
  AND regexp_matches(json_extract_string(requestParameters, '$.policyDocument'), '"Resource"\s*:\s*\[?\s*"\*"')
