-- title: An access key was created for another user
-- severity: medium
-- attack: T1098.001
-- description: A user created an access key for somebody else: the usual way to stay when the first credential is found.
-- quiet when: users make their own keys; a role does it (administration, provisioning); the call failed
-- misses: keys made by roles an attacker has taken over, and keys made for oneself
-- false positives: administrators who work with IAM users instead of roles
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html
SELECT *
FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName = 'CreateAccessKey'
  AND errorCode IS NULL
  AND userIdentity.type IN ('IAMUser', 'Root')
  AND json_extract_string(requestParameters, '$.userName') <> coalesce(userIdentity.userName, '')
