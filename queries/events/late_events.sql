-- title: Events that were delivered late or corrected
-- description: Events whose log file came more than an hour after them, and those CloudTrail itself marks:
--   DELIVERY_DELAY, SERVICE_OUTAGE, UPDATED_DATA (a correction of an earlier event). A report made before the delivery
--   did not know them. Delays are known for files under their original names only.
-- parameter: minutes INTEGER = 60  a longer delay is late
WITH delivered AS (
    SELECT uri, min(delivered_at) AS delivered_at
    FROM files
    GROUP BY uri
),
events_and_delays AS (
    SELECT e.*, date_diff('minute', e.eventTime, d.delivered_at) AS delay_minutes
    FROM events AS e LEFT JOIN delivered AS d ON d.uri = e.log_file
)
SELECT
    event_date,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    awsRegion,
    addendum.reason AS reason,
    count(*) AS events,
    max(delay_minutes) AS longest_delay_minutes,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time
FROM events_and_delays
WHERE delay_minutes > $minutes OR addendum.reason IS NOT NULL
GROUP BY event_date, account, awsRegion, reason
ORDER BY event_date, account, awsRegion, reason NULLS LAST
