-- title: An MFA device was registered for another user
-- severity: medium
-- attack: T1098.005
-- description: Whoever holds the second factor owns the sign-in.
-- quiet when: the call failed; an AWS service made it for itself; somebody registers their own device
-- misses: the same by other means than this call
-- false positives: helpdesk
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName = 'EnableMFADevice'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND json_extract_string(requestParameters, '$.userName') IS DISTINCT FROM userIdentity.userName
