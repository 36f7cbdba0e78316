-- title: CloudTrail logging was stopped or a trail deleted
-- severity: high
-- attack: T1562.008
-- cis: 4.5
-- description: StopLogging or DeleteTrail succeeded: from here on the trail records nothing.
-- quiet when: the call failed; logging was started or a trail was changed otherwise
-- misses: a trail narrowed to record nothing (PutEventSelectors, UpdateTrail), or whose bucket was taken away
-- false positives: replacing a trail, for example by an organization trail
-- source: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StopLogging.html
SELECT *
FROM events
WHERE eventSource = 'cloudtrail.amazonaws.com'
  AND eventName IN ('StopLogging', 'DeleteTrail')
  AND errorCode IS NULL
