-- title: AWS Config's recorder or delivery channel was changed
-- severity: info
-- attack: T1562.001
-- cis: 4.9
-- description: CIS asks to see every change.
-- quiet when: the call failed
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html
SELECT * FROM events
WHERE eventSource = 'config.amazonaws.com'
  AND eventName IN ('StopConfigurationRecorder', 'DeleteDeliveryChannel', 'PutDeliveryChannel', 'PutConfigurationRecorder')
  AND errorCode IS NULL
