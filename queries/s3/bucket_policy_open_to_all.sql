-- title: A bucket's policy lets everybody in
-- severity: high
-- attack: T1530, T1537
-- description: PutBucketPolicy with an Allow for the principal *, and no condition beside it.
-- quiet when: the call failed; an AWS service made it for itself; somebody is named, or a condition narrows it
-- misses: policies whose condition narrows nothing
-- false positives: public web sites
-- response: Put the policy back, switch the public access block on, look who has read since (object_access).
-- source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
SELECT * FROM events
WHERE eventSource = 's3.amazonaws.com'
  AND eventName = 'PutBucketPolicy'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(requestParameters, '"Effect"\s*:\s*\\?"?Allow|"Effect":"Allow"')
  AND regexp_matches(requestParameters, '"Principal"\s*:\s*("\*"|\{\s*"AWS"\s*:\s*\[?\s*"\*")')
  AND NOT regexp_matches(requestParameters, '"Condition"')
