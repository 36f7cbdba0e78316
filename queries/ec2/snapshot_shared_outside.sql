-- title: EBS snapshots shared with an account outside, or with everyone
-- severity: high
-- attack: T1537
-- description: A snapshot was made readable for everyone, or for an account whose own events the lake does not hold.
--   A disk's content leaves the organization that way.
-- quiet when: it was shared with an account of the organization (one the lake holds events of); the call failed
-- misses: AMIs and RDS snapshots; sharing by a re-encrypted copy into a known account
-- false positives: partners and vendors that get images this way
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySnapshotAttribute.html
-- lookback: 14d
WITH shared AS (
    SELECT
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        awsRegion AS region, sourceIPAddress AS source_ip, eventTime, eventID,
        json_extract_string(requestParameters, '$.snapshotId') AS snapshot_id,
        unnest(
            list_transform(
                TRY_CAST(json_extract(requestParameters, '$.createVolumePermission.add.items') AS JSON[]),
                lambda item: coalesce(json_extract_string(item, '$.userId'), json_extract_string(item, '$.group'))
            )
        ) AS shared_with
    FROM events
    WHERE eventSource = 'ec2.amazonaws.com'
      AND eventName = 'ModifySnapshotAttribute'
      AND errorCode IS NULL
)
SELECT
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    account,
    CASE WHEN count(DISTINCT region) = 1 THEN any_value(region) END AS region,
    actor,
    CASE WHEN count(DISTINCT source_ip) = 1 THEN any_value(source_ip) END AS source_ip,
    list(DISTINCT eventID ORDER BY eventID) AS event_ids,
    array_to_string(list(DISTINCT shared_with ORDER BY shared_with), ', ') AS shared_with,
    count(DISTINCT snapshot_id) AS snapshots,
    count(DISTINCT eventID) AS calls
FROM shared
WHERE shared_with NOT IN (SELECT DISTINCT recipientAccountId FROM events WHERE recipientAccountId IS NOT NULL)
  AND eventTime >= $since
GROUP BY account, actor, CAST(eventTime AS DATE)
ORDER BY first_event_time, account, actor
