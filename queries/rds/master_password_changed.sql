-- title: A database's master password was changed
-- severity: low
-- attack: T1556
-- description: Whoever sets it is in the database.
-- quiet when: the call failed; an AWS service made it for itself; something else is changed
-- misses: the same by other means than this call
-- false positives: rotation
-- source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
SELECT * FROM events
WHERE eventSource = 'rds.amazonaws.com'
  AND eventName IN ('ModifyDBInstance', 'ModifyDBCluster')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(requestParameters, '"masterUserPassword"')
