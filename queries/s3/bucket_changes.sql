-- title: Changes to buckets and their settings
-- description: Buckets made and deleted, and changes of policy, ACL, encryption, versioning, lifecycle, logging,
--   replication and public access block. A lifecycle rule can delete as surely as DeleteObject, only later.
-- parameter: bucket TEXT = %  part of the bucket's name
SELECT
    eventTime,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    awsRegion,
    json_extract_string(requestParameters, '$.bucketName') AS bucket,
    eventName,
    actor(userIdentity) AS actor,
    sourceIPAddress,
    errorCode,
    requestParameters,
    eventID
FROM events
WHERE eventSource = 's3.amazonaws.com'
  AND readOnly IS DISTINCT FROM true
  AND managementEvent IS DISTINCT FROM false
  AND coalesce(json_extract_string(requestParameters, '$.bucketName'), '') ILIKE '%' || $bucket || '%'
ORDER BY eventTime, account, eventID
