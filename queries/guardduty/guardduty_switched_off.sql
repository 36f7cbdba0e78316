-- title: GuardDuty was switched off, or members taken from it
-- severity: high
-- attack: T1562.001
-- description: A service that watches the account stops.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: moving a service to another account or Region
-- response: Switch it on again; look at what the caller did next.
-- source: https://docs.aws.amazon.com/guardduty/latest/APIReference/API_DeleteDetector.html
SELECT * FROM events
WHERE eventSource = 'guardduty.amazonaws.com'
  AND eventName IN ('DeleteDetector', 'StopMonitoringMembers', 'DisassociateMembers', 'DeleteMembers', 'DisassociateFromMasterAccount', 'DisassociateFromAdministratorAccount')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
