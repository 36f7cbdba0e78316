-- title: Costly instances were launched, or somebody tried
-- severity: medium
-- attack: T1496.001, T1578.002
-- description: GPU and very large instance types are what stolen credentials are used for. A refused attempt counts.
-- quiet when: an AWS service made it for itself; the type is an everyday one
-- misses: the same by other means than this call
-- false positives: teams that train models or run large databases
-- response: Stop the instances; look in every Region.
-- source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
SELECT * FROM events
WHERE eventSource = 'ec2.amazonaws.com'
  AND eventName = 'RunInstances'
  AND userIdentity.invokedBy IS NULL
  AND coalesce(userIdentity.type, '') <> 'AWSService'
  AND regexp_matches(json_extract_string(requestParameters, '$.instanceType'), '^(p[2-9]|g[3-9]|gr6|trn|inf|dl|f[12]|x[12]|u-)[a-z0-9-]*\.|\.(1[2-9]|2[0-9]|3[0-9]|4[0-9]|112)xlarge$|\.metal')
