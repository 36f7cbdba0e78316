-- title: A function got a URL that asks for no credentials
-- severity: high
-- attack: T1648, T1133
-- description: Anybody on the Internet may invoke it.
-- quiet when: the call failed; an AWS service made it for itself; the URL asks for IAM credentials
-- misses: the same by other means than this call
-- false positives: webhooks
-- source: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunctionUrlConfig.html
SELECT * FROM events
WHERE eventSource = 'lambda.amazonaws.com'
  AND eventName IN ('CreateFunctionUrlConfig', 'UpdateFunctionUrlConfig')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND json_extract_string(requestParameters, '$.authType') = 'NONE'
