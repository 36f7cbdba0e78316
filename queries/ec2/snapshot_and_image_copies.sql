-- title: Snapshots and images copied, exported or restored
-- description: Ways a disk's or a database's content travels: copies (also into other Regions and under other keys),
--   exports to S3, images of instances. Plain backups (CreateSnapshot) are left out; they would bury the rest.
SELECT
    eventTime,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    awsRegion,
    actor(userIdentity) AS actor,
    sourceIPAddress,
    eventName,
    coalesce(
        json_extract_string(requestParameters, '$.sourceSnapshotId'),
        json_extract_string(requestParameters, '$.sourceImageId'),
        json_extract_string(requestParameters, '$.sourceDBSnapshotIdentifier'),
        json_extract_string(requestParameters, '$.sourceDBClusterSnapshotIdentifier'),
        json_extract_string(requestParameters, '$.sourceArn'),
        json_extract_string(requestParameters, '$.snapshotId'),
        json_extract_string(requestParameters, '$.imageId'),
        json_extract_string(requestParameters, '$.instanceId'),
        json_extract_string(requestParameters, '$.dBSnapshotIdentifier')
    ) AS copied,
    json_extract_string(requestParameters, '$.sourceRegion') AS source_region,
    json_extract_string(requestParameters, '$.kmsKeyId') AS kms_key,
    errorCode,
    eventID
FROM events
WHERE eventSource IN ('ec2.amazonaws.com', 'rds.amazonaws.com')
  AND (
      regexp_matches(eventName, '^(Copy(Snapshot|Image|DB.*Snapshot)|RestoreDB.*Snapshot|SharedSnapshot.*)$')
      OR eventName IN (
          'CreateImage', 'ExportImage', 'CreateInstanceExportTask', 'CreateStoreImageTask', 'StartExportTask',
          'RestoreSnapshotFromRecycleBin'
      )
  )
ORDER BY eventTime, account, eventID
