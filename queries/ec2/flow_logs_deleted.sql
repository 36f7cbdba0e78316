-- title: VPC flow logs were deleted
-- severity: high
-- attack: T1562.008
-- description: The network goes unrecorded.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: infrastructure code that takes a VPC down
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteFlowLogs.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName = 'DeleteFlowLogs'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
