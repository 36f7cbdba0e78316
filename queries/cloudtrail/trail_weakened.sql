-- title: A trail was changed to record fewer Regions, no global services, no validation, or into another bucket
-- severity: medium
-- attack: T1562.008
-- description: UpdateTrail that names a bucket or key, or switches something off.
-- quiet when: the call failed; an AWS service made it for itself; nothing of the kind is in the request
-- misses: the same by other means than this call
-- false positives: moving a trail
-- source: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html
SELECT * FROM events
WHERE eventSource = 'cloudtrail.amazonaws.com'
  AND eventName = 'UpdateTrail'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND (json_extract_string(requestParameters, '$.isMultiRegionTrail') = 'false' OR json_extract_string(requestParameters, '$.includeGlobalServiceEvents') = 'false' OR json_extract_string(requestParameters, '$.enableLogFileValidation') = 'false' OR json_extract_string(requestParameters, '$.enableLogFileValidation') = 'false'
      OR json_extract_string(requestParameters, '$.s3BucketName') IS NOT NULL OR json_extract_string(requestParameters, '$.isOrganizationTrail') = 'false')
