-- title: A GuardDuty detector was suspended
-- severity: high
-- attack: T1562.001
-- description: UpdateDetector with enable false.
-- quiet when: the call failed; an AWS service made it for itself; it is switched on, or only a feature is changed
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/guardduty/latest/APIReference/API_UpdateDetector.html
SELECT * FROM events
WHERE eventSource = 'guardduty.amazonaws.com'
  AND eventName = 'UpdateDetector'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND json_extract_string(requestParameters, '$.enable') = 'false'
