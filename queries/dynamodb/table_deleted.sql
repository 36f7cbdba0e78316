-- title: A table or its backup was deleted
-- severity: medium
-- attack: T1485, T1490
-- description: Data that exists nowhere else.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: test environments
-- source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html
SELECT * FROM events
WHERE eventSource = 'dynamodb.amazonaws.com'
  AND eventName IN ('DeleteTable', 'DeleteBackup')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
