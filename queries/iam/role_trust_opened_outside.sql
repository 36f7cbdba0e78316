-- title: A role's trust policy was changed to let in another account, or everybody
-- severity: high
-- attack: T1098.003
-- description: UpdateAssumeRolePolicy or CreateRole with a principal that is everybody, or an account other than the
--   role's own. Whoever is named may take the role on from outside.
-- quiet when: the call failed; an AWS service made it for itself; only services, or principals of the role's own
--   account, are named
-- misses: federated principals and trust by organization id
-- false positives: vendors' roles, landing zones
-- response: Look who is let in, and whether the role was taken on since; put the trust policy back.
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName IN ('UpdateAssumeRolePolicy', 'CreateRole')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND (
      regexp_matches(json_extract_string(requestParameters, '$.policyDocument'), '"AWS"\s*:\s*\[?\s*"\*"')
      OR regexp_matches(json_extract_string(requestParameters, '$.assumeRolePolicyDocument'), '"AWS"\s*:\s*\[?\s*"\*"')
      OR len(list_filter(
        regexp_extract_all(coalesce(json_extract_string(requestParameters, '$.policyDocument'), json_extract_string(requestParameters, '$.assumeRolePolicyDocument'), ''), '(?:arn:aws[a-z-]*:(?:iam|sts)::|"AWS"\s*:\s*\[?\s*")(\d{12})', 1),
        lambda each: each <> coalesce(recipientAccountId, '')
      )) > 0
    )
