-- title: A dormant access key was made active again
-- severity: medium
-- attack: T1098.001
-- description: UpdateAccessKey to Active for another user's key: an old key comes back to life.
-- quiet when: the call failed; an AWS service made it for itself; a key is made inactive, or somebody's own key is
--   changed
-- misses: the same by other means than this call
-- false positives: a rollback after rotating keys
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName = 'UpdateAccessKey'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND json_extract_string(requestParameters, '$.status') = 'Active'
  AND json_extract_string(requestParameters, '$.userName') IS DISTINCT FROM userIdentity.userName
