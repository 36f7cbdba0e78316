-- title: A secret's policy lets in another account, or everybody
-- severity: high
-- attack: T1555.006, T1098
-- description: Whoever is named may read the secret from outside.
-- quiet when: the call failed; an AWS service made it for itself; only its own account is named
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html
SELECT * FROM events
WHERE eventSource = 'secretsmanager.amazonaws.com'
  AND eventName = 'PutResourcePolicy'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND (regexp_matches(json_extract_string(requestParameters, '$.resourcePolicy'), '"(AWS|Principal)"\s*:\s*\[?\s*"\*"')
      OR len(list_filter(
        regexp_extract_all(json_extract_string(requestParameters, '$.resourcePolicy'), 'arn:aws[a-z-]*:(?:iam|sts)::(\d{12})', 1), lambda each: each <> coalesce(recipientAccountId, '')
      )) > 0)
