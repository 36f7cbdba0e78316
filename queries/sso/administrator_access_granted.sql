-- title: Administrator access was put into a permission set
-- severity: high
-- attack: T1098.003
-- description: Everybody assigned to it becomes an administrator.
-- quiet when: the call failed; an AWS service made it for itself; the policy is a lesser one
-- misses: the same by other means than this call
-- false positives: setting up Identity Center
-- source: https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_AttachManagedPolicyToPermissionSet.html
SELECT * FROM events
WHERE eventSource = 'sso.amazonaws.com'
  AND eventName = 'AttachManagedPolicyToPermissionSet'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(json_extract_string(requestParameters, '$.managedPolicyArn'), '(AdministratorAccess|IAMFullAccess|PowerUserAccess)$')
