-- title: A layer was added to a function by an IAM user's key
-- severity: medium
-- attack: T1525, T1546
-- description: A layer runs inside the function, with its role.
-- quiet when: the call failed; an AWS service made it for itself; no layer is named, or a role deploys
-- misses: the same by other means than this call
-- false positives: developers who deploy with their own keys
-- source: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
SELECT * FROM events
WHERE eventSource = 'lambda.amazonaws.com'
  AND eventName = 'UpdateFunctionConfiguration20150331v2'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND userIdentity.type = 'IAMUser'
  AND json_array_length(requestParameters, '$.layers') > 0
