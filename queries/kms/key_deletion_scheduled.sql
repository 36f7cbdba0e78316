-- title: A KMS key is to be deleted, or was disabled
-- severity: high
-- attack: T1485, T1486
-- cis: 4.7
-- description: What it encrypts is lost with it. There are days to cancel a deletion.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: keys of environments that are taken down
-- response: Cancel the deletion until you know what the key encrypts (key_use).
-- source: https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
SELECT * FROM events
WHERE eventSource = 'kms.amazonaws.com'
  AND eventName IN ('ScheduleKeyDeletion', 'DisableKey')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
