-- title: A log group that holds trails, flow logs or audit logs was deleted
-- severity: high
-- attack: T1562.008, T1070
-- description: A log group whose name says CloudTrail, flow logs, audit, security or GuardDuty.
-- quiet when: the call failed; an AWS service made it for itself; the name says nothing of the kind
-- misses: the same by other means than this call
-- false positives: taking an environment down
-- source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html
SELECT * FROM events
WHERE eventSource = 'logs.amazonaws.com'
  AND eventName = 'DeleteLogGroup'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(lower(json_extract_string(requestParameters, '$.logGroupName')), 'cloudtrail|flow.?log|audit|security|guardduty|dnsquery|route53')
