-- title: An AMI was shared with another account, or everybody
-- severity: high
-- attack: T1537
-- description: ModifyImageAttribute adds a launch permission: the disk's content leaves the account.
-- quiet when: the call failed; an AWS service made it for itself; a permission is taken away, or another attribute
--   changed
-- misses: the same by other means than this call
-- false positives: sharing with an account of the organization
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyImageAttribute.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName = 'ModifyImageAttribute'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND (json_array_length(requestParameters, '$.launchPermission.add.items') > 0)
