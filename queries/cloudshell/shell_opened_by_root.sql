-- title: A CloudShell was opened by root, or an IAM user
-- severity: low
-- attack: T1059.009
-- description: A shell in the browser, with the rights of whoever signed in.
-- quiet when: the call failed; an AWS service made it for itself; a role opens it
-- misses: the same by other means than this call
-- false positives: people who work that way
-- source: https://docs.aws.amazon.com/cloudshell/latest/userguide/logging-and-monitoring.html
SELECT * FROM events
WHERE eventSource = 'cloudshell.amazonaws.com'
  AND eventName IN ('CreateSession', 'CreateEnvironment')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND userIdentity.type IN ('Root', 'IAMUser')
