-- title: An MFA device was removed
-- severity: medium
-- attack: T1556.006
-- description: Without a second factor a stolen password is enough.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: people who change their phone: a new device follows within minutes
-- response: Look whether a new device follows; ask the user.
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeactivateMFADevice.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName IN ('DeactivateMFADevice', 'DeleteVirtualMFADevice')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
