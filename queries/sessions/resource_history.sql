-- title: Everything that happened to one resource
-- description: Calls that name it in request, answer or resources, in order; only those that change something, unless
--   reads are asked for. Unless a resource is named, the trails' own history. Ids are safer than names: a name may be
--   part of others.
-- parameter: resource TEXT = :trail/  part of an ARN, id or name, such as i-0123456789abcdef0
-- parameter: reads TEXT = no  yes to see calls that only read, too
SELECT
    eventTime,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    actor(userIdentity) AS actor,
    sourceIPAddress,
    eventSource,
    eventName,
    errorCode,
    requestParameters,
    eventID
FROM events
WHERE ($reads = 'yes' OR readOnly IS DISTINCT FROM true)
  AND concat_ws(' ', requestParameters, responseElements, resources) ILIKE '%' || $resource || '%'
ORDER BY eventTime, account, eventID
