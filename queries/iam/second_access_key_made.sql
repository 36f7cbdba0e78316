-- title: A user made another access key for itself
-- severity: low
-- attack: T1098.001
-- description: Rotation looks the same; after a break-in it is how to stay.
-- quiet when: the call failed; an AWS service made it for itself; it is for another user
--   (access_key_created_for_another_user)
-- misses: the same by other means than this call
-- false positives: rotation
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName = 'CreateAccessKey'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND userIdentity.type = 'IAMUser'
  AND coalesce(json_extract_string(requestParameters, '$.userName'), userIdentity.userName) = userIdentity.userName
