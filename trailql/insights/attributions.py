"""Who and what was behind a burst: the most frequent users, agents, errors, resources and APIs, then and before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import duckdb

from trailql.insights.anomaly import AttributedRate, Attribution
from trailql.insights.locate import Burst
from trailql.insights.rates import COUNTED_AS, IS_COUNTED, IS_DATA, MINUTE_OF, PRINCIPAL, fetch
from trailql.lake.parquet import sql_text

_MOST_VALUES = 5
_ATTRIBUTES = {
    "calls": ("userIdentityArn", "userAgent", "errorCode", "resourceArn"),
    "errors": ("userIdentityArn", "userAgent", "resourceArn"),
    "resources": ("userIdentityArn", "userAgent"),
    "writes": ("eventName", "userAgent", "errorCode"),
    "reads": ("eventName", "userAgent", "errorCode"),
    "refusals": ("eventName", "userAgent", "errorCode"),
    "new_apis": ("userIdentityArn", "eventName", "userAgent", "errorCode"),
    "regions": (),
}
"""By kind, in the order of the record; `resourceArn` only of data events, `eventName` of APIs counted together."""

_COUNTED = f"CASE kind {' '.join(f'WHEN {sql_text(kind)} THEN {sql}' for kind, sql in COUNTED_AS.items())} END"
_CALLS_BY_VALUE = rf"""
WITH bursts AS (
    SELECT unnest($kinds::VARCHAR[]) AS kind,
           unnest($accounts::VARCHAR[]) AS account, unnest($regions::VARCHAR[]) AS region,
           unnest($sources::VARCHAR[]) AS event_source, unnest($names::VARCHAR[]) AS event_name,
           unnest($subjects::VARCHAR[]) AS subject,
           unnest($starts::BIGINT[]) AS start_minute, unnest($ends::BIGINT[]) AS end_minute,
           unnest($baseline_starts::BIGINT[]) AS baseline_start, unnest($baseline_ends::BIGINT[]) AS baseline_end,
           unnest(range(len($accounts::VARCHAR[]))) AS number
),
calls AS (
    SELECT coalesce(recipientAccountId, userIdentity.accountId, '') AS account, coalesce(awsRegion, '') AS region,
           eventSource, eventName, nullif(errorCode, '') AS error_code, {PRINCIPAL} AS principal,
           coalesce(readOnly, errorCode IS NOT NULL) AS is_read, {IS_DATA} IS TRUE AS is_data, {MINUTE_OF} AS minute,
           coalesce(regexp_replace(userIdentity.arn, '^(arn:[^:]*:sts:[^:]*:[^:]*:assumed-role/[^/]+)/.*$', '\1'),
                    userIdentity.invokedBy, 'null') AS "userIdentityArn",
           coalesce(userAgent, 'null') AS "userAgent",
           coalesce(nullif(errorCode, ''), 'null') AS "errorCode",
           CASE WHEN {IS_DATA} THEN coalesce(json_extract_string(resources, '$[0].ARN'), 'null') END AS "resourceArn"
    FROM events
    WHERE eventTime >= to_timestamp($since) AND eventTime < to_timestamp($until) AND {IS_COUNTED}
      AND ($any_api OR list_contains($names, eventName))
),
chosen AS (
    SELECT number, start_minute, end_minute, baseline_end, calls.*
    FROM calls JOIN bursts
      ON calls.account = bursts.account AND calls.region = bursts.region
     AND calls.eventSource = bursts.event_source AND calls.eventName = bursts.event_name
     AND {_COUNTED} AND (kind <> 'errors' OR calls.error_code = bursts.subject)
     AND minute >= baseline_start AND minute < end_minute AND (minute < baseline_end OR minute >= start_minute)
    UNION ALL
    SELECT number, start_minute, end_minute, baseline_end, calls.*
    FROM calls JOIN bursts
      ON calls.account = bursts.account AND calls.principal = bursts.subject AND bursts.event_name = ''
     AND {_COUNTED}
     AND minute >= baseline_start AND minute < end_minute AND (minute < baseline_end OR minute >= start_minute)
    UNION ALL
    SELECT number, start_minute, end_minute, baseline_end, calls.*
    FROM calls JOIN bursts
      ON bursts.kind = 'new_apis' AND calls.account = bursts.account AND calls.region = bursts.region
     AND minute >= baseline_start AND minute < end_minute
    QUALIFY min(minute) OVER (PARTITION BY number, eventSource, eventName) >= start_minute
),
said AS (
    UNPIVOT (SELECT number, start_minute, end_minute, baseline_end, minute, "userIdentityArn", "userAgent", "errorCode",
                    "resourceArn", eventName AS "eventName" FROM chosen)
    ON "userIdentityArn", "userAgent", "errorCode", "resourceArn", "eventName" INTO NAME attribute VALUE value
)
SELECT number, attribute, value,
       count(*) FILTER (minute = start_minute) AS at_start,
       count(*) FILTER (minute >= start_minute AND minute < end_minute) AS within,
       count(*) FILTER (minute < baseline_end) AS before
FROM said GROUP BY number, attribute, value
"""

_Counts = list[tuple[str, int, int, int]]


def attribute_bursts(con: duckdb.DuckDBPyConnection, bursts: Sequence[Burst]) -> list[tuple[Attribution, ...]]:
    """
    Say what the calls of each burst have in common.

    A call an AWS service made for itself has no ARN; it is attributed to the service's name in `invokedBy`.

    Args:
        con: Has the view `events` and the macro `actor`.
        bursts: As found by `trailql.insights.locate.located` over the same events.

    Returns:
        For each burst: user, agent, and for call rates error code; for data events the resource. CloudTrail leaves the
        error code out of error rates, where it is the same for all. For a principal: API, agent and error code.
    """
    if not bursts:
        return []
    counts: defaultdict[tuple[int, str], _Counts] = defaultdict(list)
    for row in fetch(con, _CALLS_BY_VALUE, _bound(bursts)).to_pylist():
        counted = (row["value"], row["at_start"], row["within"], row["before"])
        counts[row["number"], row["attribute"]].append(counted)
    return [
        tuple(
            _attribution(attribute, counts[number, attribute], burst)
            for attribute in _ATTRIBUTES[burst.series.kind]
            if attribute != "resourceArn" or counts[number, attribute]
        )
        for number, burst in enumerate(bursts)
    ]


def _bound(bursts: Sequence[Burst]) -> dict[str, object]:
    return {
        "kinds": [burst.series.kind for burst in bursts],
        "accounts": [burst.series.account for burst in bursts],
        "regions": [burst.series.region for burst in bursts],
        "sources": [burst.series.event_source for burst in bursts],
        "names": [burst.series.event_name for burst in bursts],
        "any_api": any(not burst.series.event_name for burst in bursts),
        "subjects": [burst.series.subject for burst in bursts],
        "starts": [burst.start_minute for burst in bursts],
        "ends": [burst.end_minute for burst in bursts],
        "baseline_starts": [burst.baseline_start_minute for burst in bursts],
        "baseline_ends": [burst.baseline_end_minute for burst in bursts],
        "since": 60 * min(burst.baseline_start_minute for burst in bursts),
        "until": 60 * max(burst.end_minute for burst in bursts),
    }


def _attribution(attribute: str, counts: _Counts, burst: Burst) -> Attribution:
    return Attribution(
        attribute=attribute,
        start=_top([(value, at_start) for value, at_start, _, _ in counts], 1),
        insight=_top([(value, within) for value, _, within, _ in counts], burst.end_minute - burst.start_minute),
        baseline=_top([(value, before) for value, _, _, before in counts], max(1, burst.baseline_days) * 1440),
    )


def _top(counts: list[tuple[str, int]], minutes: int) -> tuple[AttributedRate, ...]:
    ordered = sorted((each for each in counts if each[1]), key=lambda each: (-each[1], each[0]))
    return tuple(AttributedRate(value, calls / minutes) for value, calls in ordered[:_MOST_VALUES])
