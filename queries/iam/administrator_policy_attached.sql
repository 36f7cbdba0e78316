-- title: An administrator policy was attached to a user, role or group
-- severity: high
-- attack: T1098.003
-- cis: 4.4
-- description: AdministratorAccess or IAMFullAccess, the two managed policies that give everything, were attached.
-- quiet when: another policy was attached; CloudFormation or another AWS service did it; the call failed
-- misses: policies of one's own that allow everything, and inline policies
-- false positives: setting up a new administrator
-- source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html
SELECT *
FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName IN ('AttachUserPolicy', 'AttachRolePolicy', 'AttachGroupPolicy')
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND regexp_matches(
      json_extract_string(requestParameters, '$.policyArn'),
      '^arn:aws[a-z-]*:iam::aws:policy/(AdministratorAccess|IAMFullAccess)$'
  )
