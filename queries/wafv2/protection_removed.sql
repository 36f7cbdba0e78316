-- title: A web ACL was deleted or taken from what it protects
-- severity: medium
-- attack: T1562.007
-- description: Requests reach the application unchecked.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: taking an environment down
-- source: https://docs.aws.amazon.com/waf/latest/APIReference/API_DisassociateWebACL.html
SELECT * FROM events
WHERE eventSource = 'wafv2.amazonaws.com'
  AND eventName IN ('DeleteWebACL', 'DisassociateWebACL', 'DeleteRuleGroup')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
