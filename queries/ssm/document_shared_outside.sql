-- title: A document was shared with another account, or everybody
-- severity: medium
-- attack: T1537
-- description: Documents hold scripts, and sometimes credentials.
-- quiet when: the call failed; an AWS service made it for itself; an account is taken away
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ModifyDocumentPermission.html
SELECT * FROM events
WHERE eventSource = 'ssm.amazonaws.com'
  AND eventName = 'ModifyDocumentPermission'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND json_array_length(requestParameters, '$.accountIdsToAdd') > 0
