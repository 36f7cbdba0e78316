-- title: An access key of the root user was made
-- severity: critical
-- attack: T1098.001
-- description: A key of the root user can do everything and cannot be confined. There is no good reason for one.
-- quiet when: the call failed; an IAM user makes a key
-- misses: the same by other means than this call
-- response: Delete the key, change the root password, look at everything root has done.
-- source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user_manage_add-key.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName = 'CreateAccessKey'
  AND errorCode IS NULL
  AND userIdentity.type = 'Root'
