"""What can be asked like a table and is computed from `events`: sessions."""

from __future__ import annotations

IS_MINT = """
    eventSource IN (
        'sts.amazonaws.com', 'iam.amazonaws.com', 'signin.amazonaws.com', 'cognito-identity.amazonaws.com',
        'eks-auth.amazonaws.com', 'rolesanywhere.amazonaws.com'
    )
    AND eventName IN (
        'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', 'GetFederationToken',
        'GetSessionToken', 'GetSigninToken', 'GetCredentialsForIdentity', 'CreateAccessKey',
        'CreateLoginProfile', 'UpdateLoginProfile', 'AssumeRoleForPodIdentity', 'CreateSession'
    )
    AND coalesce(errorCode, '') = ''
"""
"""SQL: the events that give out credentials, or passwords."""
MINTED_KEY = r"""regexp_extract(responseElements, '"accessKeyId"\s*:\s*"([A-Z0-9]{16,128})"', 1)"""
"""
SQL: the access key that came out, wherever it stands: Roles Anywhere wraps it in a list. A quote inside of a text would
have a backslash before it.
"""

_SESSIONS = f"""
WITH used AS (
    SELECT userIdentity.accessKeyId AS "accessKeyId", coalesce(userIdentity.arn, userIdentity.principalId) AS "arn",
           userIdentity.sessionContext.attributes.creationDate AS "creationDate",
           any_value(userIdentity.type) AS "type", any_value(userIdentity.accountId) AS "accountId",
           any_value(userIdentity.sessionContext.sessionIssuer.arn) AS "sessionIssuer",
           any_value(userIdentity.sessionContext.sourceIdentity) AS "sourceIdentity",
           min(eventTime) AS first_event_time, max(eventTime) AS last_event_time,
           count(*) AS events, count(nullif(errorCode, '')) AS errors,
           array_to_string(list_sort(list(DISTINCT awsRegion)), ',') AS regions,
           array_to_string(list_sort(list(DISTINCT sourceIPAddress))[:20], ',') AS addresses
    FROM events WHERE userIdentity.accessKeyId IS NOT NULL GROUP BY ALL
),
minted AS (
    SELECT {MINTED_KEY} AS key,
           max_by({{'name': eventName, 'event': eventID, 'time': eventTime,
                    'arn': coalesce(userIdentity.arn, userIdentity.invokedBy, userIdentity.principalId),
                    'key': userIdentity.accessKeyId}},
                  (userIdentity.accessKeyId IS NOT NULL, userIdentity.type IS DISTINCT FROM 'AWSAccount', eventID)
           ) AS origin
    FROM events WHERE {IS_MINT} GROUP BY ALL HAVING key <> ''
)
SELECT used.*, origin.name AS issued_by, origin.event AS issued_event_id, origin.time AS issued_time,
       origin.arn AS issuer_arn, origin.key AS issuer_access_key
FROM used LEFT JOIN minted ON used."accessKeyId" = minted.key
"""

VIEW_SQL = {"sessions": _SESSIONS}
"""By name of a view of `trailql.schema.VIEWS`."""
