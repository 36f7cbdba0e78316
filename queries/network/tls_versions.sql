-- title: TLS versions, and who still uses old ones
-- description: Calls per TLS version, service and program; TLS 1.0 and 1.1 come first. Events without tlsDetails
--   (calls by AWS services, older records) are left out.
-- parameter: version TEXT = %  part of the version, such as TLSv1.2
SELECT
    tlsDetails.tlsVersion AS tls_version,
    eventSource,
    regexp_extract(userAgent, '^\[?(AWS Internal|[^\s,\]]+)', 1) AS program,
    count(*) AS calls,
    count(DISTINCT actor(userIdentity)) AS actors,
    count(DISTINCT sourceIPAddress) AS addresses,
    max(eventTime) AS last_event_time,
    min(actor(userIdentity)) AS one_actor
FROM events
WHERE tlsDetails.tlsVersion ILIKE '%' || $version || '%'
GROUP BY tls_version, eventSource, program
ORDER BY tls_version, calls DESC, eventSource, program NULLS LAST
