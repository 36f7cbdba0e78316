-- title: A key's policy lets in another account, or everybody
-- severity: high
-- attack: T1098
-- description: Whoever is named may decrypt, from outside.
-- quiet when: the call failed; an AWS service made it for itself; only principals of the key's own account are named
-- misses: the same by other means than this call
-- false positives: keys shared in an organization
-- source: https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
SELECT * FROM events
WHERE eventSource = 'kms.amazonaws.com'
  AND eventName = 'PutKeyPolicy'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND (regexp_matches(json_extract_string(requestParameters, '$.policy'), '"AWS"\s*:\s*\[?\s*"\*"') AND NOT regexp_matches(json_extract_string(requestParameters, '$.policy'), '"Condition"')
      OR len(list_filter(
        regexp_extract_all(json_extract_string(requestParameters, '$.policy'), 'arn:aws[a-z-]*:(?:iam|sts)::(\d{12})', 1), lambda each: each <> coalesce(recipientAccountId, '')
      )) > 0)
