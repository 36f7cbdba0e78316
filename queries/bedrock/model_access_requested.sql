-- title: Access to foundation models was asked for or granted
-- severity: medium
-- attack: T1496.004, T1526
-- description: People who steal credentials open models for themselves.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: the first use of a model
-- source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-access.html
SELECT * FROM events
WHERE eventSource = 'bedrock.amazonaws.com'
  AND eventName IN ('PutFoundationModelEntitlement', 'CreateFoundationModelAgreement', 'PutUseCaseForModelAccess')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
