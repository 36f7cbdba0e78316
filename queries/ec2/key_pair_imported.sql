-- title: A key pair was made or imported
-- severity: info
-- attack: T1098.004
-- description: Instances launched with it are its holder's.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImportKeyPair.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName IN ('ImportKeyPair', 'CreateKeyPair')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
