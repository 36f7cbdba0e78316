-- title: A repository's policy lets everybody in
-- severity: high
-- attack: T1525, T1530
-- description: Images can be pulled, or pushed, from anywhere.
-- quiet when: the call failed; an AWS service made it for itself; somebody is named
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html
SELECT * FROM events
WHERE eventSource = 'ecr.amazonaws.com'
  AND eventName = 'SetRepositoryPolicy'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(json_extract_string(requestParameters, '$.policyText'), '"Principal"\s*:\s*("\*"|\{\s*"AWS"\s*:\s*\[?\s*"\*")')
