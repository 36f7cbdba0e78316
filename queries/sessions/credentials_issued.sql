-- title: Who was given which credentials
-- description: Temporary credentials from AssumeRole and its kin, and access keys made: who asked, the key that came
--   out, and how many calls the lake holds of it. AWS services that fetch credentials for their own roles are left
--   out.
-- parameter: access_key TEXT = %  part of the id of the key used or issued
-- parameter: services TEXT = no  yes to see what AWS services fetched, too
WITH issued AS (
    SELECT
        eventTime, eventID, eventName, errorCode, sourceIPAddress,
        coalesce(recipientAccountId, userIdentity.accountId) AS account,
        actor(userIdentity) AS actor,
        userIdentity.accessKeyId AS used_access_key,
        coalesce(
            json_extract_string(responseElements, '$.credentials.accessKeyId'),
            json_extract_string(responseElements, '$.accessKey.accessKeyId')
        ) AS issued_access_key,
        coalesce(
            json_extract_string(responseElements, '$.assumedRoleUser.arn'),
            json_extract_string(responseElements, '$.federatedUser.arn'),
            json_extract_string(responseElements, '$.accessKey.userName'),
            json_extract_string(requestParameters, '$.roleArn'),
            json_extract_string(requestParameters, '$.userName'),
            json_extract_string(requestParameters, '$.name')
        ) AS issued_for
    FROM events
    WHERE eventSource IN (
              'sts.amazonaws.com', 'iam.amazonaws.com', 'signin.amazonaws.com', 'cognito-identity.amazonaws.com'
          )
      AND eventName IN (
              'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', 'GetFederationToken',
              'GetSessionToken', 'GetSigninToken', 'GetCredentialsForIdentity', 'CreateAccessKey'
          )
      AND ($services = 'yes' OR (userIdentity.type IS DISTINCT FROM 'AWSService' AND userIdentity.invokedBy IS NULL))
),
used AS (
    SELECT userIdentity.accessKeyId AS issued_access_key, count(*) AS calls
    FROM events
    GROUP BY userIdentity.accessKeyId
)
SELECT
    eventTime, eventName, actor, used_access_key, issued_access_key, issued_for, errorCode, sourceIPAddress,
    coalesce(calls, 0) AS calls_with_it
FROM issued LEFT JOIN used USING (issued_access_key)
WHERE concat_ws(' ', used_access_key, issued_access_key) ILIKE '%' || $access_key || '%'
ORDER BY eventTime, account, eventID
