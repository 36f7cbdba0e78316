-- title: Who read, wrote and deleted under which prefix
-- description: Object calls by the first parts of the key, for buckets that hold many things. Listing calls have a
--   prefix instead of a key and count where they asked. Only where a trail records S3 data events.
-- parameter: bucket TEXT = %  part of the bucket's name
-- parameter: levels INTEGER = 2  how many parts of the key, between slashes
WITH calls AS (
    SELECT *,
        json_extract_string(requestParameters, '$.bucketName') AS bucket,
        coalesce(
            json_extract_string(requestParameters, '$.key'), json_extract_string(requestParameters, '$.prefix'), ''
        ) AS key
    FROM events
    WHERE eventSource = 's3.amazonaws.com'
      AND managementEvent = false
      AND coalesce(json_extract_string(requestParameters, '$.bucketName'), '') ILIKE '%' || $bucket || '%'
)
SELECT
    bucket,
    array_to_string(string_split(key, '/')[:least($levels, length(string_split(key, '/')) - 1)], '/') AS prefix,
    actor(userIdentity) AS actor,
    count(*) FILTER (readOnly) AS reads,
    count(*) FILTER (readOnly = false AND eventName NOT LIKE 'Delete%') AS writes,
    count(*) FILTER (eventName LIKE 'Delete%') AS deletes,
    count(errorCode) AS failed,
    count(DISTINCT key) AS keys,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM calls
GROUP BY bucket, prefix, actor
ORDER BY count(*) DESC, bucket NULLS LAST, prefix, actor
