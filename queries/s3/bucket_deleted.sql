-- title: A bucket was deleted
-- severity: low
-- attack: T1485
-- description: Buckets hold data that exists nowhere else.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: environments that are taken down
-- source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
SELECT * FROM events
WHERE eventSource = 's3.amazonaws.com'
  AND eventName = 'DeleteBucket'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
