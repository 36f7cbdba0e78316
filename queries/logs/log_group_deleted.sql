-- title: A log group or stream was deleted
-- severity: low
-- attack: T1562.008, T1070
-- description: What was in it is gone.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: infrastructure code that takes an environment down
-- source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html
SELECT * FROM events
WHERE eventSource = 'logs.amazonaws.com'
  AND eventName IN ('DeleteLogGroup', 'DeleteLogStream')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
