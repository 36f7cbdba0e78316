-- title: A grant on a key was given to a principal of another account
-- severity: medium
-- attack: T1098
-- description: A grant lets it use the key without being in its policy.
-- quiet when: the call failed; an AWS service made it for itself; the principal is of the same account, or a service
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html
SELECT * FROM events
WHERE eventSource = 'kms.amazonaws.com'
  AND eventName = 'CreateGrant'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_extract(json_extract_string(requestParameters, '$.granteePrincipal'), 'arn:aws[a-z-]*:(?:iam|sts)::(\d{12})', 1) NOT IN ('', coalesce(recipientAccountId, ''))
