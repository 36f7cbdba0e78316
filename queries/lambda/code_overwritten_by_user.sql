-- title: A function's code was overwritten by an IAM user's key
-- severity: medium
-- attack: T1525, T1098
-- description: Deployments come from roles; a user's long-lived key that changes code is worth a look.
-- quiet when: the call failed; an AWS service made it for itself; a role deploys
-- misses: the same by other means than this call
-- false positives: developers who deploy with their own keys
-- source: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html
SELECT * FROM events
WHERE eventSource = 'lambda.amazonaws.com'
  AND eventName = 'UpdateFunctionCode20150331v2'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND userIdentity.type = 'IAMUser'
