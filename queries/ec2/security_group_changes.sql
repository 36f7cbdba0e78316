-- title: Changes of security groups
-- description: Rules opened, closed and changed, groups made and deleted. `open_to_all` marks requests with a
--   whole-internet range (/0); a rule that names another group or a prefix list has no range.
-- parameter: group_id TEXT = %  part of the security group's id
WITH changes AS (
    SELECT *, coalesce(recipientAccountId, userIdentity.accountId) AS account,
        regexp_extract_all(requestParameters, '"(?:cidrIp|cidrIpv6|CidrIpv4|CidrIpv6)":"([^"]*)"', 1) AS ranges
    FROM events
    WHERE eventSource = 'ec2.amazonaws.com'
      AND (
          regexp_matches(eventName, '^(Authorize|Revoke|Update|Modify)SecurityGroup')
          OR eventName IN ('CreateSecurityGroup', 'DeleteSecurityGroup', 'CreateDefaultVpc')
      )
)
SELECT
    eventTime,
    account,
    awsRegion,
    actor(userIdentity) AS actor,
    sourceIPAddress,
    eventName,
    coalesce(
        json_extract_string(requestParameters, '$.groupId'),
        json_extract_string(responseElements, '$.groupId'),
        json_extract_string(requestParameters, '$.groupName'),
        json_extract_string(requestParameters, '$.ModifySecurityGroupRulesRequest.GroupId')
    ) AS group_id,
    array_to_string(regexp_extract_all(requestParameters, '"(?:fromPort|FromPort)":(-?\d+)', 1), ', ') AS from_ports,
    array_to_string(ranges, ', ') AS ranges,
    coalesce(list_bool_or(list_transform(ranges, lambda range: range LIKE '%/0')), false) AS open_to_all,
    errorCode,
    eventID
FROM changes
WHERE coalesce(requestParameters, '') || coalesce(responseElements, '') ILIKE '%' || $group_id || '%'
ORDER BY eventTime, account, eventID
