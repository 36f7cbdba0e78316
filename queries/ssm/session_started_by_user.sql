-- title: A session was opened on an instance by an IAM user
-- severity: medium
-- attack: T1021.007, T1651
-- description: A shell on an instance, opened with a user's long-lived key.
-- quiet when: the call failed; an AWS service made it for itself; a role opens it
-- misses: the same by other means than this call
-- false positives: administrators with keys of their own
-- source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartSession.html
SELECT * FROM events
WHERE eventSource = 'ssm.amazonaws.com'
  AND eventName IN ('StartSession', 'ResumeSession')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND userIdentity.type = 'IAMUser'
