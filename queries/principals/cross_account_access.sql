-- title: Calls into an account by principals of another
-- description: Who reaches in from outside, and for what. Accounts the lake holds no events of come first: partners,
--   vendors, or strangers. The caller of AssumeRole shows as an id only; `one_resource` names the role.
-- parameter: from_account TEXT = %  part of the caller's account id
SELECT
    userIdentity.accountId AS caller_account,
    userIdentity.accountId IN (SELECT recipientAccountId FROM events WHERE recipientAccountId IS NOT NULL) AS is_known,
    recipientAccountId AS account,
    coalesce(userIdentity.arn, userIdentity.principalId) AS caller,
    eventSource,
    eventName,
    count(*) AS calls,
    count(errorCode) AS failed,
    min(eventTime) AS first_event_time,
    max(eventTime) AS last_event_time,
    min(coalesce(
        json_extract_string(requestParameters, '$.roleArn'), json_extract_string(resources, '$[0].ARN')
    )) AS one_resource
FROM events
WHERE userIdentity.accountId <> recipientAccountId
  AND userIdentity.accountId ILIKE '%' || $from_account || '%'
GROUP BY caller_account, account, caller, eventSource, eventName
ORDER BY is_known, calls DESC, caller_account, account, caller NULLS LAST, eventSource, eventName
