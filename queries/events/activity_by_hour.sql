-- title: Activity by hour of the day and weekday, UTC
-- description: When people and roles work; AWS services that call on their own are left out. With a principal named,
--   calls in hours that are otherwise empty stand out.
-- parameter: principal TEXT = %  part of the actor's ARN or name
SELECT
    hour(eventTime) AS hour_utc,
    count(*) FILTER (isodow(eventTime) = 1) AS monday,
    count(*) FILTER (isodow(eventTime) = 2) AS tuesday,
    count(*) FILTER (isodow(eventTime) = 3) AS wednesday,
    count(*) FILTER (isodow(eventTime) = 4) AS thursday,
    count(*) FILTER (isodow(eventTime) = 5) AS friday,
    count(*) FILTER (isodow(eventTime) = 6) AS saturday,
    count(*) FILTER (isodow(eventTime) = 7) AS sunday
FROM events
WHERE userIdentity.type IS DISTINCT FROM 'AWSService'
  AND userIdentity.invokedBy IS NULL
  AND actor(userIdentity) ILIKE '%' || $principal || '%'
GROUP BY hour_utc
ORDER BY hour_utc
