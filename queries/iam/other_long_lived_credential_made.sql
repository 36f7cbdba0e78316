-- title: A long-lived credential other than an access key was made
-- severity: medium
-- attack: T1098.001, T1098.004
-- description: Service-specific credentials, SSH keys and signing certificates work besides access keys and are
--   seldom looked for.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: developers who use CodeCommit or Keyspaces
-- response: Ask the user; delete the credential if nobody knows of it.
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName IN ('CreateServiceSpecificCredential', 'UploadSSHPublicKey', 'UploadSigningCertificate', 'ResetServiceSpecificCredential')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
