-- title: Repeated failed console sign-ins of one user from one address
-- severity: medium
-- attack: T1110.001
-- description: Many failed sign-ins of the same user from the same source within minutes: someone guesses a password.
--   AWS hides user names that do not exist (HIDDEN_DUE_TO_SECURITY_REASONS); those of one address count together.
-- quiet when: the failures are fewer, or spread over more time; a sign-in of an identity provider failed there
-- misses: slow guessing, one guess for each of many users, guesses from changing addresses
-- source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
-- lookback: 1h
-- parameter: failures INTEGER = 5  failed sign-ins within the window
-- parameter: window_minutes INTEGER = 15  length of the window
WITH failures AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        coalesce(userIdentity.userName, userIdentity.arn, userIdentity.principalId, 'unknown') AS user_name,
        sourceIPAddress AS source_ip,
        eventTime, eventID, awsRegion, errorMessage
    FROM events
    WHERE eventSource = 'signin.amazonaws.com'
      AND eventName = 'ConsoleLogin'
      AND json_extract_string(responseElements, '$.ConsoleLogin') = 'Failure'
),
counted AS (
    SELECT *, count(*) OVER before AS in_window
    FROM failures
    WINDOW before AS (
        PARTITION BY account, user_name, source_ip ORDER BY eventTime
        RANGE BETWEEN to_minutes($window_minutes) PRECEDING AND CURRENT ROW
    )
),
-- An event belongs to a burst when a window that is full ends at it or soon after it.
in_burst AS (
    SELECT * FROM (
        SELECT *, max(in_window) OVER (
            PARTITION BY account, user_name, source_ip ORDER BY eventTime
            RANGE BETWEEN CURRENT ROW AND to_minutes($window_minutes) FOLLOWING
        ) AS fullest
        FROM counted
    )
    WHERE fullest >= $failures
),
numbered AS (
    SELECT *, count(*) FILTER (starts) OVER (PARTITION BY account, user_name, source_ip ORDER BY eventTime, eventID) AS burst
    FROM (
        SELECT *, coalesce(eventTime - lag(eventTime) OVER (
            PARTITION BY account, user_name, source_ip ORDER BY eventTime, eventID
        ) > to_minutes($window_minutes), true) AS starts
        FROM in_burst
    )
)
SELECT
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    account,
    CASE WHEN count(DISTINCT awsRegion) = 1 THEN any_value(awsRegion) END AS region,
    'user:' || coalesce(account, '') || ':' || user_name AS actor,
    source_ip,
    list(eventID ORDER BY eventTime, eventID) AS event_ids,
    count(*) AS failures,
    max(in_window) AS most_in_window,
    string_agg(DISTINCT errorMessage, '; ' ORDER BY errorMessage) AS error_messages
FROM numbered
GROUP BY account, user_name, source_ip, burst
ORDER BY first_event_time, account, actor, source_ip
