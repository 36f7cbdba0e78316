-- title: Console sign-in succeeded after repeated failures
-- severity: high
-- attack: T1110.001, T1078.004
-- description: A user signed in to the console from an address where the same user had failed several times shortly before:
--   a guessed password.
-- quiet when: there were fewer failures (people mistype), or they came from another address, or long before
-- misses: failures from other addresses than the success; users whose name AWS hid because it did not exist
-- false positives: a person who had forgotten the password and tried all they could think of
-- source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
-- lookback: 2h
-- parameter: failures INTEGER = 3  failed sign-ins before the success
-- parameter: within_minutes INTEGER = 60  how long before the success they count
WITH sign_ins AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        coalesce(userIdentity.userName, userIdentity.arn, userIdentity.principalId) AS user_name,
        coalesce(userIdentity.arn, 'user:' || coalesce(userIdentity.accountId, '') || ':' || userIdentity.userName) AS actor,
        sourceIPAddress AS source_ip,
        eventTime, eventID, awsRegion,
        json_extract_string(responseElements, '$.ConsoleLogin') AS outcome,
        json_extract_string(additionalEventData, '$.MFAUsed') AS mfa_used
    FROM events
    WHERE eventSource = 'signin.amazonaws.com' AND eventName = 'ConsoleLogin'
)
SELECT
    min(failed.eventTime) AS first_event_time,
    success.eventTime AS last_event_time,
    success.account,
    success.awsRegion AS region,
    success.actor,
    success.source_ip,
    list(failed.eventID ORDER BY failed.eventTime, failed.eventID) || [success.eventID] AS event_ids,
    count(*) AS failures_before,
    success.mfa_used
FROM sign_ins AS success
JOIN sign_ins AS failed
  ON failed.account = success.account
 AND failed.user_name = success.user_name
 AND failed.source_ip = success.source_ip
 AND failed.outcome = 'Failure'
 AND failed.eventTime <= success.eventTime
 AND failed.eventTime >= success.eventTime - to_minutes($within_minutes)
WHERE success.outcome = 'Success'
  -- Count from the sign-in before: a second success soon after is not a second finding.
  AND NOT EXISTS (
      SELECT 1 FROM sign_ins AS earlier
      WHERE earlier.outcome = 'Success'
        AND earlier.account = success.account
        AND earlier.user_name = success.user_name
        AND earlier.source_ip = success.source_ip
        AND earlier.eventTime >= failed.eventTime
        AND (earlier.eventTime, earlier.eventID) < (success.eventTime, success.eventID)
  )
GROUP BY success.account, success.eventTime, success.eventID, success.awsRegion, success.actor, success.source_ip, success.mfa_used
HAVING count(*) >= $failures
ORDER BY last_event_time, account, actor, source_ip
