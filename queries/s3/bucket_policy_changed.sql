-- title: A bucket's policy, ACL, CORS, lifecycle or replication was changed
-- severity: info
-- attack: T1530
-- cis: 4.8
-- description: CIS asks to see every change.
-- quiet when: the call failed
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html
SELECT * FROM events
WHERE eventSource = 's3.amazonaws.com'
  AND eventName IN ('PutBucketAcl', 'PutBucketPolicy', 'PutBucketCors', 'PutBucketLifecycle', 'PutBucketReplication', 'DeleteBucketPolicy', 'DeleteBucketCors', 'DeleteBucketLifecycle', 'DeleteBucketReplication')
  AND errorCode IS NULL
