-- title: Inspector was switched off
-- severity: high
-- attack: T1562.001
-- description: A service that watches the account stops.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: moving a service to another account or Region
-- response: Switch it on again; look at what the caller did next.
-- source: https://docs.aws.amazon.com/inspector/v2/APIReference/API_Disable.html
SELECT * FROM events
WHERE eventSource = 'inspector2.amazonaws.com'
  AND eventName = 'Disable'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
