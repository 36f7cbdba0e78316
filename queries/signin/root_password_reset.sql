-- title: The root user's password was reset or asked for
-- severity: high
-- attack: T1078.004
-- description: Password recovery for root: whoever reads the mailbox owns the account.
-- quiet when: it is no root user
-- misses: the same by other means than this call
-- false positives: a planned change
-- source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reset-root-password.html
SELECT * FROM events
WHERE eventSource = 'signin.amazonaws.com'
  AND eventName IN ('PasswordRecoveryRequested', 'PasswordRecoveryCompleted', 'PasswordUpdated', 'EmailUpdated')
  AND userIdentity.type = 'Root'
