-- title: A Glue development endpoint was made or changed
-- severity: medium
-- attack: T1098, T1648
-- description: An endpoint runs code with the role it is given: a known way up.
-- quiet when: the call failed; an AWS service made it for itself
-- misses: the same by other means than this call
-- false positives: data engineers
-- source: https://docs.aws.amazon.com/glue/latest/webapi/API_CreateDevEndpoint.html
SELECT * FROM events
WHERE eventSource = 'glue.amazonaws.com'
  AND eventName IN ('CreateDevEndpoint', 'UpdateDevEndpoint')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
