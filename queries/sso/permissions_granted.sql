-- title: Permissions were granted in Identity Center
-- severity: low
-- attack: T1098.003
-- description: An assignment, or a policy in a permission set, reaches every account it is for.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: onboarding
-- source: https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreateAccountAssignment.html
SELECT * FROM events
WHERE eventSource = 'sso.amazonaws.com'
  AND eventName IN ('CreateAccountAssignment', 'AttachManagedPolicyToPermissionSet', 'PutInlinePolicyToPermissionSet', 'AttachCustomerManagedPolicyReferenceToPermissionSet')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
