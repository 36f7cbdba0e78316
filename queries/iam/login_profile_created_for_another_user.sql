-- title: A console password was set for another user
-- severity: medium
-- attack: T1098.001
-- description: Somebody gave a user a console password, or changed it. An attacker with IAM rights makes a quiet user
--   able to sign in that way.
-- quiet when: the call failed; an AWS service made it for itself; somebody sets their own password
-- misses: ChangePassword by the user itself
-- false positives: helpdesk that resets passwords
-- response: Ask the user and whoever set it; take the login profile away if nobody knows of it.
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateLoginProfile.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName IN ('CreateLoginProfile', 'UpdateLoginProfile')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND json_extract_string(requestParameters, '$.userName') IS DISTINCT FROM userIdentity.userName
