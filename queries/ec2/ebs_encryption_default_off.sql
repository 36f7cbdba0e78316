-- title: Encryption of new EBS volumes by default was switched off
-- severity: medium
-- attack: T1562.001
-- description: New disks and their snapshots are readable by whoever gets them.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisableEbsEncryptionByDefault.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName = 'DisableEbsEncryptionByDefault'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
