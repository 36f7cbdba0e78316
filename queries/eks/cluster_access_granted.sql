-- title: Somebody was given access to an EKS cluster
-- severity: medium
-- attack: T1098.006
-- description: An access entry, or policy, lets a principal into the cluster.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: setting up a cluster
-- source: https://docs.aws.amazon.com/eks/latest/APIReference/API_AssociateAccessPolicy.html
SELECT * FROM events
WHERE eventSource = 'eks.amazonaws.com'
  AND eventName IN ('CreateAccessEntry', 'AssociateAccessPolicy')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
