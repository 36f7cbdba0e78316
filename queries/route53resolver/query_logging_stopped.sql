-- title: DNS query logging was deleted or taken from a VPC
-- severity: high
-- attack: T1562.008
-- description: Look-ups of names go unrecorded.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: taking a VPC down
-- source: https://docs.aws.amazon.com/Route53/latest/APIReference/API_route53resolver_DeleteResolverQueryLogConfig.html
SELECT * FROM events
WHERE eventSource = 'route53resolver.amazonaws.com'
  AND eventName IN ('DeleteResolverQueryLogConfig', 'DisassociateResolverQueryLogConfig')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
