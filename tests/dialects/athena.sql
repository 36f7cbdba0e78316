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
-- name: partition after a formatted day
SELECT count(*) FROM cloudtrail_logs WHERE timestamp >= date_format(date '2026-10-02' - interval '1' day, '%Y/%m/%d')
-- name: text after a formatted time
SELECT count(*) FROM cloudtrail_logs WHERE eventtime >= DATE_FORMAT(date '2026-10-02' - INTERVAL '7' DAY, '%Y-%m-%dT%H:%i:%sZ')
-- name: camel case and date add
SELECT count(*) FROM cloudtrail_logs WHERE eventTime > date_format(date_add('day', -7, timestamp '2026-10-10 00:00:00'), '%Y-%m-%dT%H:%i:%sZ')
-- name: from role to role
WITH issued AS (SELECT json_extract_scalar(responseelements, '$.credentials.accessKeyId') AS key, json_extract_scalar(requestparameters, '$.roleArn') AS role, useridentity.accesskeyid AS by_key FROM cloudtrail_logs WHERE eventname = 'AssumeRole') SELECT one.role AS first_role, two.role AS second_role, count(*) AS n FROM issued AS two INNER JOIN issued AS one ON two.by_key = one.key GROUP BY one.role, two.role ORDER BY n DESC, 1, 2 LIMIT 10
-- name: having
SELECT useridentity.username, count(*) FROM cloudtrail_logs WHERE year = '2026' AND month = '10' GROUP BY useridentity.username HAVING count(*) > 5
-- name: json of ip permissions
SELECT json_extract(requestparameters, '$.ipPermissions.items') AS x FROM cloudtrail_logs WHERE eventname LIKE 'AuthorizeSecurityGroup%' ORDER BY eventid
-- name: two unnested json arrays
SELECT json_extract_scalar(r, '$.cidrIp') c, count(*) FROM cloudtrail_logs CROSS JOIN UNNEST(CAST(json_extract(requestparameters, '$.ipPermissions.items') AS array(json))) AS i(p) CROSS JOIN UNNEST(CAST(json_extract(p, '$.ipRanges.items') AS array(json))) AS j(r) GROUP BY 1
-- name: time in Tokyo
SELECT from_iso8601_timestamp(eventtime) AT TIME ZONE 'Asia/Tokyo' AS jst, eventname FROM cloudtrail_logs WHERE eventname = 'StopLogging'
-- name: formatted in Tokyo
SELECT date_format(from_iso8601_timestamp(eventtime) AT TIME ZONE 'Asia/Tokyo', '%Y-%m-%d %H:%i:%s') AS jst, count(*) FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' GROUP BY 1
-- name: json path in brackets
SELECT DISTINCT json_extract_scalar(requestparameters, '$["bucketName"]') b FROM cloudtrail_logs ORDER BY b NULLS FIRST
-- name: regexp ignoring case
SELECT eventname FROM cloudtrail_logs WHERE regexp_like(eventname, '(?i)^(create|put).*policy$') GROUP BY eventname ORDER BY lower(eventname)
-- name: substring hours
SELECT substring(eventtime, 12, 2) AS h, count(*) c FROM cloudtrail_logs GROUP BY substring(eventtime, 12, 2) ORDER BY h
-- name: latest per principal
SELECT * FROM (SELECT useridentity.arn a, eventname, row_number() OVER (PARTITION BY useridentity.arn ORDER BY eventtime DESC, eventid) rn FROM cloudtrail_logs WHERE readonly = 'false') x WHERE rn = 1 ORDER BY 1
-- name: date of iso between
SELECT count(*) FROM cloudtrail_logs WHERE date(from_iso8601_timestamp(eventtime)) BETWEEN date '2026-10-01' AND date '2026-10-03'
-- name: date parse with T
SELECT count(*) FROM cloudtrail_logs WHERE date_parse(eventtime, '%Y-%m-%dT%TZ') > timestamp '2026-10-01'
-- name: histogram of regions
SELECT histogram(awsregion) FROM cloudtrail_logs
-- name: map agg of sources
SELECT map_agg(eventsource, n) FROM (SELECT eventsource, count(*) n FROM cloudtrail_logs GROUP BY 1)
-- name: subscript and field
SELECT t.resources[1].arn FROM cloudtrail_logs t WHERE cardinality(t.resources) = 1 AND eventname = 'Decrypt'
-- name: concat ws with nulls
SELECT concat_ws('/', eventsource, errorcode, awsregion) x, count(*) FROM cloudtrail_logs GROUP BY 1
-- name: quoted alias
SELECT eventname, count(*) AS "Number of Events" FROM cloudtrail_logs GROUP BY eventname ORDER BY "Number of Events" DESC, 1 LIMIT 5
-- name: union all in brackets
(SELECT eventname FROM cloudtrail_logs WHERE eventname = 'StopLogging' LIMIT 1) UNION ALL (SELECT eventsource FROM cloudtrail_logs WHERE eventname = 'StopLogging' LIMIT 1) ORDER BY 1
-- name: simple case
SELECT CASE useridentity.type WHEN 'Root' THEN 'r' WHEN 'IAMUser' THEN 'u' ELSE 'o' END t, count(*) FROM cloudtrail_logs GROUP BY CASE useridentity.type WHEN 'Root' THEN 'r' WHEN 'IAMUser' THEN 'u' ELSE 'o' END
-- name: left join using
SELECT eventid, a.eventname, b.n FROM cloudtrail_logs a LEFT JOIN (SELECT eventid, 1 AS n FROM cloudtrail_logs WHERE eventname = 'StopLogging') b USING (eventid) WHERE a.eventname IN ('StopLogging', 'DeleteTrail') ORDER BY 1
-- name: interval between times
SELECT max(from_iso8601_timestamp(eventtime)) - min(from_iso8601_timestamp(eventtime)) AS span FROM cloudtrail_logs
-- name: interval in having
SELECT useridentity.arn, max(from_iso8601_timestamp(eventtime)) - min(from_iso8601_timestamp(eventtime)) AS span FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' GROUP BY 1 HAVING max(from_iso8601_timestamp(eventtime)) - min(from_iso8601_timestamp(eventtime)) > interval '1' day ORDER BY span DESC, 1
-- name: zone out of a subquery
SELECT jst, n FROM (SELECT date_trunc('day', from_iso8601_timestamp(eventtime) AT TIME ZONE 'Asia/Tokyo') AS jst, count(*) AS n FROM cloudtrail_logs GROUP BY 1) WHERE n > 900 ORDER BY jst
-- name: shifted day as text
SELECT date_format(date_add('hour', 9, from_iso8601_timestamp(eventtime)), '%Y-%m-%d') AS d, count(*) FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' GROUP BY date_format(date_add('hour', 9, from_iso8601_timestamp(eventtime)), '%Y-%m-%d')
-- name: having between
SELECT eventname FROM cloudtrail_logs GROUP BY eventname HAVING count(*) BETWEEN 2 AND 3 ORDER BY count(*) DESC, eventname
-- name: between iso texts
SELECT count(*) FROM cloudtrail_logs WHERE eventtime BETWEEN '2026-10-01T00:00:00Z' AND '2026-10-02T00:00:00Z' AND eventname <> 'AssumeRole' AND NOT (errorcode = 'AccessDenied')
-- name: like with escape
SELECT count(*) FROM cloudtrail_logs WHERE errorcode != '' AND errormessage LIKE '%not authorized%' ESCAPE '\'
-- name: negation and null
SELECT count(*) FROM cloudtrail_logs WHERE useridentity.sessioncontext.attributes.mfaauthenticated <> 'true' OR useridentity.sessioncontext.attributes.mfaauthenticated IS NULL
-- name: sorted array agg
SELECT useridentity.sessioncontext.sessionissuer.arn AS role, array_join(array_sort(array_agg(DISTINCT eventname)), ',') AS calls FROM cloudtrail_logs WHERE useridentity.type = 'AssumedRole' AND readonly = 'false' GROUP BY 1 ORDER BY 1
-- name: count as text
SELECT eventsource, cast(count(*) AS varchar) || ' calls' AS c FROM cloudtrail_logs GROUP BY eventsource ORDER BY count(*) DESC, 1
-- name: share by a subquery
SELECT eventname, cast(count(*) AS double) / (SELECT count(*) FROM cloudtrail_logs) AS part FROM cloudtrail_logs GROUP BY eventname ORDER BY part DESC, 1 LIMIT 7
-- name: share as formatted text
SELECT eventname, format('%.2f%%', 100.0 * count(*) / sum(count(*)) OVER ()) FROM cloudtrail_logs GROUP BY 1
-- name: named window
SELECT sourceipaddress, lag(sourceipaddress) OVER w AS before, eventtime FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' WINDOW w AS (PARTITION BY useridentity.arn ORDER BY eventtime, eventid) ORDER BY eventtime, eventid
-- name: first and last value
SELECT eventtime, first_value(eventname) OVER (PARTITION BY sourceipaddress ORDER BY eventtime, eventid) f, last_value(eventname) OVER (PARTITION BY sourceipaddress ORDER BY eventtime, eventid ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) l FROM cloudtrail_logs WHERE eventsource = 'signin.amazonaws.com' ORDER BY eventtime, eventid
-- name: ntile
SELECT ntile(4) OVER (ORDER BY n, eventname) q, eventname FROM (SELECT eventname, count(*) n FROM cloudtrail_logs GROUP BY 1) ORDER BY 2
-- name: percent rank
SELECT eventname, percent_rank() OVER (ORDER BY n) p, cume_dist() OVER (ORDER BY n) c, dense_rank() OVER (ORDER BY n DESC) d FROM (SELECT eventname, count(*) n FROM cloudtrail_logs GROUP BY 1) ORDER BY 1
-- name: values as a list of suspects
WITH suspicious(name) AS (VALUES 'StopLogging', 'DeleteTrail', 'PutUserPolicy'), hits AS (SELECT c.* FROM cloudtrail_logs c JOIN suspicious s ON c.eventname = s.name) SELECT eventname, count(*) FROM hits GROUP BY 1 ORDER BY 1
-- name: values with scores
WITH bad AS (SELECT * FROM (VALUES ('StopLogging', 3), ('DeleteTrail', 2)) AS t (name, score)) SELECT b.name, coalesce(sum(score), 0) s FROM bad b LEFT JOIN cloudtrail_logs c ON c.eventname = b.name GROUP BY b.name ORDER BY 1
-- name: tuple in values
SELECT eventname FROM cloudtrail_logs WHERE (eventsource, eventname) IN (VALUES ('iam.amazonaws.com', 'CreateUser'), ('s3.amazonaws.com', 'DeleteBucket')) ORDER BY 1
-- name: except
SELECT eventname FROM cloudtrail_logs EXCEPT SELECT eventname FROM cloudtrail_logs WHERE readonly = 'true' ORDER BY 1
-- name: union in order
SELECT eventname AS x FROM cloudtrail_logs WHERE readonly = 'true' UNION SELECT eventsource FROM cloudtrail_logs ORDER BY x LIMIT 12
-- name: rollup and grouping
SELECT grouping(awsregion) g, awsregion, count(*) FROM cloudtrail_logs WHERE eventsource = 'iam.amazonaws.com' GROUP BY ROLLUP (awsregion) ORDER BY 1, 2
-- name: cube
SELECT eventsource, awsregion, count(*) FROM cloudtrail_logs WHERE eventsource LIKE 's%' GROUP BY CUBE (eventsource, awsregion) ORDER BY 1, 2, 3
-- name: attached policies
SELECT json_extract_scalar(requestparameters, '$.policyArn') p, json_extract_scalar(requestparameters, '$.userName') u FROM cloudtrail_logs WHERE eventname LIKE 'Attach%Policy' ORDER BY 1, 2
-- name: policy document
SELECT json_extract_scalar(requestparameters, '$.policyDocument') FROM cloudtrail_logs WHERE eventname = 'PutUserPolicy' ORDER BY 1
-- name: json in json
SELECT json_extract(json_parse(json_extract_scalar(requestparameters, '$.policyDocument')), '$.Statement[0].Effect') FROM cloudtrail_logs WHERE eventname = 'PutUserPolicy' ORDER BY eventid
-- name: length of a json array
SELECT json_array_length(json_extract(requestparameters, '$.instancesSet.items')) n, count(*) FROM cloudtrail_logs WHERE eventname LIKE '%Instances' GROUP BY 1 ORDER BY 1
-- name: keys of json
SELECT map_keys(cast(json_parse(requestparameters) AS map(varchar, json))) k FROM cloudtrail_logs WHERE eventname = 'CreateUser'
-- name: unnested keys
SELECT key, count(*) FROM cloudtrail_logs CROSS JOIN UNNEST(map_keys(cast(json_parse(requestparameters) AS map(varchar, json)))) AS t(key) WHERE eventsource = 'iam.amazonaws.com' GROUP BY key ORDER BY 2 DESC, 1
-- name: unnest behind a comma
SELECT r.type, count(*) c FROM cloudtrail_logs, UNNEST(resources) AS r(arn, accountid, type) GROUP BY 1 ORDER BY 2 DESC, 1
-- name: unnest with ordinality
SELECT r.arn, r.ord FROM cloudtrail_logs CROSS JOIN UNNEST(resources) WITH ORDINALITY AS r(arn, accountid, type, ord) WHERE eventsource = 'kms.amazonaws.com' AND r.ord > 1
-- name: any match of resources
SELECT any_match(resources, r -> r.type = 'AWS::S3::Bucket') b, count(*) FROM cloudtrail_logs GROUP BY 1 ORDER BY 1
-- name: reduce of resources
SELECT reduce(resources, '', (s, r) -> s || coalesce(r.type, '?') || ';', s -> s) t, count(*) FROM cloudtrail_logs GROUP BY 1 ORDER BY 1
-- name: role and session
SELECT regexp_extract(useridentity.arn, 'assumed-role/([^/]+)/(.+)', 1) AS role, regexp_extract(useridentity.arn, 'assumed-role/([^/]+)/(.+)', 2) AS session, count(*) n FROM cloudtrail_logs WHERE useridentity.arn LIKE '%assumed-role%' GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT 10
-- name: replaced address
SELECT regexp_replace(sourceipaddress, '\d+$', 'x') net, count(DISTINCT useridentity.arn) u FROM cloudtrail_logs WHERE regexp_like(sourceipaddress, '^\d{1,3}(\.\d{1,3}){3}$') GROUP BY 1 ORDER BY 2 DESC, 1
-- name: nullif and coalesce
SELECT coalesce(nullif(errorcode, ''), 'ok') e, count(*) FROM cloudtrail_logs GROUP BY 1 ORDER BY 1
-- name: if and group
SELECT if(errorcode IS NULL, 'ok', 'error') e, readonly, count(*) FROM cloudtrail_logs GROUP BY 1, 2 ORDER BY 1, 2
-- name: min by and three argument max by
SELECT eventname, min_by(sourceipaddress, eventtime), max_by(sourceipaddress, eventtime, 2) FROM cloudtrail_logs WHERE eventname IN ('CreateUser', 'StopLogging') GROUP BY eventname ORDER BY 1
-- name: bool or and every
SELECT bool_or(errorcode IS NOT NULL) b, every(readonly = 'true') e, eventsource FROM cloudtrail_logs GROUP BY eventsource ORDER BY eventsource
-- name: multimap agg
SELECT multimap_agg(awsregion, eventname) FROM (SELECT DISTINCT awsregion, eventname FROM cloudtrail_logs WHERE eventsource = 'cloudtrail.amazonaws.com' AND awsregion = 'us-east-2')
-- name: two user names
SELECT useridentity.userName, useridentity.sessionContext.sessionIssuer.userName FROM cloudtrail_logs WHERE eventName = 'StopLogging' ORDER BY eventtime
-- name: limit inside
SELECT * FROM (SELECT eventname, eventtime FROM cloudtrail_logs WHERE eventname = 'StopLogging' ORDER BY eventtime LIMIT 3) ORDER BY eventtime DESC
-- name: try of a cast
SELECT TRY(CAST(json_extract_scalar(requestparameters, '$.maxResults') AS integer)) m, count(*) FROM cloudtrail_logs GROUP BY 1 ORDER BY 1
-- name: at timezone
SELECT at_timezone(from_iso8601_timestamp(eventtime), 'America/Los_Angeles') t FROM cloudtrail_logs WHERE eventname = 'StopLogging' ORDER BY 1
-- name: seconds since the last
SELECT date_diff('second', lag(from_iso8601_timestamp(eventtime)) OVER (ORDER BY eventtime, eventid), from_iso8601_timestamp(eventtime)) d FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' ORDER BY eventtime, eventid LIMIT 20
-- name: fetch next rows
SELECT eventtime FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' ORDER BY eventtime DESC, eventid OFFSET 2 ROWS FETCH NEXT 3 ROWS ONLY
-- name: suspicious user agents
SELECT eventname, count(*) FROM cloudtrail_logs WHERE lower(useragent) LIKE '%kali%' OR lower(useragent) LIKE '%parrot%' OR strpos(lower(useragent), 'boto3') > 0 GROUP BY eventname ORDER BY 2 DESC, 1 LIMIT 5
-- name: distinct from
SELECT DISTINCT useridentity.accountid, recipientaccountid FROM cloudtrail_logs WHERE useridentity.accountid IS DISTINCT FROM recipientaccountid ORDER BY 1, 2
-- name: years and months
SELECT year, month, count(*) FROM cloudtrail_logs GROUP BY year, month ORDER BY year, month
-- name: partitions of days in a list
SELECT count(*) FROM cloudtrail_logs WHERE year = '2026' AND month IN ('09', '10') AND day >= '28'
-- name: concatenated partitions
SELECT concat(year, '-', month, '-', day) d, count(*) FROM cloudtrail_logs WHERE concat(year, month, day) >= '20261001' GROUP BY 1 ORDER BY 1
-- name: partition of whole days between
SELECT "timestamp", count(*) FROM cloudtrail_logs WHERE "timestamp" BETWEEN '2026/10/01' AND '2026/10/03' GROUP BY "timestamp" ORDER BY "timestamp" DESC
-- name: partition like
SELECT count(*) FROM cloudtrail_logs WHERE "timestamp" LIKE '2026/10/0%'
-- name: element of map agg
SELECT element_at(map_agg(eventsource, n), 'iam.amazonaws.com'), element_at(array_agg(n ORDER BY n DESC), -1) FROM (SELECT eventsource, count(*) n FROM cloudtrail_logs GROUP BY 1)
-- name: alias before a struct
SELECT e.useridentity.type FROM cloudtrail_logs e WHERE e.eventname = 'StopLogging' ORDER BY e.eventtime
-- name: table name before a column
SELECT cloudtrail_logs.eventname FROM cloudtrail_logs WHERE cloudtrail_logs.eventname = 'StopLogging'
-- name: everything quoted
SELECT count(*) FROM "cloudtrail_logs" WHERE "eventname" = 'StopLogging'
-- name: hours of denials
SELECT substr(eventtime, 1, 13) || ':00' AS h, count_if(errorcode = 'AccessDenied') d FROM cloudtrail_logs GROUP BY 1 HAVING count_if(errorcode = 'AccessDenied') > 2 ORDER BY d DESC, h
