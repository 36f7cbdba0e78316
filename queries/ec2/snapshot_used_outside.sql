-- title: Another account copied a shared snapshot, or made a disk of it
-- severity: high
-- attack: T1537
-- description: EC2 tells the owner when a shared snapshot is used elsewhere.
-- quiet when: never
-- misses: the same by other means than this call
-- false positives: accounts that images are shared with on purpose
-- source: https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName IN ('SharedSnapshotCopyInitiated', 'SharedSnapshotVolumeCreated')
