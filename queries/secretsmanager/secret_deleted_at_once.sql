-- title: A secret was deleted without days of grace
-- severity: medium
-- attack: T1485, T1531
-- description: ForceDeleteWithoutRecovery: it cannot be brought back.
-- quiet when: the call failed; an AWS service made it for itself; it can still be brought back
-- misses: the same by other means than this call
-- false positives: infrastructure code of test environments
-- source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html
SELECT * FROM events
WHERE eventSource = 'secretsmanager.amazonaws.com'
  AND eventName = 'DeleteSecret'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND json_extract_string(requestParameters, '$.forceDeleteWithoutRecovery') = 'true'
