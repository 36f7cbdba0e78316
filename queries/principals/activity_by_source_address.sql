-- title: Source addresses, who used them, and how much they did
-- description: One row for each address outside AWS's services. Several principals behind one foreign address, or one
--   address in several accounts, tie parts of an incident together.
-- parameter: address TEXT = %  part of the address
SELECT
    sourceIPAddress,
    count(*) AS calls,
    count(*) FILTER (readOnly = false) AS changes,
    count(*) FILTER (regexp_matches(errorCode, '(?i)accessdenied|unauthorized')) AS refused,
    count(DISTINCT coalesce(recipientAccountId, userIdentity.accountId)) AS accounts,
    count(DISTINCT actor(userIdentity)) AS actors,
    count(DISTINCT nullif(userIdentity.accessKeyId, '')) AS access_keys,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    array_to_string(list(DISTINCT actor(userIdentity) ORDER BY actor(userIdentity))[:3], ', ') AS up_to_three_actors
FROM events
WHERE regexp_matches(sourceIPAddress, '^(\d+\.\d+\.\d+\.\d+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$')
  AND sourceIPAddress ILIKE '%' || $address || '%'
GROUP BY sourceIPAddress
ORDER BY calls DESC, sourceIPAddress
