-- title: Imported key material was deleted
-- severity: high
-- attack: T1485, T1486
-- description: At once, without days of grace: what the key encrypts is lost until the material is imported again.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html
SELECT * FROM events
WHERE eventSource = 'kms.amazonaws.com'
  AND eventName = 'DeleteImportedKeyMaterial'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
