-- title: Console sign-in of a user or root without MFA
-- severity: medium
-- attack: T1078.004
-- cis: 4.2
-- description: An IAM user or root signed in to the console with a password alone.
-- quiet when: MFA was used; the session is federated (the identity provider may have asked for MFA, CloudTrail cannot tell)
-- misses: federated sign-ins without MFA
-- false positives: users that are not required to have MFA; give them one
-- source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
SELECT *
FROM events
WHERE eventSource = 'signin.amazonaws.com'
  AND eventName = 'ConsoleLogin'
  AND userIdentity.type IN ('IAMUser', 'Root')
  AND json_extract_string(responseElements, '$.ConsoleLogin') = 'Success'
  AND lower(coalesce(json_extract_string(additionalEventData, '$.MFAUsed'), 'no')) <> 'yes'
