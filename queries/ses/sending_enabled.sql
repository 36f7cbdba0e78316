-- title: Sending of mail was set up or enlarged
-- severity: low
-- attack: T1496.004
-- description: Stolen credentials send spam.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: setting up mail
-- source: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_PutAccountDetails.html
SELECT * FROM events
WHERE eventSource = 'ses.amazonaws.com'
  AND eventName IN ('UpdateAccountSendingEnabled', 'PutAccountDetails', 'VerifyEmailIdentity', 'CreateEmailIdentity')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
