-- title: Network traffic is mirrored
-- severity: high
-- attack: T1040, T1074
-- description: A mirror session copies an interface's packets to somewhere.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: network monitoring
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTrafficMirrorSession.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName IN ('CreateTrafficMirrorSession', 'CreateTrafficMirrorTarget')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
