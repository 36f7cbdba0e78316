"""
What the lake says of sessions: who minted which credentials, who signed in, and what was done with a key.

A session is what AWS calls one: a principal's ARN and the moment its credentials were issued. A console session has
several access keys, all of the same `creationDate`, which is also the second of its sign-in.

Nothing of this is stored: it is computed for the keys that are asked about (docs/design/sessions.md).

Source:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from trailql.forensics.graph import Api
from trailql.query.derived import IS_MINT, MINTED_KEY
from trailql.query.engine import OpenLake

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Activity:
    """
    What was done with one access key, or by a session without one.

    Args:
        access_key: Empty for sign-ins and other calls without a key.
        principal: ARN of the caller.
        type: `userIdentity.type`.
        account: The caller's account.
        created: When the credentials were issued, as the record writes it; empty for long-lived keys.
        issuer: ARN of the role or user behind the session.
        by_service: An AWS service called for the principal (`invokedBy`).
        source_identity: As set when the role was assumed.
        first, last: Times of the first and last event.
        calls, errors: How many events, and how many of them with an `errorCode`.
        regions: In order of the alphabet.
        ips: Addresses and services called from, with their calls.
        user_agents: How many different ones.
        apis: By name.
    """

    access_key: str
    principal: str
    type: str
    account: str | None
    created: str
    issuer: str | None
    by_service: bool
    source_identity: str | None
    first: datetime
    last: datetime
    calls: int
    errors: int
    regions: tuple[str, ...]
    ips: dict[str, int]
    user_agents: int
    apis: tuple[Api, ...]


@dataclass(frozen=True, slots=True)
class Mint:
    """
    An event that gave somebody credentials, or a password.

    Args:
        event_id, time, name, region, account, source_ip: Of the event.
        shared_event_id: Equal in the other account's copy.
        type, principal, access_key, created, invoked_by, caller_account, principal_id, provider: Of `userIdentity`.
        minted_key: The access key that came out; empty for passwords.
        minted_for: The session's ARN, or the user's name.
        source_identity: As asked for.
    """

    event_id: str
    time: datetime
    name: str
    region: str | None
    account: str | None
    source_ip: str | None
    shared_event_id: str | None
    type: str
    principal: str
    access_key: str
    created: str
    invoked_by: str | None
    caller_account: str | None
    principal_id: str | None
    provider: str | None
    minted_key: str
    minted_for: str | None
    source_identity: str | None


@dataclass(frozen=True, slots=True)
class SignIn:
    """
    A ConsoleLogin or SwitchRole.

    Args:
        event_id, time, name, region, account, source_ip: Of the event.
        principal: ARN of who signed in; of a failed sign-in often missing.
        user_name: `userIdentity.userName`.
        succeeded: Whether it did.
        used_mfa: None where the record does not say.
        switched_from: The ARN a SwitchRole came from.
    """

    event_id: str
    time: datetime
    name: str
    region: str | None
    account: str | None
    source_ip: str | None
    principal: str
    user_name: str | None
    succeeded: bool
    used_mfa: bool | None
    switched_from: str | None


_SWITCHED_FROM = "CASE WHEN json_valid(additionalEventData) THEN additionalEventData ->> '$.SwitchFrom' END"
_MINT_FIELDS = tuple(each.name for each in fields(Mint))
_CREATED = "coalesce(userIdentity.sessionContext.attributes.creationDate, '')"
_PRINCIPAL = "coalesce(userIdentity.arn, userIdentity.principalId, '')"

_SESSIONS = f"""
SELECT DISTINCT coalesce(userIdentity.accessKeyId, '') AS access_key, {_PRINCIPAL} AS principal, {_CREATED} AS created
FROM events
"""

_ACTIVITY = f"""
WITH used AS (
    SELECT coalesce(userIdentity.accessKeyId, '') AS access_key, {_PRINCIPAL} AS principal, {_CREATED} AS created,
           coalesce(userIdentity.invokedBy, '') <> '' AS by_service, coalesce(eventSource, '') AS service,
           coalesce(eventName, '') AS name, coalesce(readOnly, false) AS is_read, errorCode IS NOT NULL AS failed,
           awsRegion, coalesce(sourceIPAddress, '') AS ip, userAgent, any_value(userIdentity.type) AS type,
           any_value(coalesce(userIdentity.accountId, recipientAccountId)) AS account,
           any_value(userIdentity.sessionContext.sessionIssuer.arn) AS issuer,
           any_value(userIdentity.sessionContext.sourceIdentity) AS source_identity,
           min(eventTime) AS first, max(eventTime) AS last, count(*) AS calls
    FROM events
    WHERE (userIdentity.accessKeyId IN (SELECT unnest($keys))
           OR userIdentity.arn IN (SELECT unnest($principals))
              AND userIdentity.sessionContext.attributes.creationDate IN (SELECT unnest($created)))
      AND eventTime >= $since AND eventTime < $until
    GROUP BY ALL
),
by_api AS (
    SELECT access_key, principal, created, by_service, service, name, sum(calls) AS calls,
           sum(calls) FILTER (WHERE failed) AS errors, bool_and(is_read) AS is_read
    FROM used GROUP BY ALL
),
apis AS (
    SELECT access_key, principal, created, by_service,
           list({{'service': service, 'name': name, 'calls': calls::BIGINT,
                  'errors': coalesce(errors, 0)::BIGINT, 'is_read': is_read}} ORDER BY service, name) AS apis
    FROM by_api GROUP BY ALL
),
by_ip AS (SELECT access_key, principal, created, by_service, ip, sum(calls) AS calls FROM used GROUP BY ALL),
ips AS (
    SELECT access_key, principal, created, by_service, map(list(ip ORDER BY ip), list(calls::BIGINT ORDER BY ip)) AS ips
    FROM by_ip GROUP BY ALL
),
whole AS (
    SELECT
        access_key, principal, coalesce(any_value(type), '') AS type, any_value(account) AS account, created,
        any_value(issuer) AS issuer, by_service, any_value(source_identity) AS source_identity,
        min(first) AS first, max(last) AS last, sum(calls)::BIGINT AS calls,
        coalesce(sum(calls) FILTER (WHERE failed), 0)::BIGINT AS errors,
        list_sort(list(DISTINCT awsRegion)) AS regions, count(DISTINCT userAgent) AS user_agents
    FROM used GROUP BY access_key, principal, created, by_service
)
SELECT * FROM whole
JOIN ips USING (access_key, principal, created, by_service)
JOIN apis USING (access_key, principal, created, by_service)
"""
"""Counted by API, address and agent first: sessions of many calls have few of each."""

_REQUESTS = """
SELECT userIdentity.accessKeyId AS access_key, eventSource AS service, eventName AS name,
       min_by(requestParameters, eventTime, 5) AS requests
FROM events
WHERE userIdentity.accessKeyId IN (SELECT unnest($keys)) AND eventName IN (SELECT unnest($names))
  AND readOnly IS DISTINCT FROM true AND requestParameters IS NOT NULL
  AND eventTime >= $since AND eventTime < $until
GROUP BY ALL
"""

_MINTING = f"""
CREATE OR REPLACE TEMP TABLE minting AS
SELECT eventTime, {MINTED_KEY} AS minted_key FROM events WHERE {IS_MINT}
"""
"""When which key was given out. Looking into all answers is the dear part: once a trace, and without the rest."""
_MINTED = "SELECT DISTINCT eventTime FROM minting WHERE minted_key IN (SELECT unnest($keys)) ORDER BY ALL"
_MADE_BY = f"""
SELECT DISTINCT eventTime FROM events
WHERE {IS_MINT} AND userIdentity.accessKeyId IN (SELECT unnest($keys)) ORDER BY ALL
"""
_AT_TIMES = "eventTime IN (SELECT unnest($times))"
"""Answers are long: of the records that are not of these times they are not read."""
_MINT_EVENT = f"""
    eventID AS event_id, eventTime AS time, eventName AS name, awsRegion AS region, recipientAccountId AS account,
    sourceIPAddress AS source_ip, sharedEventID AS shared_event_id,
    coalesce(userIdentity.type, '') AS type, {_PRINCIPAL} AS principal,
    coalesce(userIdentity.accessKeyId, '') AS access_key, {_CREATED} AS created,
    userIdentity.invokedBy AS invoked_by, userIdentity.accountId AS caller_account,
    userIdentity.principalId AS principal_id, userIdentity.identityProvider AS provider
"""
"""What a `Mint` has of the event and its caller."""
_MINTS = f"""
SELECT
    {_MINT_EVENT},
    coalesce({MINTED_KEY}, '') AS minted_key,
    CASE WHEN json_valid(responseElements) THEN responseElements END AS answer,
    CASE WHEN json_valid(requestParameters) THEN requestParameters END AS request,
    coalesce(
        answer ->> '$.assumedRoleUser.arn', answer ->> '$.federatedUser.arn', answer ->> '$.accessKey.userName',
        answer ->> '$.loginProfile.userName', request ->> '$.userName', request ->> '$.roleArn',
        request ->> '$.targetPrincipal', answer ->> '$.identityId', request ->> '$.name'
    ) AS minted_for,
    request ->> '$.sourceIdentity' AS source_identity
FROM events
WHERE {IS_MINT} AND {{which}}
ORDER BY time, event_id
"""

_PROFILE = r'"iamInstanceProfile"\s*:\s*\{\s*"(arn|id|name)"'
_STARTED = r"""regexp_extract_all(responseElements, '"instanceId"\s*:\s*"(i-[0-9a-f]{8,17})"', 1)"""
_ON_INSTANCE = "regexp_extract(userIdentity.arn, ':assumed-role/[^/]+/(i-[0-9a-f]{8,17})$', 1)"

# The profile stands in the answer alone where a launch template names it.
_LAUNCHES = f"""
SELECT
    {_MINT_EVENT},
    '' AS minted_key, unnest(list_sort(list_distinct({_STARTED}))) AS minted_for, NULL AS source_identity
FROM events
WHERE eventSource = 'ec2.amazonaws.com' AND eventName = 'RunInstances' AND coalesce(errorCode, '') = ''
  AND (regexp_matches(requestParameters, '{_PROFILE}') OR regexp_matches(responseElements, '{_PROFILE}'))
  AND {{which}}
ORDER BY time, event_id, minted_for
"""

_SIGN_INS = f"""
SELECT
    eventID AS event_id, eventTime AS time, eventName AS name, awsRegion AS region,
    coalesce(recipientAccountId, userIdentity.accountId) AS account, sourceIPAddress AS source_ip,
    {_PRINCIPAL} AS principal, userIdentity.userName AS user_name,
    coalesce(errorCode, '') = '' AND responseElements LIKE '%Success%' AS succeeded,
    CASE lower(CASE WHEN json_valid(additionalEventData) THEN additionalEventData ->> '$.MFAUsed' END)
        WHEN 'yes' THEN true WHEN 'no' THEN false END AS used_mfa,
    {_SWITCHED_FROM} AS switched_from
FROM events
WHERE eventSource = 'signin.amazonaws.com' AND eventName IN ('ConsoleLogin', 'SwitchRole') AND {{which}}
ORDER BY time, event_id
"""


class Sessions:
    """
    Questions about sessions to one lake.

    Args:
        opened: The lake, not narrowed: credentials may be older than what was done with them.
        since, until: Activity counts of `since <= eventTime < until`.
    """

    def __init__(self, opened: OpenLake, since: datetime | None, until: datetime | None) -> None:
        self._opened = opened
        self._knows_minting = False
        self._window = {"since": since or BEGINNING, "until": until or END}

    def found_by(self, condition: str, values: dict[str, Any]) -> list[tuple[str, str, str]]:
        """Access key, principal and creation date of the sessions whose events in the window meet a condition."""
        sql = f"{_SESSIONS} WHERE {condition} AND eventTime >= $since AND eventTime < $until ORDER BY ALL"
        return self._rows(sql, {**values, **self._window})

    def of_keys(self, keys: Collection[str]) -> list[tuple[str, str, str]]:
        """Access key, principal and creation date of everything done with these keys, whenever it was."""
        if not keys:
            return []
        sql = f"{_SESSIONS} WHERE userIdentity.accessKeyId IN (SELECT unnest($keys)) ORDER BY ALL"
        return self._rows(sql, {"keys": sorted(keys)})

    def activity(self, sessions: Collection[tuple[str, str, str]]) -> list[Activity]:
        """
        What was done in sessions, a row for each access key.

        Args:
            sessions: Access key, principal, creation date. Other keys of the same principal and date count as well.
        """
        if not sessions:
            return []
        wanted = set(sessions)
        dates = {(principal, created) for _, principal, created in wanted if created}
        values = {
            "principals": sorted({principal for _, principal, _ in wanted}),
            "keys": sorted({key for key, _, _ in wanted if key}),
            "created": sorted({created for _, created in dates}),
            **self._window,
        }
        found = [_activity(row) for row in self._opened.sql(_ACTIVITY, values, dialect="duckdb").dicts()]
        return [
            each
            for each in found
            if (each.access_key, each.principal, each.created) in wanted or (each.principal, each.created) in dates
        ]

    def requests(self, keys: Collection[str], names: Collection[str]) -> list[tuple[str, str, str, list[str]]]:
        """The requests of the first calls of APIs that change something: access key, service, API, requests."""
        if not keys or not names:
            return []
        return self._rows(_REQUESTS, {"keys": sorted(keys), "names": sorted(names), **self._window})

    def mints_by(self, keys: Collection[str]) -> list[Mint]:
        """The credentials that were made with these keys."""
        wanted = sorted(filter(None, keys))
        times = [time for (time,) in self._rows(_MADE_BY, {"keys": wanted})] if wanted else []
        if not times:
            return []
        which = f"{_AT_TIMES} AND userIdentity.accessKeyId IN (SELECT unnest($keys))"
        return self._mints(which, wanted, {"times": times})

    def mints_of(self, keys: Collection[str]) -> list[Mint]:
        """The events these keys came out of; two for one key where two accounts recorded it."""
        wanted = sorted(filter(None, keys))
        if not wanted:
            return []
        if not self._knows_minting:
            self._opened.connection.execute(_MINTING)
            self._knows_minting = True
        found = self._opened.connection.execute(_MINTED, {"keys": wanted}).fetchall()
        if not found:
            return []
        mints = self._mints(_AT_TIMES, wanted, {"times": [time for (time,) in found]})
        return [mint for mint in mints if mint.minted_key in keys]

    def mints_seen(self, event_id: str) -> list[Mint]:
        """The event, if it made credentials."""
        return self._mints("eventID IN (SELECT unnest($keys))", [event_id])

    def mints_shared(self, shared_event_ids: Collection[str]) -> list[Mint]:
        """All accounts' copies of events."""
        return self._mints("sharedEventID IN (SELECT unnest($keys))", shared_event_ids)

    def passwords_for(self, users: Collection[str]) -> list[Mint]:
        """The events that gave users of these names a password."""
        which = (
            "eventName IN ('CreateLoginProfile', 'UpdateLoginProfile')"
            " AND CASE WHEN json_valid(requestParameters) THEN requestParameters ->> '$.userName' END"
            " IN (SELECT unnest($keys))"
        )
        return self._mints(which, users)

    def launches_by(self, keys: Collection[str]) -> list[Mint]:
        """The instances that were started with these keys and given a role: each a mint for its instance id."""
        return self._launches("userIdentity.accessKeyId IN (SELECT unnest($asked))", keys)

    def launches_of(self, instances: Collection[str]) -> list[Mint]:
        """How these instances were started, where they were given a role."""
        found = self._launches(f"list_has_any({_STARTED}, $asked)", instances)
        return [mint for mint in found if mint.minted_for in instances]

    def _launches(self, which: str, asked: Collection[str]) -> list[Mint]:
        if not asked:
            return []
        rows = self._opened.sql(_LAUNCHES.replace("{which}", which), {"asked": sorted(asked)}, dialect="duckdb").dicts()
        return [Mint(**row) for row in rows]

    def on_instances(self, instances: Collection[str]) -> list[tuple[str, str, str]]:
        """Access key, principal and creation date of the role sessions that are called like these instances."""
        if not instances:
            return []
        sql = f"{_SESSIONS} WHERE {_ON_INSTANCE} IN (SELECT unnest($instances)) ORDER BY ALL"
        return self._rows(sql, {"instances": sorted(instances)})

    def _mints(self, which: str, keys: Collection[str], values: Mapping[str, Any] | None = None) -> list[Mint]:
        wanted = sorted(filter(None, keys))
        if not wanted:
            return []
        rows = self._opened.sql(
            _MINTS.replace("{which}", which), {"keys": wanted, **(values or {})}, dialect="duckdb"
        ).dicts()
        return [Mint(**{name: row[name] for name in _MINT_FIELDS}) for row in rows]

    def sign_ins(self, principals: Collection[str], names: Collection[str]) -> list[SignIn]:
        """Sign-ins of principals, and those of users of these names, failed ones too."""
        which = (
            f"({_PRINCIPAL} IN (SELECT unnest($principals)) OR userIdentity.userName IN (SELECT unnest($names))"
            f" OR {_SWITCHED_FROM} IN (SELECT unnest($principals)))"
        )
        return self._sign_ins(which, {"principals": sorted(principals), "names": sorted(names)})

    def sign_ins_where(self, condition: str, values: Mapping[str, Any]) -> list[SignIn]:
        """Sign-ins in the window that meet a condition, such as an address."""
        return self._sign_ins(f"{condition} AND eventTime >= $since AND eventTime < $until", {**values, **self._window})

    def _sign_ins(self, which: str, values: dict[str, Any]) -> list[SignIn]:
        rows = self._opened.sql(_SIGN_INS.replace("{which}", which), values, dialect="duckdb").dicts()
        return [SignIn(**row) for row in rows]

    def _rows(self, sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        return self._opened.sql(sql, values, dialect="duckdb").rows()


def _activity(row: dict[str, Any]) -> Activity:
    apis = tuple(Api(**api) for api in row["apis"])
    regions = tuple(filter(None, row["regions"] or ()))
    return Activity(**{**row, "apis": apis, "ips": dict(row["ips"]), "regions": regions})
