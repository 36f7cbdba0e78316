-- title: A command was run on instances by an IAM user
-- severity: medium
-- attack: T1651
-- description: SendCommand runs as root on every instance it names. Automation uses roles; a user's long-lived key is
--   worth a look.
-- quiet when: the call failed; an AWS service made it for itself; a role runs it, or the document is no script
-- misses: the same by other means than this call
-- false positives: administrators with keys of their own
-- source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
SELECT * FROM events
WHERE eventSource = 'ssm.amazonaws.com'
  AND eventName = 'SendCommand'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND userIdentity.type = 'IAMUser'
  AND regexp_matches(json_extract_string(requestParameters, '$.documentName'), 'RunShellScript|RunPowerShellScript|RunRemoteScript')
