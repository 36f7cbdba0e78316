-- title: Changes of logging and of the services that watch
-- description: Trails, log groups, flow logs, Config recorders, GuardDuty, Security Hub, Macie, Detective, Inspector
--   and Access Analyzer, with failed attempts: who turned what on or off. Log streams, which programs make all day,
--   are left out.
SELECT
    eventTime,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    awsRegion,
    actor(userIdentity) AS actor,
    sourceIPAddress,
    eventSource,
    eventName,
    coalesce(
        json_extract_string(requestParameters, '$.name'),
        json_extract_string(requestParameters, '$.trailName'),
        json_extract_string(requestParameters, '$.logGroupName'),
        json_extract_string(requestParameters, '$.detectorId'),
        json_extract_string(requestParameters, '$.configurationRecorderName'),
        json_extract_string(requestParameters, '$.bucketName'),
        requestParameters
    ) AS target,
    errorCode,
    eventID
FROM events
WHERE readOnly IS DISTINCT FROM true
  AND (
      eventSource IN (
          'cloudtrail.amazonaws.com', 'config.amazonaws.com', 'guardduty.amazonaws.com', 'securityhub.amazonaws.com',
          'macie2.amazonaws.com', 'detective.amazonaws.com', 'inspector2.amazonaws.com', 'access-analyzer.amazonaws.com'
      )
      OR (eventSource = 'logs.amazonaws.com' AND regexp_matches(
          eventName, 'LogGroup|RetentionPolicy|SubscriptionFilter|MetricFilter|ResourcePolicy|^DeleteLogStream'
      ))
      OR (eventSource = 'ec2.amazonaws.com' AND eventName LIKE '%FlowLogs')
      OR (eventSource = 's3.amazonaws.com' AND eventName = 'PutBucketLogging')
      OR (eventSource = 'route53resolver.amazonaws.com' AND eventName LIKE '%QueryLogConfig%')
  )
ORDER BY eventTime, account, eventID
