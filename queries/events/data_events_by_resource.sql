-- title: Data events per API and resource, the busiest first
-- description: What fills a trail that records data events (object reads, function invocations, table items). No rows
--   mean that no trail was told to record them.
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    eventSource,
    eventName,
    coalesce(
        json_extract_string(requestParameters, '$.bucketName'),
        json_extract_string(requestParameters, '$.tableName'),
        json_extract_string(resources, '$[0].ARN')
    ) AS resource,
    count(*) AS events,
    count(errorCode) AS failed,
    count(DISTINCT actor(userIdentity)) AS actors,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM events
WHERE managementEvent = false
GROUP BY account, eventSource, eventName, resource
ORDER BY events DESC, account, eventSource, eventName, resource NULLS LAST
