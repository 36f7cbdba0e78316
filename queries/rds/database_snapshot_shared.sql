-- title: A database snapshot was shared with another account, or everybody
-- severity: high
-- attack: T1537
-- description: The whole database leaves the account.
-- quiet when: the call failed; an AWS service made it for itself; an account is taken away
-- misses: the same by other means than this call
-- false positives: sharing with an account of the organization
-- source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSnapshotAttribute.html
SELECT * FROM events
WHERE eventSource = 'rds.amazonaws.com'
  AND eventName IN ('ModifyDBSnapshotAttribute', 'ModifyDBClusterSnapshotAttribute')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND json_extract_string(requestParameters, '$.attributeName') = 'restore'
  AND json_array_length(requestParameters, '$.valuesToAdd') > 0
