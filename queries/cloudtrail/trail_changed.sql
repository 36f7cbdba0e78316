-- title: A trail was made, changed, started or stopped
-- severity: info
-- attack: T1562.008
-- cis: 4.5
-- description: CIS asks to see every change; what blinds a trail has detections of its own.
-- quiet when: the call failed
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html
SELECT * FROM events
WHERE eventSource = 'cloudtrail.amazonaws.com'
  AND eventName IN ('CreateTrail', 'UpdateTrail', 'DeleteTrail', 'StartLogging', 'StopLogging')
  AND errorCode IS NULL
