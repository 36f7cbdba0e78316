-- title: An identity provider was added or changed
-- severity: medium
-- attack: T1484.002
-- description: A SAML or OpenID Connect provider decides who may sign in. A rogue one lets an attacker's own users
--   in.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: setting up federation, new EKS clusters (CreateOpenIDConnectProvider), renewed certificates
-- response: Compare the provider's metadata with your own identity provider's.
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateSAMLProvider.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName IN ('CreateSAMLProvider', 'UpdateSAMLProvider', 'CreateOpenIDConnectProvider', 'AddClientIDToOpenIDConnectProvider', 'UpdateOpenIDConnectProviderThumbprint')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
