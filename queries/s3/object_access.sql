-- title: Who read, wrote and deleted objects, per bucket
-- description: Object calls per bucket and principal, with bytes as S3 counted them. Only where a trail records S3
--   data events; a copy counts as a write of its target.
-- parameter: bucket TEXT = %  part of the bucket's name
-- parameter: principal TEXT = %  part of the actor's ARN or name
SELECT
    json_extract_string(requestParameters, '$.bucketName') AS bucket,
    actor(userIdentity) AS actor,
    count(*) FILTER (eventName IN ('GetObject', 'HeadObject', 'SelectObjectContent')) AS reads,
    count(*) FILTER (eventName IN (
        'PutObject', 'CopyObject', 'UploadPart', 'UploadPartCopy', 'CompleteMultipartUpload', 'RestoreObject'
    )) AS writes,
    count(*) FILTER (eventName IN ('DeleteObject', 'DeleteObjects')) AS deletes,
    count(errorCode) AS failed,
    count(DISTINCT json_extract_string(requestParameters, '$.key')) AS objects,
    TRY_CAST(
        sum(TRY_CAST(json_extract_string(additionalEventData, '$.bytesTransferredOut') AS BIGINT)) AS BIGINT
    ) AS bytes_out,
    count(DISTINCT sourceIPAddress) AS addresses,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM events
WHERE eventSource = 's3.amazonaws.com'
  AND managementEvent = false
  AND coalesce(json_extract_string(requestParameters, '$.bucketName'), '') ILIKE '%' || $bucket || '%'
  AND actor(userIdentity) ILIKE '%' || $principal || '%'
GROUP BY bucket, actor
ORDER BY reads + writes + deletes DESC, bucket NULLS LAST, actor
