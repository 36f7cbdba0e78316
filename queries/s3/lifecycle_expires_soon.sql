-- title: A bucket's lifecycle makes objects expire within days
-- severity: medium
-- attack: T1485, T1562.008
-- description: An expiry of a few days deletes a bucket without one delete call; on a trail's bucket it removes the
--   logs.
-- quiet when: the call failed; an AWS service made it for itself; they expire after more than a week, or unfinished
--   uploads do
-- misses: the same by other means than this call
-- false positives: scratch buckets
-- source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
SELECT * FROM events
WHERE eventSource = 's3.amazonaws.com'
  AND eventName IN ('PutBucketLifecycle', 'PutBucketLifecycleConfiguration')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(requestParameters, '"Expiration":\s*\{[^}]*"Days":\s*"?[1-7]"?[,}]')
