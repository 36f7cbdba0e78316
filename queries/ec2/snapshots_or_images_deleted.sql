-- title: A snapshot, volume or image was deleted
-- severity: low
-- attack: T1485, T1490
-- description: Backups go before the data does.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: clean-up of old snapshots
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSnapshot.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName IN ('DeleteSnapshot', 'DeleteVolume', 'DeregisterImage')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
