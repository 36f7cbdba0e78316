-- title: Tags set and removed, the newest first
-- description: Who tagged what, in any service. Tags decide access where policies look at them (aws:ResourceTag), and
--   tell whose a resource was after it is gone.
-- parameter: resource TEXT = %  part of the resource's ARN, id or name
SELECT
    eventTime,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    awsRegion,
    actor(userIdentity) AS actor,
    eventSource,
    eventName,
    coalesce(
        nullif(array_to_string(json_extract_string(requestParameters, '$.resourcesSet.items[*].resourceId'), ', '), ''),
        json_extract_string(requestParameters, '$.resourceArn'),
        json_extract_string(requestParameters, '$.resourceARN'),
        json_extract_string(requestParameters, '$.resource'),
        json_extract_string(requestParameters, '$.resourceName'),
        json_extract_string(requestParameters, '$.bucketName'),
        json_extract_string(requestParameters, '$.userName'),
        json_extract_string(requestParameters, '$.roleName'),
        json_extract_string(resources, '$[0].ARN')
    ) AS resource,
    coalesce(
        json_extract_string(requestParameters, '$.tagSet.items'),
        json_extract_string(requestParameters, '$.tags'),
        json_extract_string(requestParameters, '$.tagKeys'),
        json_extract_string(requestParameters, '$.Tagging')
    ) AS tags,
    errorCode,
    eventID
FROM events
WHERE readOnly IS DISTINCT FROM true
  AND regexp_matches(eventName, '^(Tag|Untag)[A-Z]|Tags([A-Z]|$)|Tagging')
  AND concat_ws(' ', requestParameters, resources) ILIKE '%' || $resource || '%'
ORDER BY eventTime DESC, account, eventID
