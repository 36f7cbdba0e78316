-- title: A database was deleted without a last snapshot
-- severity: high
-- attack: T1485
-- description: Nothing is left to restore it from, but automated backups.
-- quiet when: the call failed; an AWS service made it for itself; a last snapshot is made
-- misses: the same by other means than this call
-- false positives: test databases
-- source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
SELECT * FROM events
WHERE eventSource = 'rds.amazonaws.com'
  AND eventName IN ('DeleteDBInstance', 'DeleteDBCluster')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND json_extract_string(requestParameters, '$.skipFinalSnapshot') = 'true'
