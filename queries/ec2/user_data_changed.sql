-- title: An instance's user data was changed
-- severity: medium
-- attack: T1059, T1578
-- description: User data runs as root at the next start: an attacker stops an instance, changes it, starts it.
-- quiet when: the call failed; an AWS service made it for itself; another attribute is changed
-- misses: the same by other means than this call
-- false positives: infrastructure code
-- response: Read the user data; look who started the instance afterwards.
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName = 'ModifyInstanceAttribute'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(requestParameters, '"userData"')
