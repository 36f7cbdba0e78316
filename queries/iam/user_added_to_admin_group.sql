-- title: A user was put into a group of administrators
-- severity: high
-- attack: T1098.003
-- description: AddUserToGroup for a group whose name says admin.
-- quiet when: the call failed; an AWS service made it for itself; the group's name does not say admin
-- misses: groups of administrators of another name
-- false positives: onboarding of administrators
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddUserToGroup.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName = 'AddUserToGroup'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(lower(json_extract_string(requestParameters, '$.groupName')), 'admin|poweruser|superuser')
