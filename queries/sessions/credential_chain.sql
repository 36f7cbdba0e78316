-- title: From which key to which key: chains of credentials
-- description: Follows keys from the one that was used to the ones it was given (AssumeRole, GetFederationToken,
--   CreateAccessKey and the like), up to ten steps. Calls that were refused give no key and end a chain; so do logs
--   that miss a step.
-- parameter: access_key TEXT = %  part of the id of the key to start from
WITH RECURSIVE edges AS (
    SELECT
        userIdentity.accessKeyId AS from_key,
        coalesce(
            json_extract_string(responseElements, '$.credentials.accessKeyId'),
            json_extract_string(responseElements, '$.accessKey.accessKeyId')
        ) AS to_key,
        min(eventTime) AS issued_at,
        min(eventName) AS issued_by,
        min(actor(userIdentity)) AS from_actor
    FROM events
    WHERE eventSource IN (
              'sts.amazonaws.com', 'iam.amazonaws.com', 'signin.amazonaws.com', 'cognito-identity.amazonaws.com'
          )
      AND responseElements IS NOT NULL
      AND userIdentity.accessKeyId <> ''
    GROUP BY from_key, to_key
    HAVING to_key <> ''
),
chains AS (
    SELECT 1 AS steps, [from_key, to_key] AS keys, from_actor AS first_actor, issued_at, issued_by
    FROM edges
    WHERE from_key ILIKE '%' || $access_key || '%'
      AND ($access_key <> '%' OR from_key NOT IN (SELECT to_key FROM edges))
    UNION ALL
    SELECT c.steps + 1, list_append(c.keys, e.to_key), c.first_actor, e.issued_at, e.issued_by
    FROM chains AS c JOIN edges AS e ON e.from_key = c.keys[-1]
    WHERE c.steps < 10 AND NOT list_contains(c.keys, e.to_key)
),
used AS (
    SELECT userIdentity.accessKeyId AS last_key, min(userIdentity.arn) AS last_arn, count(*) AS calls
    FROM events
    GROUP BY userIdentity.accessKeyId
)
SELECT
    steps,
    array_to_string(keys, ' > ') AS chain,
    first_actor,
    issued_by,
    issued_at,
    last_arn,
    coalesce(calls, 0) AS calls_with_last_key
FROM chains LEFT JOIN used ON last_key = keys[-1]
ORDER BY keys[1], issued_at, steps, chain
