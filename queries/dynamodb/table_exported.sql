-- title: A table is exported to S3
-- severity: medium
-- attack: T1537, T1530
-- description: The whole table leaves as files.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: pipelines into a data lake
-- source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html
SELECT * FROM events
WHERE eventSource = 'dynamodb.amazonaws.com'
  AND eventName = 'ExportTableToPointInTime'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
