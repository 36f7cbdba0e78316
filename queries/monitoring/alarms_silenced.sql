-- title: CloudWatch alarms were deleted or silenced
-- severity: low
-- attack: T1562.001
-- description: Nobody is told any more.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: autoscaling policies and infrastructure code that remove their alarms
-- source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteAlarms.html
SELECT * FROM events
WHERE eventSource = 'monitoring.amazonaws.com'
  AND eventName IN ('DeleteAlarms', 'DisableAlarmActions')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
