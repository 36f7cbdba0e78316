-- title: A trail's event selectors were changed so that it records less
-- severity: high
-- attack: T1562.008
-- description: PutEventSelectors without management events, with excluded services, or only for reads or writes: the
--   trail runs on and sees less.
-- quiet when: the call failed; an AWS service made it for itself; the trail records all management events
-- misses: advanced selectors that leave services out
-- false positives: excluding KMS for its volume
-- response: Put the selectors back; look what happened meanwhile.
-- source: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html
SELECT * FROM events
WHERE eventSource = 'cloudtrail.amazonaws.com'
  AND eventName = 'PutEventSelectors'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND (
      json_extract_string(requestParameters, '$.eventSelectors[0].includeManagementEvents') = 'false'
      OR json_extract_string(requestParameters, '$.eventSelectors[0].readWriteType') IN ('ReadOnly', 'WriteOnly')
      OR coalesce(json_array_length(requestParameters, '$.eventSelectors[0].excludeManagementEventSources'), 0) > 0
      OR coalesce(json_array_length(requestParameters, '$.eventSelectors'), 0)
        + coalesce(json_array_length(requestParameters, '$.advancedEventSelectors'), 0) = 0
    )
