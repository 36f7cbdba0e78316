-- title: Backups, a vault, or a vault's lock were deleted
-- severity: high
-- attack: T1490
-- description: Ransomware begins here.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: taking an environment down
-- source: https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteRecoveryPoint.html
SELECT * FROM events
WHERE eventSource = 'backup.amazonaws.com'
  AND eventName IN ('DeleteRecoveryPoint', 'DeleteBackupVault', 'DeleteBackupVaultLockConfiguration', 'DeleteBackupPlan')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
