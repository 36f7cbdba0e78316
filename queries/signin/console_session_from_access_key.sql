-- title: An access key was turned into a console session
-- severity: low
-- attack: T1078.004, T1550.001
-- description: GetSigninToken by a user or role that has keys: tools of attackers and of developers do it.
-- quiet when: the call failed; an AWS service made it for itself; Identity Center opens the console
-- misses: the same by other means than this call
-- false positives: aws-vault and the like
-- source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
SELECT * FROM events
WHERE eventSource = 'signin.amazonaws.com'
  AND eventName = 'GetSigninToken'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND coalesce(userIdentity.sessionContext.sessionIssuer.arn, '') NOT LIKE '%/aws-reserved/sso.amazonaws.com/%'
