-- title: A GuardDuty filter, trusted list or publishing destination was changed
-- severity: medium
-- attack: T1562.001
-- description: A filter that archives findings, a list of trusted addresses, or no destination any more: findings are
--   made and nobody sees them.
-- quiet when: the call failed; an AWS service made it for itself; the filter only sorts findings
-- misses: the same by other means than this call
-- false positives: tuning
-- source: https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreateFilter.html
SELECT * FROM events
WHERE eventSource = 'guardduty.amazonaws.com'
  AND eventName IN ('CreateFilter', 'UpdateFilter', 'CreateIPSet', 'UpdateIPSet', 'DeletePublishingDestination')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND (eventName IN ('CreateIPSet', 'UpdateIPSet', 'DeletePublishingDestination')
      OR (eventName IN ('CreateFilter', 'UpdateFilter') AND json_extract_string(requestParameters, '$.action') = 'ARCHIVE'))
