-- title: Log files per account, Region and kind
-- description: What the lake was made of: files, records, copies, and files that could not be read. Ask `files` itself
--   for the reasons, and `trailql coverage` for hours without deliveries.
SELECT
    account,
    region,
    folder,
    status,
    count(*) AS files,
    sum(records)::BIGINT AS records,
    sum(rows_added)::BIGINT AS events,
    sum(duplicates_dropped)::BIGINT AS copies,
    min(first_event_time) AS first_event_time,
    max(last_event_time) AS last_event_time,
    max(delivered_at) AS last_delivery
FROM files
GROUP BY account, region, folder, status
ORDER BY account NULLS LAST, region NULLS LAST, folder NULLS LAST, status
