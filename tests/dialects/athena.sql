-- Queries as they are written for Athena's CloudTrail table. Answers, asked of a real Trino: athena.json
-- name: everything
SELECT count(*) FROM cloudtrail_logs
-- name: schema and quoted names
SELECT count(*) FROM "default"."cloudtrail_logs_pp"
-- name: anonymous access
SELECT eventtime, useridentity.accountid, sourceipaddress FROM cloudtrail_logs WHERE useridentity.accountid = 'anonymous' ORDER BY eventtime, eventid LIMIT 10
-- name: iso text range
SELECT useridentity.arn, eventname, sourceipaddress, eventtime FROM cloudtrail_logs WHERE eventsource = 'iam.amazonaws.com' AND eventtime >= '2026-10-11T00:00:00Z' AND eventtime < '2026-10-13T00:00:00Z' ORDER BY eventtime, eventid LIMIT 20
-- name: iso text prefix
SELECT count(*) FROM cloudtrail_logs WHERE eventtime > '2026-10-01' AND eventtime <= '2026-10-03'
-- name: text with a space
SELECT count(*) FROM cloudtrail_logs WHERE eventtime >= '2026-10-01 12:00:00' AND eventtime < '2026-10-02 12:00:00'
-- name: text equal to a day
SELECT count(*) FROM cloudtrail_logs WHERE eventtime = '2026-10-01'
-- name: text like
SELECT count(*) FROM cloudtrail_logs WHERE eventtime LIKE '2026-10-0%'
-- name: substr of time
SELECT substr(eventtime, 1, 10) AS day, count(*) AS n FROM cloudtrail_logs GROUP BY substr(eventtime, 1, 10) ORDER BY day
-- name: from iso
SELECT date_trunc('hour', from_iso8601_timestamp(eventtime)) AS h, count(*) AS n FROM cloudtrail_logs WHERE from_iso8601_timestamp(eventtime) > timestamp '2026-10-13 00:00:00' GROUP BY 1 ORDER BY 1
-- name: date parse
SELECT date_diff('hour', min(date_parse(eventtime, '%Y-%m-%dT%H:%i:%sZ')), max(date_parse(eventtime, '%Y-%m-%dT%H:%i:%sZ'))) AS hours FROM cloudtrail_logs
-- name: parse datetime
SELECT count(*) FROM cloudtrail_logs WHERE parse_datetime(eventtime, 'yyyy-MM-dd''T''HH:mm:ss''Z''') BETWEEN parse_datetime('2026-10-01:00:00', 'yyyy-MM-dd:HH:mm') AND parse_datetime('2026-10-02:00:00', 'yyyy-MM-dd:HH:mm')
-- name: cast to timestamp by replace
SELECT count(*) FROM cloudtrail_logs WHERE cast(replace(replace(eventtime, 'T', ' '), 'Z', '') AS timestamp) > timestamp '2026-10-10 00:00:00'
-- name: day of week
SELECT day_of_week(from_iso8601_timestamp(eventtime)) AS d, count(*) FROM cloudtrail_logs GROUP BY 1 ORDER BY 1
-- name: extract
SELECT extract(hour FROM from_iso8601_timestamp(eventtime)) AS h, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' GROUP BY 1 ORDER BY 1
-- name: in another zone
SELECT format_datetime(from_iso8601_timestamp(eventtime) AT TIME ZONE 'America/New_York', 'yyyy-MM-dd HH') AS local, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' GROUP BY 1 ORDER BY 1 LIMIT 10
-- name: bucket of an object call
SELECT json_extract_scalar(requestparameters, '$.bucketName') AS bucket, json_extract_scalar(requestparameters, '$.key') AS object, count(*) AS n FROM cloudtrail_logs WHERE eventsource = 's3.amazonaws.com' AND eventname = 'GetObject' GROUP BY 1, 2 ORDER BY n DESC, bucket, object LIMIT 10
-- name: json extract is json
SELECT json_extract(requestparameters, '$.bucketName') AS bucket, count(*) FROM cloudtrail_logs WHERE json_extract_scalar(requestparameters, '$.bucketName') IS NOT NULL GROUP BY json_format(json_extract(requestparameters, '$.bucketName')), json_extract(requestparameters, '$.bucketName') ORDER BY 2 DESC, json_format(json_extract(requestparameters, '$.bucketName'))
-- name: cast of json extract
SELECT cast(json_extract(requestparameters, '$.roleArn') AS varchar) AS role, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'AssumeRole' GROUP BY 1 ORDER BY n DESC, role LIMIT 10
-- name: scalar of an object is null
SELECT count(*) AS all_of_them, count(json_extract_scalar(responseelements, '$.credentials')) AS objects, count(json_extract(responseelements, '$.credentials')) AS there FROM cloudtrail_logs WHERE eventname = 'AssumeRole'
-- name: like on parameters
SELECT count(*) FROM cloudtrail_logs WHERE requestparameters LIKE '%"bucketName"%'
-- name: readonly is text
SELECT readonly, count(*) AS n FROM cloudtrail_logs WHERE readonly = 'false' OR readonly IS NULL GROUP BY readonly ORDER BY n DESC
-- name: partition of a day
SELECT count(*) FROM cloudtrail_logs WHERE "timestamp" >= '2026/10/01' AND "timestamp" < '2026/10/05'
-- name: partitions year month day
SELECT region, count(*) AS n FROM cloudtrail_logs WHERE year = '2026' AND month = '10' AND day IN ('01', '02') GROUP BY region ORDER BY n DESC, region
-- name: partition between
SELECT day, count(*) AS n FROM cloudtrail_logs WHERE year = '2026' AND month = '09' AND day BETWEEN '20' AND '22' AND region = 'us-east-1' GROUP BY day ORDER BY day
-- name: unnest resources with one name
SELECT resource.arn, count(*) AS n FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(arn, accountid, type) CROSS JOIN UNNEST(ARRAY[ROW(t.arn)]) AS u(resource_arn) CROSS JOIN (SELECT 1 AS one) CROSS JOIN (SELECT cast(ROW('x') AS row(arn varchar)) AS resource) GROUP BY resource.arn
-- name: unnest resources
SELECT t.arn, t.type, count(*) AS n FROM cloudtrail_logs AS c CROSS JOIN UNNEST(c.resources) AS t(arn, accountid, type) GROUP BY t.arn, t.type ORDER BY n DESC, t.arn LIMIT 10
-- name: resources left join
SELECT count(*) AS n, count(t.arn) AS with_resource FROM cloudtrail_logs c LEFT JOIN UNNEST(c.resources) AS t(arn, accountid, type) ON true
-- name: element of resources
SELECT element_at(resources, 1).arn AS arn, count(*) AS n FROM cloudtrail_logs WHERE cardinality(resources) > 0 GROUP BY element_at(resources, 1).arn ORDER BY n DESC, arn LIMIT 5
-- name: session issuer
SELECT useridentity.sessioncontext.sessionissuer.username AS role, count(*) AS n FROM cloudtrail_logs WHERE useridentity.type = 'AssumedRole' GROUP BY 1 ORDER BY n DESC, role LIMIT 10
-- name: creation date is text
SELECT useridentity.sessioncontext.attributes.creationdate AS made, count(*) AS n FROM cloudtrail_logs WHERE useridentity.sessioncontext.attributes.mfaauthenticated = 'true' GROUP BY 1 ORDER BY 1 LIMIT 5
-- name: console login json
SELECT useridentity.arn, json_extract_scalar(additionaleventdata, '$.MFAUsed') AS mfa, json_extract_scalar(responseelements, '$.ConsoleLogin') AS outcome, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' GROUP BY 1, 2, 3 ORDER BY n DESC, 1, 2, 3
-- name: security group json
SELECT eventname, json_extract_scalar(requestparameters, '$.groupId') AS sg, json_extract_scalar(requestparameters, '$.ipPermissions.items[0].ipRanges.items[0].cidrIp') AS cidr FROM cloudtrail_logs WHERE eventname LIKE '%SecurityGroupIngress' ORDER BY eventtime, sg
-- name: items as array of json
SELECT json_extract_scalar(item, '$.instanceId') AS instance FROM cloudtrail_logs CROSS JOIN UNNEST(cast(json_extract(requestparameters, '$.instancesSet.items') AS array(json))) AS t(item) WHERE eventname = 'TerminateInstances' ORDER BY 1
-- name: transform of json array
SELECT transform(cast(json_extract(requestparameters, '$.instancesSet.items') AS array(json)), x -> json_extract_scalar(x, '$.instanceId')) AS ids FROM cloudtrail_logs WHERE eventname = 'TerminateInstances' ORDER BY eventtime, eventid
-- name: json to row
SELECT cast(json_extract(responseelements, '$.credentials') AS row(accesskeyid varchar, expiration varchar)).accesskeyid AS issued FROM cloudtrail_logs WHERE eventname = 'AssumeRole' AND responseelements IS NOT NULL ORDER BY 1 LIMIT 3
-- name: json to map
SELECT cast(json_parse(requestparameters) AS map(varchar, json))['roleSessionName'] IS NOT NULL AS named, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'AssumeRole' GROUP BY 1 ORDER BY 1
-- name: errors with message
SELECT errorcode, regexp_extract(errormessage, 'perform: ([a-z0-9-]+:[A-Za-z]+)', 1) AS action, count(*) AS n FROM cloudtrail_logs WHERE errorcode IN ('AccessDenied', 'AccessDeniedException', 'Client.UnauthorizedOperation') GROUP BY 1, 2 ORDER BY n DESC, 1, 2
-- name: top talkers
SELECT sourceipaddress, approx_distinct(eventname) > 0 AS some, count(*) AS n FROM cloudtrail_logs WHERE NOT regexp_like(sourceipaddress, 'amazonaws\.com$') GROUP BY sourceipaddress ORDER BY n DESC, sourceipaddress LIMIT 10
-- name: split of arn
SELECT split_part(useridentity.arn, '/', 2) AS who, element_at(split(useridentity.arn, ':'), 5) AS account, count(*) AS n FROM cloudtrail_logs WHERE useridentity.arn IS NOT NULL GROUP BY 1, 2 ORDER BY n DESC, who, account LIMIT 10
-- name: concat
SELECT concat(eventsource, ':', eventname) AS api, eventsource || '/' || awsregion AS place FROM cloudtrail_logs WHERE eventname = 'DeleteBucket' ORDER BY eventtime, api
-- name: concat of null
SELECT count(useridentity.username || ':' || errorcode) AS both, count(*) AS n FROM cloudtrail_logs
-- name: max by
SELECT useridentity.username, max_by(sourceipaddress, eventtime) AS last_address, min_by(eventname, eventtime) AS first_call FROM cloudtrail_logs WHERE eventname = 'CreateAccessKey' GROUP BY useridentity.username ORDER BY 1
-- name: array agg of text
SELECT awsregion, array_join(array_agg(DISTINCT eventsource ORDER BY eventsource), ',') AS services FROM cloudtrail_logs WHERE readonly = 'false' GROUP BY awsregion ORDER BY awsregion
-- name: count if
SELECT eventsource, count_if(errorcode IS NOT NULL) AS errors, count(*) AS n, round(100.0 * count_if(errorcode IS NOT NULL) / count(*), 2) AS percent FROM cloudtrail_logs GROUP BY eventsource HAVING count_if(errorcode IS NOT NULL) > 0 ORDER BY errors DESC, eventsource
-- name: sum over
SELECT eventsource, count(*) AS n, count(*) * 100.0 / sum(count(*)) OVER () AS part FROM cloudtrail_logs GROUP BY eventsource ORDER BY n DESC, eventsource LIMIT 5
-- name: running total
SELECT day, n, sum(n) OVER (ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS total FROM (SELECT substr(eventtime, 1, 10) AS day, count(*) AS n FROM cloudtrail_logs GROUP BY 1) ORDER BY day LIMIT 5
-- name: listagg
SELECT useridentity.username, listagg(eventname, '|') WITHIN GROUP (ORDER BY eventtime, eventname) AS story FROM cloudtrail_logs WHERE eventsource = 'iam.amazonaws.com' AND readonly = 'false' AND useridentity.username IS NOT NULL GROUP BY useridentity.username ORDER BY 1
-- name: null ordering
SELECT errorcode, count(*) AS n FROM cloudtrail_logs GROUP BY errorcode ORDER BY errorcode DESC LIMIT 4
-- name: nulls first
SELECT DISTINCT errorcode FROM cloudtrail_logs ORDER BY errorcode ASC NULLS FIRST LIMIT 3
-- name: limit and offset
SELECT eventname FROM (SELECT DISTINCT eventname FROM cloudtrail_logs) ORDER BY eventname OFFSET 5 LIMIT 5
-- name: try
SELECT count(try(cast(json_extract_scalar(requestparameters, '$.maxResults') AS bigint))) AS n FROM cloudtrail_logs
-- name: coalesce of principals
SELECT coalesce(useridentity.username, useridentity.sessioncontext.sessionissuer.username, useridentity.invokedby, 'unknown') AS who, count(*) AS n FROM cloudtrail_logs GROUP BY 1 ORDER BY n DESC, who LIMIT 10
-- name: tls
SELECT tlsdetails.tlsversion, tlsdetails.clientprovidedhostheader, count(*) AS n FROM cloudtrail_logs WHERE tlsdetails.tlsversion IS NOT NULL GROUP BY 1, 2 ORDER BY n DESC, 2 LIMIT 5
-- name: now and interval
SELECT count(*) FROM cloudtrail_logs WHERE from_iso8601_timestamp(eventtime) < now() - interval '7' day
-- name: date cast
SELECT cast(from_iso8601_timestamp(eventtime) AS date) AS day, count(*) AS n FROM cloudtrail_logs GROUP BY 1 ORDER BY 1 LIMIT 5
-- name: date of text
SELECT date(substr(eventtime, 1, 10)) AS day, count(*) AS n FROM cloudtrail_logs GROUP BY 1 ORDER BY 1 DESC LIMIT 3
-- name: time to text
SELECT date_format(from_iso8601_timestamp(eventtime), '%Y-%m-%d %H:00') AS h, count(*) AS n FROM cloudtrail_logs WHERE eventname = 'GetSecretValue' GROUP BY 1 ORDER BY 1 LIMIT 10
-- name: unix time
SELECT to_unixtime(max(from_iso8601_timestamp(eventtime))) AS latest FROM cloudtrail_logs
-- name: intersect
SELECT sourceipaddress FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' INTERSECT SELECT sourceipaddress FROM cloudtrail_logs WHERE eventname = 'CreateAccessKey'
-- name: self join on session
SELECT a.eventname, count(*) AS n FROM cloudtrail_logs a INNER JOIN (SELECT useridentity.accesskeyid AS key FROM cloudtrail_logs WHERE eventname = 'StopLogging') b ON a.useridentity.accesskeyid = b.key GROUP BY a.eventname ORDER BY n DESC, a.eventname
-- name: vpc endpoints
SELECT vpcendpointid, count(*) AS n FROM cloudtrail_logs WHERE vpcendpointid IS NOT NULL GROUP BY vpcendpointid ORDER BY n DESC, vpcendpointid
-- name: map agg
SELECT element_at(map_agg(awsregion, n), 'us-east-1') AS virginia FROM (SELECT awsregion, count(*) AS n FROM cloudtrail_logs GROUP BY awsregion)
-- name: filter aggregate
SELECT count(*) FILTER (WHERE errorcode IS NULL) AS ok, count(*) FILTER (WHERE errorcode IS NOT NULL) AS failed FROM cloudtrail_logs
