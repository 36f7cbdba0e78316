-- title: An account left its organization, or tried to
-- severity: high
-- attack: T1562.001, T1070
-- description: Outside the organization its policies and trails no longer hold. A refused attempt is as telling.
-- quiet when: an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: an account that is handed over
-- source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_LeaveOrganization.html
SELECT * FROM events
WHERE eventSource = 'organizations.amazonaws.com'
  AND eventName = 'LeaveOrganization'
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
