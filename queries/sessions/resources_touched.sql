-- title: Resources a principal or session touched
-- description: The resources CloudTrail names in `resources`, per principal, changes first; calls of AWS services are
--   left out. Not every service fills it in (EC2 does not): then read requestParameters, as session_timeline shows
--   them.
-- parameter: principal TEXT = %  part of the actor's or the session's ARN
-- parameter: access_key TEXT = %  part of the access key's id
-- parameter: objects TEXT = no  yes to see single S3 objects, not their buckets alone
WITH touched AS (
    SELECT
        actor(userIdentity) AS actor,
        eventName, readOnly, errorCode, eventTime,
        unnest(json_extract(resources, '$[*]')) AS item
    FROM events
    WHERE userIdentity.type IS DISTINCT FROM 'AWSService'
      AND userIdentity.invokedBy IS NULL
      AND concat_ws(' ', actor(userIdentity), userIdentity.arn) ILIKE '%' || $principal || '%'
      AND coalesce(userIdentity.accessKeyId, '') ILIKE '%' || $access_key || '%'
)
SELECT
    actor,
    coalesce(json_extract_string(item, '$.ARN'), json_extract_string(item, '$.ARNPrefix')) AS resource,
    min(json_extract_string(item, '$.type')) AS resource_type,
    count(*) AS calls,
    count(*) FILTER (readOnly = false) AS changes,
    count(errorCode) AS failed,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    array_to_string(list(DISTINCT eventName ORDER BY eventName)[:5], ', ') AS up_to_five_apis
FROM touched
WHERE $objects = 'yes' OR json_extract_string(item, '$.type') IS DISTINCT FROM 'AWS::S3::Object'
GROUP BY actor, resource
HAVING resource IS NOT NULL
ORDER BY changes DESC, calls DESC, actor, resource
