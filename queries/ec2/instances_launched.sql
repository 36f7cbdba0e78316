-- title: EC2 instances launched, per principal, Region and type
-- description: What RunInstances started, in instances (of the answer), with failed attempts. Large or GPU types in a
--   Region nobody works in is what stolen keys are used for. Where the request names a launch template, only the
--   answer has the type.
-- parameter: principal TEXT = %  part of the actor's ARN or name
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    awsRegion,
    actor(userIdentity) AS actor,
    coalesce(
        json_extract_string(responseElements, '$.instancesSet.items[0].instanceType'),
        json_extract_string(requestParameters, '$.instanceType')
    ) AS instance_type,
    count(*) AS calls,
    coalesce(sum(length(json_extract(responseElements, '$.instancesSet.items[*].instanceId'))), 0)::BIGINT AS instances,
    count(errorCode) AS failed,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    min(errorCode) AS one_error
FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName = 'RunInstances'
  AND actor(userIdentity) ILIKE '%' || $principal || '%'
GROUP BY account, awsRegion, actor, instance_type
ORDER BY first_event_time, account, awsRegion, actor, instance_type NULLS LAST
