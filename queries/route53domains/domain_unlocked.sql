-- title: A domain was unlocked or transferred
-- severity: high
-- attack: T1584.001
-- description: Whoever has the domain has its mail and its web sites.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: a planned transfer
-- source: https://docs.aws.amazon.com/Route53/latest/APIReference/API_domains_DisableDomainTransferLock.html
SELECT * FROM events
WHERE eventSource = 'route53domains.amazonaws.com'
  AND eventName IN ('DisableDomainTransferLock', 'TransferDomainToAnotherAwsAccount', 'RetrieveDomainAuthCode')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
