-- title: An access analyzer was deleted
-- severity: high
-- attack: T1562.001
-- description: A service that watches the account stops.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: moving a service to another account or Region
-- response: Switch it on again; look at what the caller did next.
-- source: https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_DeleteAnalyzer.html
SELECT * FROM events
WHERE eventSource = 'access-analyzer.amazonaws.com'
  AND eventName = 'DeleteAnalyzer'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
