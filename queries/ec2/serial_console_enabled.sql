-- title: Serial console access was enabled for the account
-- severity: medium
-- attack: T1021.008
-- description: A way into instances past their network.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: mending an instance that does not boot
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableSerialConsoleAccess.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName = 'EnableSerialConsoleAccess'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
