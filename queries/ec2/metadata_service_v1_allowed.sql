-- title: An instance was made to answer metadata requests without a token
-- severity: medium
-- attack: T1552.005
-- description: HttpTokens optional: a forged request inside a web application can read the instance's credentials.
-- quiet when: the call failed; an AWS service made it for itself; tokens are required
-- misses: the same by other means than this call
-- false positives: old software
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataOptions.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName = 'ModifyInstanceMetadataOptions'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(requestParameters, '"HttpTokens":"optional"|"httpTokens":"optional"')
