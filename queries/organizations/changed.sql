-- title: The organization was changed
-- severity: info
-- attack: T1098
-- cis: 4.15
-- description: CIS asks to see every change.
-- quiet when: the call failed
-- misses: the same by other means than this call
-- source: https://www.cisecurity.org/benchmark/amazon_web_services
SELECT * FROM events
WHERE eventSource = 'organizations.amazonaws.com'
  AND eventName IN ('AcceptHandshake', 'AttachPolicy', 'CreateAccount', 'CreateOrganizationalUnit', 'CreatePolicy', 'DeclineHandshake', 'DeleteOrganization', 'DeleteOrganizationalUnit', 'DeletePolicy', 'DetachPolicy', 'DisablePolicyType', 'EnablePolicyType', 'InviteAccountToOrganization', 'LeaveOrganization', 'MoveAccount', 'RemoveAccountFromOrganization', 'UpdatePolicy', 'UpdateOrganizationalUnit')
  AND errorCode IS NULL
