-- title: Objects that were deleted, one by one
-- description: Each DeleteObject and DeleteObjects. DeleteObjects names no keys; where the trail does not leave them
--   out, a DeleteObject for each key stands beside it. With versioning and no version id, the object is hidden, not
--   gone.
-- parameter: bucket TEXT = %  part of the bucket's name
-- parameter: key TEXT = %  part of the key
SELECT
    eventTime,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    json_extract_string(requestParameters, '$.bucketName') AS bucket,
    json_extract_string(requestParameters, '$.key') AS key,
    json_extract_string(requestParameters, '$.versionId') AS version_id,
    actor(userIdentity) AS actor,
    sourceIPAddress,
    eventName,
    errorCode,
    eventID
FROM events
WHERE eventSource = 's3.amazonaws.com'
  AND eventName IN ('DeleteObject', 'DeleteObjects')
  AND coalesce(json_extract_string(requestParameters, '$.bucketName'), '') ILIKE '%' || $bucket || '%'
  AND coalesce(json_extract_string(requestParameters, '$.key'), '') ILIKE '%' || $key || '%'
ORDER BY eventTime, account, eventID
