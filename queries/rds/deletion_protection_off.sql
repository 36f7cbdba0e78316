-- title: A database's deletion protection was switched off
-- severity: medium
-- attack: T1485
-- description: The step before its deletion.
-- quiet when: the call failed; an AWS service made it for itself; it is switched on
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
SELECT * FROM events
WHERE eventSource = 'rds.amazonaws.com'
  AND eventName IN ('ModifyDBInstance', 'ModifyDBCluster', 'ModifyGlobalCluster')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND json_extract_string(requestParameters, '$.deletionProtection') = 'false'
