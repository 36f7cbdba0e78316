-- title: An instance or image was exported to S3
-- severity: medium
-- attack: T1537
-- description: The disk leaves EC2 as a file.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: migrations
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateInstanceExportTask.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName IN ('CreateInstanceExportTask', 'ExportImage', 'CreateStoreImageTask')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
