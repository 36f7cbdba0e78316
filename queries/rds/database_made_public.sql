-- title: A database was made reachable from the Internet
-- severity: high
-- attack: T1190
-- description: PubliclyAccessible true.
-- quiet when: the call failed; an AWS service made it for itself; it stays private
-- misses: the same by other means than this call
-- false positives: test databases
-- source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
SELECT * FROM events
WHERE eventSource = 'rds.amazonaws.com'
  AND eventName IN ('ModifyDBInstance', 'CreateDBInstance', 'RestoreDBInstanceFromDBSnapshot')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND json_extract_string(requestParameters, '$.publiclyAccessible') = 'true'
