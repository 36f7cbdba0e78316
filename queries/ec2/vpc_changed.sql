-- title: A VPC was changed
-- severity: info
-- attack: T1562.007
-- cis: 4.14
-- description: CIS asks to see every change.
-- quiet when: the call failed
-- misses: the same by other means than this call
-- source: https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName IN ('CreateVpc', 'DeleteVpc', 'ModifyVpcAttribute', 'AcceptVpcPeeringConnection', 'CreateVpcPeeringConnection', 'DeleteVpcPeeringConnection', 'RejectVpcPeeringConnection', 'AttachClassicLinkVpc', 'DetachClassicLinkVpc', 'DisableVpcClassicLink', 'EnableVpcClassicLink')
  AND errorCode IS NULL
