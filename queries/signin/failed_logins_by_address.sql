-- title: Failed console sign-ins per source address
-- description: Addresses that try many users guess passwords; `successes` tells whether one of them got in from there.
--   AWS hides names that do not exist, so several may stand behind HIDDEN_DUE_TO_SECURITY_REASONS.
SELECT
    sourceIPAddress,
    count(*) FILTER (outcome = 'Failure') AS failures,
    count(*) FILTER (outcome = 'Success') AS successes,
    count(DISTINCT user_name) FILTER (outcome = 'Failure') AS users,
    count(DISTINCT account) FILTER (outcome = 'Failure') AS accounts,
    min(eventTime) FILTER (outcome = 'Failure') AS first_failure,
    max(eventTime) FILTER (outcome = 'Failure') AS last_failure,
    array_to_string(list(DISTINCT user_name ORDER BY user_name) FILTER (outcome = 'Failure')[:5], ', ')
        AS up_to_five_users
FROM (
    SELECT
        sourceIPAddress, eventTime,
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        coalesce(userIdentity.userName, userIdentity.arn, userIdentity.principalId, 'unknown') AS user_name,
        json_extract_string(responseElements, '$.ConsoleLogin') AS outcome
    FROM events
    WHERE eventSource = 'signin.amazonaws.com'
      AND eventName = 'ConsoleLogin'
)
GROUP BY sourceIPAddress
HAVING count(*) FILTER (outcome = 'Failure') > 0
ORDER BY failures DESC, sourceIPAddress
