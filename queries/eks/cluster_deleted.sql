-- title: A cluster was deleted
-- severity: medium
-- attack: T1485
-- description: With what runs in it.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: test environments
-- source: https://docs.aws.amazon.com/eks/latest/APIReference/API_DeleteCluster.html
SELECT * FROM events
WHERE eventSource = 'eks.amazonaws.com'
  AND eventName = 'DeleteCluster'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
