-- title: A policy of the organization was detached, changed or its type disabled
-- severity: high
-- attack: T1562.001
-- description: Service control policies are the fence around accounts.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: planned work on policies
-- source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_DetachPolicy.html
SELECT * FROM events
WHERE eventSource = 'organizations.amazonaws.com'
  AND eventName IN ('DetachPolicy', 'UpdatePolicy', 'DeletePolicy', 'DisablePolicyType')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
