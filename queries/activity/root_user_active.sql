-- title: The root user did something
-- severity: medium
-- attack: T1078.004
-- cis: 4.3
-- description: Root is for a handful of tasks a year; anything else deserves a look.
-- quiet when: a service acts for root, or the event is the service's own; the sign-in itself has a detection of its
--   own
-- misses: the same by other means than this call
-- false positives: the tasks that only root can do
-- response: Ask the holder of the root password.
-- source: https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html
SELECT * FROM events
WHERE userIdentity.type = 'Root'
  AND userIdentity.invokedBy IS NULL
  AND eventType <> 'AwsServiceEvent'
  AND NOT (eventSource = 'signin.amazonaws.com' AND eventName = 'ConsoleLogin')
