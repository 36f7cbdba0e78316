-- title: A bucket replicates into another account
-- severity: high
-- attack: T1537
-- description: All that is written from now on is copied out.
-- quiet when: the call failed; an AWS service made it for itself; the destination is in the same account
-- misses: the same by other means than this call
-- false positives: backups into an account for them
-- source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketReplication.html
SELECT * FROM events
WHERE eventSource = 's3.amazonaws.com'
  AND eventName = 'PutBucketReplication'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND len(list_filter(
      regexp_extract_all(requestParameters, '"Account":\s*"?(\d{12})', 1), lambda each: each <> coalesce(recipientAccountId, '')
    )) > 0
