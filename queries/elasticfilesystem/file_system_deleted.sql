-- title: A file system was deleted
-- severity: high
-- attack: T1485
-- description: With all files in it.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: test environments
-- source: https://docs.aws.amazon.com/efs/latest/ug/API_DeleteFileSystem.html
SELECT * FROM events
WHERE eventSource = 'elasticfilesystem.amazonaws.com'
  AND eventName = 'DeleteFileSystem'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
