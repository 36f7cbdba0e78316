-- title: Calls that were refused
-- severity: info
-- attack: T1526
-- cis: 4.1
-- description: CIS asks to see unauthorized calls; bursts of them have a detection of their own.
-- quiet when: log delivery, and HeadBucket, which is refused all day
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html
SELECT * FROM events
WHERE (errorCode LIKE '%UnauthorizedOperation' OR errorCode LIKE 'AccessDenied%')
  AND coalesce(sourceIPAddress, '') <> 'delivery.logs.amazonaws.com'
  AND eventName <> 'HeadBucket'
