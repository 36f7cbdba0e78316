-- title: A security group lets the whole Internet in on a port for administrators or databases
-- severity: high
-- attack: T1562.007, T1021
-- description: An ingress rule for 0.0.0.0/0 or ::/0 that covers SSH, RDP, a database, or every port.
-- quiet when: the call failed; an AWS service made it for itself; the range is narrower, or the port is one for the
--   public (80, 443)
-- misses: rules that are open in two halves (0.0.0.0/1); ports in a second permission of one call;
--   ModifySecurityGroupRules
-- false positives: test environments
-- response: Take the rule away; look at the flow logs of what is behind it.
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName = 'AuthorizeSecurityGroupIngress'
  AND errorCode IS NULL
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(requestParameters, '"(cidrIp|cidrIpv6|CidrIp|CidrIpv6|cidrIpv4|CidrIpv4)":"[^"]*/0"')
  AND (
      json_extract_string(requestParameters, '$.ipProtocol') = '-1'
      OR regexp_matches(requestParameters, '"ipProtocol":"-1"')
      OR len(list_filter(
        [22, 23, 135, 445, 1433, 1521, 2375, 2379, 3306, 3389, 5432, 5900, 5985, 5986, 6379, 9200, 11211, 27017],
        lambda port: port BETWEEN coalesce(
          TRY_CAST(json_extract_string(requestParameters, '$.fromPort') AS INTEGER), TRY_CAST(json_extract_string(requestParameters, '$.ipPermissions.items[0].fromPort') AS INTEGER), 65536
        ) AND coalesce(
          TRY_CAST(json_extract_string(requestParameters, '$.toPort') AS INTEGER), TRY_CAST(json_extract_string(requestParameters, '$.ipPermissions.items[0].toPort') AS INTEGER), -1
        )
      )) > 0
    )
