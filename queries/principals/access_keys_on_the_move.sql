-- title: Access keys used from several networks
-- description: Keys and sessions whose calls came from more than one network (/16 of IPv4, /32 of IPv6): travel, a
--   VPN, or a stolen credential used beside its owner. AWS services calling on behalf of the key do not count.
-- parameter: networks INTEGER = 2  least number of networks
WITH calls AS (
    SELECT
        userIdentity.accessKeyId AS access_key,
        actor(userIdentity) AS actor,
        sourceIPAddress, eventTime, awsRegion,
        coalesce(
            nullif(regexp_extract(sourceIPAddress, '^(\d+\.\d+)\.\d+\.\d+$', 1), '') || '.0.0/16',
            nullif(regexp_extract(sourceIPAddress, '^([0-9a-fA-F]+:[0-9a-fA-F]+):', 1), '') || '::/32'
        ) AS network
    FROM events
    WHERE userIdentity.accessKeyId <> ''
      AND userIdentity.invokedBy IS NULL
)
SELECT
    access_key,
    actor,
    count(DISTINCT network) AS networks,
    count(DISTINCT sourceIPAddress) AS addresses,
    count(*) AS calls,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    array_to_string(list(DISTINCT network ORDER BY network)[:5], ', ') AS up_to_five_networks
FROM calls
WHERE network IS NOT NULL
GROUP BY access_key, actor
HAVING count(DISTINCT network) >= $networks
ORDER BY networks DESC, calls DESC, access_key, actor
