-- title: An instance was given another role
-- severity: medium
-- attack: T1098.003
-- description: Whoever is on the instance gets the role's rights.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: infrastructure code
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceIamInstanceProfileAssociation.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName IN ('ReplaceIamInstanceProfileAssociation', 'AssociateIamInstanceProfile')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
