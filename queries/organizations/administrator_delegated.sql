-- title: An account was made delegated administrator, or a service trusted
-- severity: medium
-- attack: T1098
-- description: That account, or service, may act on the whole organization.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: setting up a security service
-- source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_RegisterDelegatedAdministrator.html
SELECT * FROM events
WHERE eventSource = 'organizations.amazonaws.com'
  AND eventName IN ('RegisterDelegatedAdministrator', 'EnableAWSServiceAccess')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
