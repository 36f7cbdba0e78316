-- title: A user gave itself more rights
-- severity: high
-- attack: T1098.003
-- description: PutUserPolicy, AttachUserPolicy or AddUserToGroup for the caller itself: a right to write policies
--   becomes all rights.
-- quiet when: the call failed; an AWS service made it for itself; it is for another user
-- misses: a detour by another user or a role
-- false positives: administrators who are users
-- response: Take the policy away and the key with it; look at what the user did since.
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName IN ('PutUserPolicy', 'AttachUserPolicy', 'AddUserToGroup')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND userIdentity.type = 'IAMUser'
  AND json_extract_string(requestParameters, '$.userName') = userIdentity.userName
