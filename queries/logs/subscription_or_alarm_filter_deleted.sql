-- title: A subscription or metric filter was deleted
-- severity: medium
-- attack: T1562.008
-- description: Logs no longer flow on, or an alarm no longer sees them.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: rebuilding monitoring
-- source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteSubscriptionFilter.html
SELECT * FROM events
WHERE eventSource = 'logs.amazonaws.com'
  AND eventName IN ('DeleteSubscriptionFilter', 'DeleteMetricFilter')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
