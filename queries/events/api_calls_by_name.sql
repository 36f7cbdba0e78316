-- title: API calls counted per eventSource and eventName since a date
-- description: What an account does, and how often.
-- parameter: from_date TIME = 1970-01-01  first day or time that counts, UTC
SELECT eventSource, eventName, count(*) AS apiCount
FROM events
WHERE eventTime >= $from_date::TIMESTAMPTZ
GROUP BY eventSource, eventName
ORDER BY apiCount DESC, eventSource, eventName
