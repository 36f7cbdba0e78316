-- title: An event data store was deleted, or its ingestion stopped
-- severity: high
-- attack: T1562.008
-- description: CloudTrail Lake goes blind.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: moving away from CloudTrail Lake
-- source: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DeleteEventDataStore.html
SELECT * FROM events
WHERE eventSource = 'cloudtrail.amazonaws.com'
  AND eventName IN ('DeleteEventDataStore', 'StopEventDataStoreIngestion')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
