-- title: Console sign-ins, per user, source address and second factor
-- description: Who signed in from where, and how often they failed there. `mfa` is what CloudTrail saw: for federated
--   users the identity provider may have asked for a second factor, and CloudTrail says No.
-- parameter: user TEXT = %  part of the user's or role's name
SELECT
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    userIdentity.type AS user_type,
    coalesce(userIdentity.userName, userIdentity.arn, userIdentity.principalId) AS user_name,
    sourceIPAddress,
    coalesce(json_extract_string(additionalEventData, '$.MFAUsed'), 'unknown') AS mfa,
    count(*) FILTER (json_extract_string(responseElements, '$.ConsoleLogin') = 'Success') AS successes,
    count(*) FILTER (json_extract_string(responseElements, '$.ConsoleLogin') = 'Failure') AS failures,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM events
WHERE eventSource = 'signin.amazonaws.com'
  AND eventName = 'ConsoleLogin'
  AND coalesce(userIdentity.userName, userIdentity.arn, userIdentity.principalId, '') ILIKE '%' || $user || '%'
GROUP BY account, user_type, user_name, sourceIPAddress, mfa
ORDER BY account, user_name NULLS LAST, first_event_time, sourceIPAddress, mfa, user_type
