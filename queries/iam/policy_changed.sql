-- title: An IAM policy was changed
-- severity: info
-- attack: T1098.003
-- cis: 4.4
-- description: CIS asks to see every change of an IAM policy; the dangerous ones have detections of their own.
-- quiet when: the call failed
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html
SELECT * FROM events
WHERE eventSource = 'iam.amazonaws.com'
  AND eventName IN ('DeleteGroupPolicy', 'DeleteRolePolicy', 'DeleteUserPolicy', 'PutGroupPolicy', 'PutRolePolicy', 'PutUserPolicy', 'CreatePolicy', 'DeletePolicy', 'CreatePolicyVersion', 'DeletePolicyVersion', 'AttachRolePolicy', 'DetachRolePolicy', 'AttachUserPolicy', 'DetachUserPolicy', 'AttachGroupPolicy', 'DetachGroupPolicy')
  AND errorCode IS NULL
