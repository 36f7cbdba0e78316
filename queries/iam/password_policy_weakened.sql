-- title: The account's password policy was deleted or changed
-- severity: low
-- attack: T1556
-- description: A weaker policy makes guessing easier.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: setting up an account
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName IN ('DeleteAccountPasswordPolicy', 'UpdateAccountPasswordPolicy')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
