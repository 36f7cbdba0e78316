-- title: Failed console sign-ins, per user and source address
-- description: Wrong passwords, unknown user names and failed MFA. CloudTrail records them with
--   responseElements.ConsoleLogin = 'Failure' and without an errorCode.
-- source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
SELECT
    recipientAccountId,
    userIdentity.type AS user_type,
    coalesce(userIdentity.userName, userIdentity.arn, userIdentity.principalId) AS user_name,
    sourceIPAddress,
    count(*) AS failures,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    string_agg(DISTINCT errorMessage, '; ' ORDER BY errorMessage) AS error_messages
FROM events
WHERE eventSource = 'signin.amazonaws.com'
  AND eventName = 'ConsoleLogin'
  AND json_extract_string(responseElements, '$.ConsoleLogin') = 'Failure'
GROUP BY recipientAccountId, user_type, user_name, sourceIPAddress
ORDER BY failures DESC, last_event_time DESC, user_name, sourceIPAddress
