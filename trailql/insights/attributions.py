"""Who and what was behind a burst: the most frequent users, agents and error codes, then and in the baseline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import duckdb

from trailql.insights.anomaly import AttributedRate, Attribution
from trailql.insights.bursts import Burst
from trailql.insights.rates import IS_COUNTED, MINUTE_OF, fetch

_MOST_VALUES = 5
_ATTRIBUTES = ("userIdentityArn", "userAgent", "errorCode")

_CALLS_BY_VALUE = rf"""
WITH bursts AS (
    SELECT unnest($accounts::VARCHAR[]) AS account, unnest($regions::VARCHAR[]) AS region,
           unnest($sources::VARCHAR[]) AS event_source, unnest($names::VARCHAR[]) AS event_name,
           unnest($error_codes::VARCHAR[]) AS error_code,
           unnest($starts::BIGINT[]) AS start_minute, unnest($ends::BIGINT[]) AS end_minute,
           unnest($baseline_starts::BIGINT[]) AS baseline_start, unnest($baseline_ends::BIGINT[]) AS baseline_end,
           unnest(range(len($accounts::VARCHAR[]))) AS number
),
calls AS (
    SELECT coalesce(recipientAccountId, '') AS account, coalesce(awsRegion, '') AS region, eventSource, eventName,
           nullif(errorCode, '') AS code, readOnly IS FALSE AS is_write, {MINUTE_OF} AS minute,
           coalesce(regexp_replace(userIdentity.arn, '^(arn:[^:]*:sts:[^:]*:[^:]*:assumed-role/[^/]+)/.*$', '\1'),
                    userIdentity.invokedBy, 'null') AS "userIdentityArn",
           coalesce(userAgent, 'null') AS "userAgent",
           coalesce(nullif(errorCode, ''), 'null') AS "errorCode"
    FROM events
    WHERE eventTime >= to_timestamp($since) AND eventTime < to_timestamp($until) AND {IS_COUNTED}
)
SELECT number,
       grouping_id("userIdentityArn", "userAgent", "errorCode") AS others,
       coalesce("userIdentityArn", "userAgent", "errorCode") AS value,
       count(*) FILTER (minute = start_minute) AS at_start,
       count(*) FILTER (minute >= start_minute AND minute < end_minute) AS within,
       count(*) FILTER (minute < baseline_end) AS before
FROM calls JOIN bursts
  ON calls.account = bursts.account AND calls.region = bursts.region
 AND calls.eventSource = bursts.event_source AND calls.eventName = bursts.event_name
 AND CASE WHEN bursts.error_code IS NULL THEN calls.is_write ELSE calls.code = bursts.error_code END
 AND minute >= baseline_start AND minute < end_minute AND (minute < baseline_end OR minute >= start_minute)
GROUP BY GROUPING SETS ((number, "userIdentityArn"), (number, "userAgent"), (number, "errorCode"))
"""
_ATTRIBUTE_OF = {0b011: "userIdentityArn", 0b101: "userAgent", 0b110: "errorCode"}
"""By grouping_id: the bits of the columns that are not grouped by are set."""

_Counts = list[tuple[str, int, int, int]]


def attribute_bursts(con: duckdb.DuckDBPyConnection, bursts: Sequence[Burst]) -> list[tuple[Attribution, ...]]:
    """
    Say what the calls of each burst have in common.

    A call an AWS service made for itself has no ARN; it is attributed to the service's name in `invokedBy`.

    Args:
        con: Has the view `events`.
        bursts: As found by `trailql.insights.bursts.find_bursts` over the same events.

    Returns:
        For each burst: user, agent, and for call rates error code. CloudTrail leaves the error code out of error
        rates, where it is the same for all.
    """
    if not bursts:
        return []
    counts: defaultdict[tuple[int, str], _Counts] = defaultdict(list)
    rows = fetch(con, _CALLS_BY_VALUE, _bound(bursts)).to_pylist()
    for row in rows:
        counted = (row["value"], row["at_start"], row["within"], row["before"])
        counts[row["number"], _ATTRIBUTE_OF[row["others"]]].append(counted)
    return [
        tuple(
            _attribution(attribute, counts[number, attribute], burst)
            for attribute in _ATTRIBUTES
            if attribute != "errorCode" or burst.series.error_code is None
        )
        for number, burst in enumerate(bursts)
    ]


def _bound(bursts: Sequence[Burst]) -> dict[str, object]:
    return {
        "accounts": [burst.series.account for burst in bursts],
        "regions": [burst.series.region for burst in bursts],
        "sources": [burst.series.event_source for burst in bursts],
        "names": [burst.series.event_name for burst in bursts],
        "error_codes": [burst.series.error_code for burst in bursts],
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
        baseline=_top([(value, before) for value, _, _, before in counts], burst.baseline_days * 1440),
    )


def _top(counts: list[tuple[str, int]], minutes: int) -> tuple[AttributedRate, ...]:
    ordered = sorted((each for each in counts if each[1]), key=lambda each: (-each[1], each[0]))
    return tuple(AttributedRate(value, calls / minutes) for value, calls in ordered[:_MOST_VALUES])
