-- title: Console sign-ins that failed
-- severity: info
-- attack: T1110
-- cis: 4.6
-- description: CIS asks to see each; many of them together have a detection of their own.
-- quiet when: the sign-in succeeded
-- misses: unknown user names, whose message is another
-- source: https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html
SELECT * FROM events
WHERE eventSource = 'signin.amazonaws.com'
  AND eventName = 'ConsoleLogin'
  AND errorMessage = 'Failed authentication'
