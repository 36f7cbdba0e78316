-- title: A user, key or login profile was deleted
-- severity: low
-- attack: T1070
-- description: Attackers remove what they made. So do administrators: look at what the user had done.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: offboarding, rotated keys
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName IN ('DeleteUser', 'DeleteAccessKey', 'DeleteLoginProfile')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
