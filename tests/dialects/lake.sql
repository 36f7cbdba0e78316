-- Queries as they are written for CloudTrail Lake. Answers, asked of a real Trino over the sample logs: lake.json
-- name: count of everything
SELECT count(*) FROM $EDS_ID
-- name: api counts
SELECT eventSource, eventName, COUNT(*) AS apiCount FROM 1234abcd-12ab-34cd-56ef-1234567890ab WHERE eventTime > '2026-09-20 00:00:00' GROUP BY eventSource, eventName ORDER BY apiCount DESC, eventSource, eventName LIMIT 20
-- name: by principal between two times
SELECT userIdentity.principalid, eventName, count(*) AS n FROM <event_data_store_id> WHERE userIdentity.principalid IS NOT NULL AND eventTime > '2026-10-01 00:00:00' AND eventTime < '2026-10-05 00:00:00' GROUP BY userIdentity.principalid, eventName ORDER BY n DESC, userIdentity.principalid, eventName LIMIT 15
-- name: console logins without mfa
SELECT eventTime, userIdentity.arn, sourceIPAddress, element_at(additionalEventData, 'MFAUsed') AS mfa FROM event_data_store_id WHERE eventName = 'ConsoleLogin' AND element_at(additionalEventData, 'MFAUsed') = 'No' AND element_at(responseElements, 'ConsoleLogin') = 'Success' ORDER BY eventTime, eventID
-- name: failed logins by user
SELECT element_at(responseElements, 'ConsoleLogin') AS outcome, userIdentity.userName, count(*) AS attempts FROM $EDS_ID WHERE eventSource = 'signin.amazonaws.com' GROUP BY element_at(responseElements, 'ConsoleLogin'), userIdentity.userName ORDER BY attempts DESC, 1, 2
-- name: who assumed which role
SELECT element_at(requestParameters, 'roleArn') AS role, count(*) AS times, max(eventTime) AS latest FROM $EDS_ID WHERE eventName = 'AssumeRole' AND errorCode IS NULL GROUP BY element_at(requestParameters, 'roleArn') ORDER BY times DESC, role LIMIT 10
-- name: issued keys
SELECT json_extract_scalar(element_at(responseElements, 'credentials'), '$.accessKeyId') AS issued, eventTime FROM $EDS_ID WHERE eventName = 'AssumeRole' AND element_at(responseElements, 'credentials') IS NOT NULL ORDER BY eventTime, issued LIMIT 10
-- name: top errors
SELECT errorCode, count(*) AS c FROM $EDS_ID WHERE errorCode IS NOT NULL AND eventTime >= timestamp '2026-09-14 00:00:00' GROUP BY errorCode ORDER BY c DESC, errorCode
-- name: access denied by role
SELECT userIdentity.sessionContext.sessionIssuer.arn AS role, eventName, count(*) AS denied FROM $EDS_ID WHERE errorCode LIKE '%AccessDenied%' OR errorCode LIKE '%Unauthorized%' GROUP BY userIdentity.sessionContext.sessionIssuer.arn, eventName HAVING count(*) > 1 ORDER BY denied DESC, role, eventName
-- name: root activity
SELECT eventTime, eventName, sourceIPAddress FROM $EDS_ID WHERE userIdentity.type = 'Root' AND userIdentity.invokedBy IS NULL AND eventType <> 'AwsServiceEvent' ORDER BY eventTime, eventName
-- name: weekend activity
SELECT day_of_week(eventTime) AS dow, count(*) AS n FROM $EDS_ID WHERE day_of_week(eventTime) IN (6, 7) GROUP BY day_of_week(eventTime) ORDER BY dow
-- name: off hours
SELECT hour(eventTime) AS h, count(DISTINCT userIdentity.arn) AS principals FROM $EDS_ID WHERE hour(eventTime) NOT BETWEEN 7 AND 19 GROUP BY hour(eventTime) ORDER BY h
-- name: events per day
SELECT date_trunc('day', eventTime) AS day, count(*) AS n FROM $EDS_ID GROUP BY date_trunc('day', eventTime) ORDER BY day
-- name: date function
SELECT date(eventTime) AS day, awsRegion, count(*) FROM $EDS_ID WHERE readOnly = false GROUP BY date(eventTime), awsRegion ORDER BY 1, 2
-- name: resources of kms
SELECT element_at(resources, 1).arn AS key, count(*) AS n FROM $EDS_ID WHERE eventSource = 'kms.amazonaws.com' AND cardinality(resources) > 0 GROUP BY element_at(resources, 1).arn ORDER BY n DESC, key
-- name: resources first type
SELECT resources[1].type AS kind, count(*) AS n FROM $EDS_ID WHERE resources IS NOT NULL AND cardinality(resources) > 0 GROUP BY resources[1].type ORDER BY n DESC, kind
-- name: unnest resources
SELECT r.arn, count(*) AS n FROM $EDS_ID CROSS JOIN UNNEST(resources) AS r(accountid, type, arn, arnprefix) GROUP BY r.arn ORDER BY n DESC, r.arn LIMIT 10
-- name: transform and filter resources
SELECT eventName, array_join(array_distinct(transform(resources, x -> x.type)), ',') AS types FROM $EDS_ID WHERE cardinality(filter(resources, x -> x.type = 'AWS::S3::Object')) > 0 GROUP BY eventName, array_join(array_distinct(transform(resources, x -> x.type)), ',') ORDER BY eventName, types
-- name: any match
SELECT count(*) FROM $EDS_ID WHERE any_match(resources, r -> r.arn LIKE 'arn:aws:s3:::%')
-- name: bucket of request
SELECT element_at(requestParameters, 'bucketName') AS bucket, count(*) AS n FROM $EDS_ID WHERE eventSource = 's3.amazonaws.com' AND element_at(requestParameters, 'bucketName') IS NOT NULL GROUP BY 1 ORDER BY n DESC, bucket
-- name: bracket subscript
SELECT requestParameters['bucketName'] AS bucket, eventName FROM $EDS_ID WHERE eventName IN ('PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl') ORDER BY eventTime, bucket
-- name: nested json of request
SELECT json_extract_scalar(element_at(requestParameters, 'instancesSet'), '$.items[0].instanceId') AS instance, eventName FROM $EDS_ID WHERE eventName IN ('TerminateInstances', 'StopInstances') ORDER BY eventTime, instance
-- name: all instances of a call
SELECT eventID, cardinality(CAST(json_extract(element_at(requestParameters, 'instancesSet'), '$.items') AS array(json))) AS instances FROM $EDS_ID WHERE eventName = 'TerminateInstances' ORDER BY instances DESC, eventID
-- name: instance ids unnested
SELECT json_extract_scalar(item, '$.instanceId') AS id, eventTime FROM $EDS_ID CROSS JOIN UNNEST(CAST(json_extract(element_at(requestParameters, 'instancesSet'), '$.items') AS array(json))) AS t(item) WHERE eventName = 'TerminateInstances' ORDER BY eventTime, id
-- name: map keys
SELECT array_join(array_sort(map_keys(requestParameters)), ',') AS keys, count(*) AS n FROM $EDS_ID WHERE eventName = 'AssumeRole' GROUP BY array_join(array_sort(map_keys(requestParameters)), ',') ORDER BY n DESC, keys
-- name: map values
SELECT count(*) FROM $EDS_ID WHERE contains(map_values(requestParameters), 'AdministratorAccess') OR any_match(map_values(requestParameters), v -> v LIKE '%AdministratorAccess%')
-- name: cardinality of a map
SELECT cardinality(requestParameters) AS keys, count(*) AS n FROM $EDS_ID WHERE requestParameters IS NOT NULL GROUP BY cardinality(requestParameters) ORDER BY keys
-- name: unnest a map
SELECT k, count(*) AS n FROM $EDS_ID CROSS JOIN UNNEST(additionalEventData) AS t(k, v) GROUP BY k ORDER BY n DESC, k
-- name: user agents
SELECT split_part(userAgent, '/', 1) AS agent, count(*) AS n FROM $EDS_ID WHERE userAgent IS NOT NULL GROUP BY split_part(userAgent, '/', 1) ORDER BY n DESC, agent LIMIT 10
-- name: regexp on agent
SELECT regexp_extract(userAgent, '^([A-Za-z0-9-]+)/([0-9.]+)', 2) AS version, count(*) AS n FROM $EDS_ID WHERE regexp_like(userAgent, '^aws-cli/') GROUP BY 1 ORDER BY n DESC, version
-- name: first and last seen
SELECT userIdentity.arn, min(eventTime) AS first_seen, max(eventTime) AS last_seen, date_diff('day', min(eventTime), max(eventTime)) AS days FROM $EDS_ID WHERE userIdentity.type = 'IAMUser' GROUP BY userIdentity.arn ORDER BY first_seen, userIdentity.arn
-- name: cross account
SELECT userIdentity.accountId AS caller, recipientAccountId AS account, count(*) AS n FROM $EDS_ID WHERE userIdentity.accountId <> recipientAccountId GROUP BY userIdentity.accountId, recipientAccountId ORDER BY n DESC, caller, account
-- name: tls versions
SELECT tlsDetails.tlsVersion, count(*) AS n FROM $EDS_ID WHERE tlsDetails.tlsVersion IS NOT NULL GROUP BY tlsDetails.tlsVersion ORDER BY n DESC
-- name: not exists in a region list
SELECT awsRegion, count(*) AS n FROM $EDS_ID WHERE awsRegion NOT IN ('us-east-1', 'eu-west-1') GROUP BY awsRegion ORDER BY n DESC, awsRegion
-- name: subquery of busiest principals
SELECT eventName, count(*) AS n FROM $EDS_ID WHERE userIdentity.arn IN (SELECT userIdentity.arn FROM $EDS_ID WHERE userIdentity.arn IS NOT NULL GROUP BY userIdentity.arn HAVING count(*) > 900) GROUP BY eventName ORDER BY n DESC, eventName LIMIT 10
-- name: from a subquery
SELECT t.day, max(t.n) AS most FROM (SELECT date_trunc('week', eventTime) AS day, eventName, count(*) AS n FROM $EDS_ID GROUP BY date_trunc('week', eventTime), eventName) AS t GROUP BY t.day ORDER BY t.day
-- name: rank over
SELECT * FROM (SELECT awsRegion, eventName, count(*) AS n, rank() OVER (PARTITION BY awsRegion ORDER BY count(*) DESC) AS place FROM $EDS_ID GROUP BY awsRegion, eventName) WHERE place <= 2 ORDER BY awsRegion, place, eventName
-- name: row number and lag
SELECT userIdentity.arn, eventTime, date_diff('minute', lag(eventTime) OVER (PARTITION BY userIdentity.arn ORDER BY eventTime, eventID), eventTime) AS gap FROM $EDS_ID WHERE eventName = 'CreateAccessKey' ORDER BY eventTime, 1
-- name: union of two questions
SELECT 'writes' AS what, count(*) AS n FROM $EDS_ID WHERE readOnly = false UNION ALL SELECT 'reads', count(*) FROM $EDS_ID WHERE readOnly = true ORDER BY what
-- name: except
SELECT userIdentity.arn FROM $EDS_ID WHERE eventTime >= '2026-10-08 00:00:00' AND userIdentity.arn IS NOT NULL EXCEPT SELECT userIdentity.arn FROM $EDS_ID WHERE eventTime < '2026-10-08 00:00:00' AND userIdentity.arn IS NOT NULL
-- name: join of sessions
SELECT count(*) FROM $EDS_ID a JOIN $EDS_ID b ON json_extract_scalar(element_at(a.responseElements, 'credentials'), '$.accessKeyId') = b.userIdentity.accessKeyId WHERE a.eventName = 'AssumeRole' AND b.errorCode IS NOT NULL
-- name: left join counts the missing
SELECT count(*) AS roles, count(b.arn) AS used FROM (SELECT DISTINCT element_at(requestParameters, 'roleArn') AS arn FROM $EDS_ID WHERE eventName = 'AssumeRole') a LEFT JOIN (SELECT DISTINCT userIdentity.sessionContext.sessionIssuer.arn AS arn FROM $EDS_ID) b ON a.arn = b.arn
-- name: case
SELECT CASE WHEN errorCode IS NULL THEN 'ok' WHEN errorCode LIKE '%Denied%' THEN 'denied' ELSE 'other' END AS outcome, count(*) AS n FROM $EDS_ID GROUP BY 1 ORDER BY n DESC
-- name: share of errors
SELECT count_if(errorCode IS NOT NULL) * 100.0 / count(*) AS percent, count_if(errorCode IS NOT NULL) * 100 / count(*) AS whole, round(cast(count_if(errorCode IS NOT NULL) AS double) / count(*), 4) AS part FROM $EDS_ID
-- name: approx distinct and arbitrary
SELECT count(DISTINCT sourceIPAddress) AS addresses, min_by(eventName, eventTime) AS first_call, max(eventTime) AS latest FROM $EDS_ID WHERE eventSource = 'iam.amazonaws.com' AND eventTime > '2026-10-11 00:00:00'
-- name: array agg
SELECT userIdentity.userName, array_join(array_sort(array_agg(DISTINCT eventName)), ', ') AS calls FROM $EDS_ID WHERE userIdentity.type = 'IAMUser' AND readOnly = false GROUP BY userIdentity.userName ORDER BY 1
-- name: strings of time
SELECT CAST(max(eventTime) AS varchar) AS latest, date_format(max(eventTime), '%Y-%m-%d %H:%i') AS short, to_iso8601(max(eventTime)) AS iso FROM $EDS_ID
-- name: time arithmetic
SELECT count(*) FROM $EDS_ID WHERE eventTime > date_add('day', -7, timestamp '2026-10-14 00:00:00') AND eventTime <= timestamp '2026-10-14 00:00:00' - interval '1' day
-- name: between text literals
SELECT count(*) FROM $EDS_ID WHERE eventTime BETWEEN '2026-10-01 00:00:00.000' AND '2026-10-02 12:30:00.000'
-- name: greatest and least
SELECT greatest(min(eventTime), timestamp '2026-09-20 00:00:00') AS a, least(max(eventTime), timestamp '2026-10-01 00:00:00') AS b FROM $EDS_ID
-- name: distinct from
SELECT count(*) FROM $EDS_ID WHERE userIdentity.accountId IS DISTINCT FROM recipientAccountId
-- name: security group rules
SELECT json_extract_scalar(element_at(requestParameters, 'ipPermissions'), '$.items[0].ipRanges.items[0].cidrIp') AS cidr, element_at(requestParameters, 'groupId') AS sg FROM $EDS_ID WHERE eventName = 'AuthorizeSecurityGroupIngress' ORDER BY eventTime, sg
-- name: json array get
SELECT json_extract_scalar(json_array_get(json_extract(element_at(requestParameters, 'instancesSet'), '$.items'), 0), '$.instanceId') AS first_one FROM $EDS_ID WHERE eventName = 'TerminateInstances' ORDER BY eventTime, 1
-- name: replace in arn
SELECT replace(element_at(requestParameters, 'policyArn'), 'arn:aws:iam::aws:policy/') AS policy, count(*) AS n FROM $EDS_ID WHERE element_at(requestParameters, 'policyArn') IS NOT NULL GROUP BY 1 ORDER BY n DESC, policy
-- name: mixed case identifiers
select EVENTNAME, UserIdentity.Type, COUNT(*) from $EDS_ID where EVENTSOURCE = 'iam.amazonaws.com' group by eventname, useridentity.type order by 3 desc, 1, 2 limit 5
-- name: lower and like
SELECT count(*) FROM $EDS_ID WHERE lower(userAgent) LIKE '%python%' OR lower(userAgent) LIKE '%boto%'
-- name: creation date of the session
SELECT userIdentity.sessionContext.attributes.creationDate AS made, eventTime, date_diff('minute', userIdentity.sessionContext.attributes.creationDate, eventTime) AS age FROM $EDS_ID WHERE userIdentity.sessionContext.attributes.mfaAuthenticated = 'true' ORDER BY eventTime, eventID LIMIT 5
-- name: insight of management events
SELECT managementEvent, readOnly, eventCategory, count(*) AS n FROM $EDS_ID GROUP BY managementEvent, readOnly, eventCategory ORDER BY n DESC
-- name: grouping sets
SELECT awsRegion, readOnly, count(*) AS n FROM $EDS_ID WHERE awsRegion LIKE 'eu-%' GROUP BY GROUPING SETS ((awsRegion, readOnly), (awsRegion), ()) ORDER BY awsRegion, readOnly, n
-- name: with clause
WITH calls AS (SELECT eventName, sourceIPAddress FROM $EDS_ID WHERE eventSource = 'sts.amazonaws.com'), busy (address, n) AS (SELECT sourceIPAddress, count(*) FROM calls GROUP BY sourceIPAddress) SELECT * FROM busy ORDER BY n DESC, address LIMIT 5
-- name: two columns of one name
SELECT userIdentity.arn, userIdentity.sessionContext.sessionIssuer.arn FROM $EDS_ID WHERE eventName = 'StopLogging' ORDER BY eventTime
-- name: is it a service
SELECT userIdentity.invokedBy, count(*) AS n FROM $EDS_ID WHERE userIdentity.type = 'AWSService' GROUP BY userIdentity.invokedBy ORDER BY n DESC, 1
-- name: addendum
SELECT count(*) FROM $EDS_ID WHERE addendum IS NOT NULL
-- name: exists
SELECT count(*) FROM $EDS_ID a WHERE a.eventName = 'CreateAccessKey' AND EXISTS (SELECT 1 FROM $EDS_ID b WHERE b.userIdentity.accessKeyId = json_extract_scalar(element_at(a.responseElements, 'accessKey'), '$.accessKeyId'))
-- name: json map to json
SELECT json_extract_scalar(json_format(CAST(requestParameters AS json)), '$.roleSessionName') AS session, count(*) AS n FROM $EDS_ID WHERE eventName = 'AssumeRole' GROUP BY 1 ORDER BY n DESC, 1 LIMIT 5
-- name: transform map values
SELECT cardinality(map_filter(requestParameters, (k, v) -> v LIKE 'arn:%')) AS arns, count(*) AS n FROM $EDS_ID WHERE requestParameters IS NOT NULL GROUP BY 1 ORDER BY 1
-- name: histogram
SELECT count(*) AS n, count(errorCode) AS errors, sum(CASE WHEN readOnly THEN 1 ELSE 0 END) AS reads, avg(CASE WHEN readOnly THEN 1.0 ELSE 0.0 END) AS part FROM $EDS_ID
-- name: multi line with comment
-- a comment first
/* and another */
SELECT
    eventName,
    sourceIPAddress -- where from
FROM
    $EDS_ID
WHERE
    eventName = 'DeleteTrail' OR eventName = 'StopLogging'
ORDER BY
    eventTime;
