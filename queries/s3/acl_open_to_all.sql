-- title: A bucket or object was made public by its ACL
-- severity: high
-- attack: T1530, T1537
-- description: PutBucketAcl or PutObjectAcl with a grant for everybody, or every AWS user.
-- quiet when: the call failed; an AWS service made it for itself; the grants name accounts
-- misses: the same by other means than this call
-- false positives: public web sites
-- source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html
SELECT * FROM events
WHERE eventSource = 's3.amazonaws.com'
  AND eventName IN ('PutBucketAcl', 'PutObjectAcl', 'CreateBucket', 'PutObject')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND (
      regexp_matches(requestParameters, 'acs.amazonaws.com/groups/global/(AllUsers|AuthenticatedUsers)')
      OR regexp_matches(requestParameters, '"(x-amz-acl|x-amz-grant-[a-z-]+)":\[?"[^"]*(public-read|authenticated-read|AllUsers)')
    )
