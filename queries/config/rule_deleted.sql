-- title: A rule of AWS Config was deleted
-- severity: low
-- attack: T1562.001
-- description: What it checked goes unchecked.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: changing the set of rules
-- source: https://docs.aws.amazon.com/config/latest/APIReference/API_DeleteConfigRule.html
SELECT * FROM events
WHERE eventSource = 'config.amazonaws.com'
  AND eventName IN ('DeleteConfigRule', 'DeleteOrganizationConfigRule', 'DeleteConformancePack')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
