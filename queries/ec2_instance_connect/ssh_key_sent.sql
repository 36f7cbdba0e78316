-- title: A key was sent to an instance
-- severity: low
-- attack: T1021.004
-- description: EC2 Instance Connect puts a key on an instance for a minute.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: people who work that way
-- source: https://docs.aws.amazon.com/ec2-instance-connect/latest/APIReference/API_SendSSHPublicKey.html
SELECT * FROM events
WHERE eventSource = 'ec2-instance-connect.amazonaws.com'
  AND eventName = 'SendSSHPublicKey'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
