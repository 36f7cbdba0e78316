-- title: A root session was opened on a member account
-- severity: medium
-- attack: T1078.004
-- description: AssumeRoot: the organization's management account acts as root of a member.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: unlocking a bucket or queue policy
-- source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html
SELECT * FROM events
WHERE eventSource = 'sts.amazonaws.com'
  AND eventName = 'AssumeRoot'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
