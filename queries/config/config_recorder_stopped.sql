-- title: AWS Config no longer records
-- severity: high
-- attack: T1562.001
-- description: A service that watches the account stops.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: moving a service to another account or Region
-- response: Switch it on again; look at what the caller did next.
-- source: https://docs.aws.amazon.com/config/latest/APIReference/API_StopConfigurationRecorder.html
SELECT * FROM events
WHERE eventSource = 'config.amazonaws.com'
  AND eventName IN ('StopConfigurationRecorder', 'DeleteConfigurationRecorder', 'DeleteDeliveryChannel')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
