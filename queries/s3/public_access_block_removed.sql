-- title: The public access block of a bucket or account was taken away
-- severity: high
-- attack: T1562.001
-- description: Nothing keeps a policy or ACL from opening the bucket any more.
-- quiet when: the call failed; an AWS service made it for itself; all four parts are switched on
-- misses: the same by other means than this call
-- false positives: public web sites
-- source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeletePublicAccessBlock.html
SELECT * FROM events
WHERE eventSource = 's3.amazonaws.com'
  AND eventName IN ('DeleteBucketPublicAccessBlock', 'DeleteAccountPublicAccessBlock', 'PutBucketPublicAccessBlock', 'PutAccountPublicAccessBlock')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND (eventName IN ('DeleteBucketPublicAccessBlock', 'DeleteAccountPublicAccessBlock')
      OR regexp_matches(requestParameters, '"(BlockPublicAcls|IgnorePublicAcls|BlockPublicPolicy|RestrictPublicBuckets)":\s*(false|"false")'))
