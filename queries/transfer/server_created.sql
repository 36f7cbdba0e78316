-- title: A file transfer server was made
-- severity: medium
-- attack: T1048, T1537
-- description: SFTP or FTP out of a bucket.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: exchange with partners
-- source: https://docs.aws.amazon.com/transfer/latest/userguide/API_CreateServer.html
SELECT * FROM events
WHERE eventSource = 'transfer.amazonaws.com'
  AND eventName = 'CreateServer'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
