-- title: An inline policy that allows everything was put on a principal
-- severity: high
-- attack: T1098.003
-- description: Put…Policy with Action * on Resource *: administrator rights that no list of managed policies shows.
-- quiet when: the call failed; an AWS service made it for itself; the policy names services or resources
-- misses: the same spread over several statements or hidden by wildcards such as i*
-- false positives: setting up an administrator role
-- response: Read the policy; look who uses the principal since.
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName IN ('PutUserPolicy', 'PutRolePolicy', 'PutGroupPolicy')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(json_extract_string(requestParameters, '$.policyDocument'), '"Effect"\s*:\s*"Allow"')
  AND regexp_matches(json_extract_string(requestParameters, '$.policyDocument'), '"Action"\s*:\s*\[?\s*"(\*|\*:\*|iam:\*)"')
  AND regexp_matches(json_extract_string(requestParameters, '$.policyDocument'), '"Resource"\s*:\s*\[?\s*"\*"')
