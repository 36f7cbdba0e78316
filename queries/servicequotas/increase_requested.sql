-- title: A higher quota was asked for
-- severity: low
-- attack: T1496
-- description: Mining needs more instances than an account may have.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: growth
-- source: https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_RequestServiceQuotaIncrease.html
SELECT * FROM events
WHERE eventSource = 'servicequotas.amazonaws.com'
  AND eventName = 'RequestServiceQuotaIncrease'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
