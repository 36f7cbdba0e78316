-- title: The root user signed in to the console
-- severity: high
-- attack: T1078.004
-- cis: 4.3
-- description: Root is for a handful of tasks a year.
-- quiet when: the sign-in failed, or another user signed in
-- misses: the same by other means than this call
-- false positives: the tasks that only root can do
-- response: Ask the holder of the root password; change it if it was not them.
-- source: https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-tasks.html
SELECT * FROM events
WHERE eventSource = 'signin.amazonaws.com'
  AND eventName = 'ConsoleLogin'
  AND userIdentity.type = 'Root'
  AND json_extract_string(responseElements, '$.ConsoleLogin') = 'Success'
