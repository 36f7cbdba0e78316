-- title: A function may be invoked by everybody, or another account
-- severity: high
-- attack: T1098, T1648
-- description: AddPermission for *, or for another account.
-- quiet when: the call failed; an AWS service made it for itself; a service or the function's own account may
-- misses: the same by other means than this call
-- false positives: functions shared in an organization
-- source: https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
SELECT * FROM events
WHERE eventSource = 'lambda.amazonaws.com'
  AND eventName = 'AddPermission20150331v2'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND (json_extract_string(requestParameters, '$.principal') = '*' OR (regexp_matches(json_extract_string(requestParameters, '$.principal'), '\d{12}') AND regexp_extract(json_extract_string(requestParameters, '$.principal'), '(\d{12})', 1) <> coalesce(recipientAccountId, '')))
