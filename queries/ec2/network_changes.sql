-- title: Changes of the network: VPCs, routes, gateways, ACLs, peerings, endpoints, flow logs
-- description: Everything that opens a way in or out, or stops it being watched, security groups apart
--   (security_group_changes).
SELECT
    eventTime,
    coalesce(recipientAccountId, userIdentity.accountId) AS account,
    awsRegion,
    actor(userIdentity) AS actor,
    sourceIPAddress,
    eventName,
    errorCode,
    requestParameters,
    eventID
FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND readOnly IS DISTINCT FROM true
  AND regexp_matches(eventName, concat(
      'Vpc|Subnet|Route|NetworkAcl|InternetGateway|NatGateway|TransitGateway|CustomerGateway|VpnGateway|VpnConnection',
      '|FlowLogs|TrafficMirror|CarrierGateway|ManagedPrefixList|(Allocate|Associate)Address|ClassicLink'
  ))
ORDER BY eventTime, account, eventID
