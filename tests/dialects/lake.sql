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
-- name: unnested resources by type
SELECT r.type, count(*) FROM $EDS_ID CROSS JOIN UNNEST(resources) AS r(accountid, type, arn, arnprefix) GROUP BY 1
-- name: resources under other names
SELECT owner, kind, substr(name, 1, 20) AS beginning, count(*) AS n FROM $EDS_ID AS e CROSS JOIN UNNEST(e.resources) AS touched (owner, kind, name, beginning_of_names) GROUP BY owner, kind, substr(name, 1, 20) ORDER BY n DESC, beginning
-- name: number out of a map
SELECT max(try_cast(element_at(requestParameters, 'maxResults') AS int)) AS most, count(element_at(requestParameters, 'maxResults')) AS asked FROM $EDS_ID
-- name: calls nobody makes any more
SELECT eventSource, eventName, max(eventTime) AS latest FROM $EDS_ID GROUP BY eventSource, eventName HAVING max(eventTime) < date_add('day', -9, timestamp '2026-10-10 00:00:00') ORDER BY latest, eventName
-- name: since a moving day
SELECT count(*) FROM $EDS_ID WHERE eventSource='ec2.amazonaws.com' AND eventTime > date_add('day', -9999, now())
-- name: one action or a list of them
SELECT eventName, flatten(transform(CAST(json_extract(doc, '$.Statement') AS array(json)), s -> CASE WHEN try(is_json_scalar(json_format(json_extract(s, '$.Action')))) THEN ARRAY[json_extract_scalar(s, '$.Action')] ELSE CAST(json_extract(s, '$.Action') AS array(varchar)) END)) AS all_of_them FROM (SELECT eventName, element_at(requestParameters, 'policyDocument') AS doc FROM $EDS_ID) WHERE json_array_length(json_extract(doc, '$.Statement')) >= 1 ORDER BY eventName
-- name: unnested words
SELECT ev.eventName, action FROM $EDS_ID as ev CROSS JOIN UNNEST(split(eventName, 'e')) as t (action) WHERE ev.eventName LIKE 'Put%Policy' AND action IN ('Put', 'y') ORDER BY ev.eventTime DESC, 2
-- name: a list of what is allowed
SELECT DISTINCT e.eventName FROM $EDS_ID e CROSS JOIN (VALUES '["iam:CreateUser", "iam:List", "cloudtrail:*"]') AS allowed (list) WHERE any_match(CAST(json_parse(list) AS array(varchar)), a -> starts_with(concat(split_part(e.eventSource, '.', 1), ':', e.eventName), replace(a, '*'))) ORDER BY 1
-- name: text as boolean
SELECT count(*) FROM $EDS_ID WHERE cast(useridentity.sessioncontext.attributes.mfaauthenticated as boolean) = false
-- name: a space before the bracket
SELECT errorMessage, count (*) AS n FROM $EDS_ID WHERE errorMessage LIKE '%not authorized%' GROUP BY errorMessage ORDER BY count (*) DESC, errorMessage LIMIT 8
-- name: what stands behind a word
SELECT split(errorMessage, ' on resource: ')[1] AS refused, count(*) AS n FROM $EDS_ID WHERE strpos(errorMessage, ' on resource: ') > 0 GROUP BY 1 ORDER BY n DESC, refused
-- name: order by the aggregate
SELECT userIdentity.arn, COUNT(*) AS c FROM $EDS_ID WHERE eventName = 'ConsoleLogin' GROUP BY userIdentity.arn ORDER BY count(*) DESC, 1
-- name: most busy days
SELECT date_trunc('day', eventtime), COUNT(*) AS c FROM $EDS_ID GROUP BY date_trunc('day', eventtime) ORDER BY count(*) DESC, 1
-- name: whole resources
SELECT resources FROM $EDS_ID WHERE element_at(resources, 1).arn LIKE '%key%' AND eventName = 'Decrypt'
-- name: json array get again
SELECT json_extract_scalar(json_array_get(element_at(requestParameters,'ipPermissions'),0),'$.ipProtocol') p FROM $EDS_ID WHERE eventName = 'AuthorizeSecurityGroupIngress'
-- name: whole maps
SELECT requestParameters FROM $EDS_ID WHERE eventName IN ('RunInstances', 'CreateUser', 'PutUserPolicy')
-- name: replace in a replace
SELECT replace(replace(awsRegion, '-'), 'east', 'E') AS short, count(*) AS n FROM $EDS_ID WHERE readOnly GROUP BY 1 ORDER BY n DESC, short
-- name: aggregate filter in having
SELECT awsRegion, array_agg(distinct eventSource) FILTER (WHERE errorCode IS NOT NULL) AS s FROM $EDS_ID WHERE readOnly = false GROUP BY awsRegion HAVING cardinality(array_agg(distinct eventSource)) = 1
-- name: map values of two keys
SELECT map_values(requestParameters) v FROM $EDS_ID WHERE eventName = 'AssumeRole' AND cardinality(requestParameters) = 2
-- name: lambda that reads another map
SELECT transform(filter(map_keys(requestParameters), k -> k LIKE 'role%'), k -> upper(k) || '=' || element_at(requestParameters, k)) AS x FROM $EDS_ID WHERE eventName = 'AssumeRole'
-- name: age of a session
SELECT userIdentity.sessionContext.attributes.creationDate AS d, date_diff('minute', userIdentity.sessionContext.attributes.creationDate, eventTime) AS age FROM $EDS_ID WHERE userIdentity.sessionContext.attributes.creationDate IS NOT NULL AND eventName LIKE 'Create%'
-- name: unnested numbers
SELECT t.n, e.eventName FROM $EDS_ID e CROSS JOIN UNNEST(sequence(1, 2)) AS t(n) WHERE e.eventName = 'StopLogging'
-- name: distinct rank
SELECT DISTINCT eventSource, rank() OVER (ORDER BY eventSource) r FROM $EDS_ID ORDER BY eventSource
-- name: frame of three rows
SELECT eventName, n, sum(n) OVER (PARTITION BY substr(eventName, 1, 1) ORDER BY n DESC, eventName ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) s FROM (SELECT eventName, count(*) n FROM $EDS_ID GROUP BY eventName) ORDER BY 1
-- name: unnested map entries
SELECT k, v, count(*) FROM $EDS_ID CROSS JOIN UNNEST(map_entries(requestParameters)) AS t(k, v) WHERE eventName = 'AssumeRole' GROUP BY k, v
-- name: json of a json text
SELECT json_format(json_extract(element_at(responseElements, 'credentials'), '$.accessKeyId')) FROM $EDS_ID WHERE eventName = 'AssumeRole'
-- name: columns of many kinds
SELECT eventID, userIdentity.principalId, userIdentity.sessionContext.sessionIssuer.userName, requestParameters, tlsDetails.cipherSuite FROM <event_data_store_id> WHERE eventName = 'StopLogging' -- all of them
-- name: keys of tags
SELECT json_extract_scalar(element_at(requestParameters, 'tagSet'), '$.items[0].key') AS first_key, min(eventTime) AS since FROM $EDS_ID WHERE eventName LIKE '%Tags' GROUP BY json_extract_scalar(element_at(requestParameters, 'tagSet'), '$.items[0].key') ORDER BY first_key
-- name: booleans in capitals
SELECT eventSource, count( * ) AS n FROM <event_data_store_id> WHERE readOnly=FALSE AND managementEvent=TRUE GROUP BY eventSource Having count(*)>50 Order by n Desc, eventSource
-- name: lists in lists
SELECT eventName, count(*) AS n FROM $EDS_ID WHERE sourceIPAddress IN (SELECT sourceIPAddress FROM $EDS_ID WHERE userIdentity.userName IN (SELECT element_at(requestParameters, 'userName') FROM $EDS_ID WHERE eventName = 'CreateAccessKey')) GROUP BY eventName ORDER BY n DESC, eventName LIMIT 12
-- name: union of two forms
SELECT 'ended' AS what, eventTime, json_extract_scalar(element_at(requestParameters, 'instancesSet'), '$.items[0].instanceId') AS id FROM $EDS_ID WHERE eventName = 'TerminateInstances' UNION ALL SELECT 'shared', eventTime, element_at(requestParameters, 'snapshotId') FROM $EDS_ID WHERE eventName = 'ModifySnapshotAttribute' ORDER BY eventTime DESC, id LIMIT 25
-- name: map as json and back
SELECT map_values(cast(json_extract(json_format(cast(requestParameters as json)), '$') as map(varchar, json))) v FROM $EDS_ID WHERE eventName = 'CreateUser'
-- name: filter of policy statements
SELECT eventName, transform(filter(ps, p -> cast(json_extract(p, '$.Effect') as varchar) = 'Allow'), p -> json_extract(p, '$.Action')) AS allowed FROM (SELECT eventName, cast(json_extract(element_at(requestParameters, 'policyDocument'), '$.Statement') as array(json)) AS ps FROM $EDS_ID WHERE element_at(requestParameters, 'policyDocument') IS NOT NULL) WHERE ps IS NOT NULL
-- name: literals with intervals
SELECT userIdentity.arn, eventTime FROM $EDS_ID WHERE eventTime > timestamp '2026-10-10 00:00:00' - interval '3' day AND eventTime < date '2026-10-10' AND eventName = 'ConsoleLogin'
-- name: shifted by hours
SELECT eventTime + interval '9' hour AS jst, eventName FROM $EDS_ID WHERE eventName = 'StopLogging'
-- name: having on days
SELECT date_format(eventTime, '%Y-%m-%d') d, count(*) n FROM $EDS_ID GROUP BY date_format(eventTime, '%Y-%m-%d') HAVING count(*) > 500 ORDER BY 1
-- name: unix time and back
SELECT from_unixtime(to_unixtime(eventTime)) t FROM $EDS_ID WHERE eventName = 'StopLogging'
-- name: time in many texts
SELECT to_iso8601(eventTime) t, cast(eventTime AS varchar) v, cast(eventTime AS date) d, year(eventTime) y, format_datetime(eventTime, 'HH') h FROM $EDS_ID WHERE eventName = 'StopLogging'
-- name: time in another zone
SELECT eventTime AT TIME ZONE 'Europe/Berlin' t FROM $EDS_ID WHERE eventName = 'StopLogging' ORDER BY eventTime
-- name: span of all events
SELECT max(eventTime) - min(eventTime) AS span FROM $EDS_ID
-- name: approximate distinct
SELECT eventName, approx_distinct(userIdentity.arn) > 1 AS many FROM $EDS_ID WHERE eventSource = 'iam.amazonaws.com' GROUP BY eventName
-- name: between of two forms
SELECT count(*) FROM $EDS_ID WHERE eventTime BETWEEN '2026-10-01' AND '2026-10-02 12:00:00'
-- name: cast to a day
SELECT count(*) FROM $EDS_ID WHERE cast(eventTime AS date) = date '2026-10-01'
-- name: days between
SELECT count(*) FROM $EDS_ID WHERE date(eventTime) BETWEEN date '2026-10-01' AND date '2026-10-02'
-- name: hour and day of week
SELECT hour(eventTime) h, day_of_week(eventTime) d, count(*) FROM $EDS_ID WHERE readOnly = false GROUP BY hour(eventTime), day_of_week(eventTime) HAVING count(*) > 50 ORDER BY 1, 2
-- name: map agg of groups
SELECT element_at(requestParameters, 'instanceType') t, element_at(map_agg(awsRegion, eventID), 'us-east-1') IS NULL FROM $EDS_ID WHERE eventName = 'RunInstances' GROUP BY 1
-- name: coalesce of map keys
SELECT coalesce(element_at(requestParameters, 'roleName'), element_at(requestParameters, 'roleArn'), 'none') r, count(*) FROM $EDS_ID WHERE eventSource IN ('sts.amazonaws.com', 'iam.amazonaws.com') GROUP BY coalesce(element_at(requestParameters, 'roleName'), element_at(requestParameters, 'roleArn'), 'none')
-- name: map filter by null
SELECT count(*) FROM $EDS_ID WHERE requestParameters IS NOT NULL AND cardinality(map_filter(requestParameters, (k, v) -> v IS NULL)) > 0
-- name: transformed values of a map
SELECT array_join(map_values(transform_values(requestParameters, (k, v) -> k || '=' || coalesce(v, 'null'))), '&') q FROM $EDS_ID WHERE eventName = 'StopLogging'
-- name: join within minutes
SELECT a.eventName, b.eventName FROM $EDS_ID a JOIN $EDS_ID b ON a.userIdentity.accessKeyId = b.userIdentity.accessKeyId AND b.eventTime > a.eventTime AND date_diff('minute', a.eventTime, b.eventTime) < 10 WHERE a.eventName = 'CreateUser'
-- name: above the average
SELECT t.arn, t.n FROM (SELECT userIdentity.arn arn, count(*) n FROM $EDS_ID WHERE errorCode IS NOT NULL GROUP BY userIdentity.arn) t WHERE t.n > (SELECT avg(n) FROM (SELECT count(*) n FROM $EDS_ID WHERE errorCode IS NOT NULL GROUP BY userIdentity.arn)) ORDER BY t.n DESC, t.arn
-- name: greatest of times
SELECT greatest(min(eventTime), timestamp '2026-10-01 00:00:00') g FROM $EDS_ID
-- name: the last moment
SELECT eventName FROM $EDS_ID WHERE eventTime = (SELECT max(eventTime) FROM $EDS_ID) ORDER BY 1
-- name: sums of conditions
SELECT eventSource, sum(if(errorCode IS NULL, 0, 1)) e, round(avg(if(errorCode IS NULL, 0, 1)), 3) a, min(length(userAgent)) m FROM $EDS_ID GROUP BY eventSource
-- name: lead and count over
SELECT eventName, lead(eventTime, 1) OVER (PARTITION BY userIdentity.arn ORDER BY eventTime, eventID) AS nxt, count(*) OVER (PARTITION BY userIdentity.arn) c FROM $EDS_ID WHERE eventSource = 'iam.amazonaws.com' ORDER BY eventTime, eventID LIMIT 30
-- name: range frame of an hour
SELECT eventName, eventTime, sum(1) OVER (ORDER BY eventTime RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) AS recent FROM $EDS_ID WHERE eventName = 'ConsoleLogin' ORDER BY eventTime, eventID LIMIT 30
-- name: first part of an address
SELECT sourceIPAddress, count(*) FROM $EDS_ID WHERE sourceIPAddress NOT LIKE '%.amazonaws.com' AND split_part(sourceIPAddress, '.', 1) IN ('10', '192') GROUP BY 1
