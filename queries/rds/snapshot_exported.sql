-- title: A database snapshot is exported to S3
-- severity: medium
-- attack: T1537
-- description: The tables leave the database as files.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: pipelines into a data lake
-- source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StartExportTask.html
SELECT * FROM events
WHERE eventSource = 'rds.amazonaws.com'
  AND eventName = 'StartExportTask'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
