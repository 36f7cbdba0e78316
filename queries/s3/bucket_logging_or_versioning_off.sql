-- title: A bucket's access logging, versioning or encryption was switched off
-- severity: medium
-- attack: T1562.008, T1490
-- description: Suspended versioning makes deletion final; without logging nobody sees it.
-- quiet when: the call failed; an AWS service made it for itself; they are switched on
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html
SELECT * FROM events
WHERE eventSource = 's3.amazonaws.com'
  AND eventName IN ('PutBucketVersioning', 'PutBucketLogging', 'DeleteBucketEncryption')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND (
      (eventName = 'PutBucketVersioning' AND regexp_matches(requestParameters, '"Status":"Suspended"|"MfaDelete":"Disabled"'))
      OR (eventName = 'PutBucketLogging' AND NOT regexp_matches(requestParameters, 'LoggingEnabled'))
      OR eventName = 'DeleteBucketEncryption'
    )
