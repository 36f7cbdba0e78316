-- title: Changes of Lambda functions
-- description: Code, configuration, permissions, URLs, triggers and layers. Lambda's event names carry an API date,
--   such as UpdateFunctionCode20150331v2; it is taken off here.
-- parameter: function TEXT = %  part of the function's name
SELECT
    eventTime,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    awsRegion,
    actor(userIdentity) AS actor,
    sourceIPAddress,
    regexp_replace(eventName, '\d{8}(v\d)?$', '') AS change,
    regexp_replace(coalesce(
        json_extract_string(requestParameters, '$.functionName'),
        json_extract_string(requestParameters, '$.layerName'),
        json_extract_string(requestParameters, '$.resource')
    ), '^arn:[^:]*:lambda:[^:]*:\d*:(function|layer):', '') AS function,
    json_extract_string(requestParameters, '$.principal') AS allowed_principal,
    errorCode,
    eventID
FROM events
WHERE eventSource = 'lambda.amazonaws.com'
  AND readOnly IS DISTINCT FROM true
  AND managementEvent IS DISTINCT FROM false
  AND coalesce(requestParameters, '') ILIKE '%' || $function || '%'
ORDER BY eventTime, account, eventID
