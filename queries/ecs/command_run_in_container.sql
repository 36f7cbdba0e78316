-- title: A shell was opened in a container
-- severity: medium
-- attack: T1609
-- description: ECS Exec runs a command inside a task, with its role.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: debugging
-- source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ExecuteCommand.html
SELECT * FROM events
WHERE eventSource = 'ecs.amazonaws.com'
  AND eventName = 'ExecuteCommand'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
