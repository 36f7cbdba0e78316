-- title: An IAM user was made
-- severity: low
-- attack: T1136.003
-- description: A user has long-lived credentials. Organizations that sign in through an identity provider make few of
--   them.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: users of Identity Center and of directories
-- false positives: onboarding, tools that make users
-- response: Ask who made it and what for; look at its keys, policies and groups.
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName = 'CreateUser'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
