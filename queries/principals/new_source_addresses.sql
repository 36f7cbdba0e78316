-- title: Addresses a principal used for the first time in the last days
-- description: Principals known before the last seven days of the lake (with --until: of the asked time) and the
--   addresses they had not used till then. Those from a network that is new as well (/16 of IPv4, /32 of IPv6) come
--   first.
-- parameter: days INTEGER = 7  how many days before the last event count as new
-- parameter: principal TEXT = %  part of the actor's ARN or name
WITH calls AS (
    SELECT
        actor(userIdentity) AS actor,
        sourceIPAddress, eventTime, readOnly, errorCode,
        coalesce(
            nullif(regexp_extract(sourceIPAddress, '^(\d+\.\d+)\.\d+\.\d+$', 1), '') || '.0.0/16',
            nullif(regexp_extract(sourceIPAddress, '^([0-9a-fA-F]+:[0-9a-fA-F]+):', 1), '') || '::/32'
        ) AS network,
        (SELECT max(eventTime) FROM events) - to_days($days) AS new_from
    FROM events
    WHERE actor(userIdentity) ILIKE '%' || $principal || '%'
),
known AS (
    SELECT *,
        min(eventTime) OVER (PARTITION BY actor) AS actor_since,
        min(eventTime) OVER (PARTITION BY actor, network) AS network_since,
        min(eventTime) OVER (PARTITION BY actor, sourceIPAddress) AS address_since
    FROM calls
    WHERE network IS NOT NULL
)
SELECT
    actor,
    sourceIPAddress,
    network_since >= new_from AS is_new_network,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    count(*) AS calls,
    count(*) FILTER (readOnly = false) AS changes,
    count(errorCode) AS failed
FROM known
WHERE actor_since < new_from AND address_since >= new_from
GROUP BY actor, sourceIPAddress, is_new_network
ORDER BY is_new_network DESC, first_event_time, actor, sourceIPAddress
