-- title: Objects were written with a key that only the caller has (SSE-C)
-- severity: high
-- attack: T1486
-- description: Server-side encryption with a customer's key: without the key the object is lost. Ransomware
--   overwrites objects so.
-- quiet when: the call failed; an AWS service made it for itself; the key is S3's or KMS's
-- misses: buckets without data events
-- false positives: applications that use SSE-C on purpose
-- response: Take the caller's credentials away at once; look for versions from before.
-- source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
SELECT * FROM events
WHERE eventSource = 's3.amazonaws.com'
  AND eventName IN ('PutObject', 'CopyObject', 'CreateMultipartUpload')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(requestParameters, 'x-amz-server-side-encryption-customer-algorithm')
