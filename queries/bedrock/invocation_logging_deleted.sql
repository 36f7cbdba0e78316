-- title: Logging of model invocations was deleted
-- severity: high
-- attack: T1562.008
-- description: What models are asked goes unrecorded; people who use somebody else's models do this first.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_DeleteModelInvocationLoggingConfiguration.html
SELECT * FROM events
WHERE eventSource = 'bedrock.amazonaws.com'
  AND eventName = 'DeleteModelInvocationLoggingConfiguration'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
