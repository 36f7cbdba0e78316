"""
Windows of minute counts, and the days on which they were busier than a series' baseline allows.

The counting is left to a DuckDB of its own, which never sees more than the minute counts; the test itself
(`trailql.insights.baseline`) runs in Python, only for days on which a series beat its record.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from trailql.insights.baseline import LEAST_DAYS, WIDTHS, Baseline, log_limit

_TABLES = """
CREATE TABLE first_days AS SELECT account, min(day) AS day FROM covered GROUP BY account;
CREATE TABLE counted AS
    WITH both_rates AS (
        SELECT account, region, event_source, event_name, NULL AS error_code, minute, calls FROM rates WHERE is_write
        UNION ALL
        SELECT account, region, event_source, event_name, error_code, minute, calls
        FROM rates WHERE error_code IS NOT NULL
    )
    SELECT account, region, event_source, event_name, error_code, minute, sum(calls)::BIGINT AS calls
    FROM both_rates JOIN first_days USING (account)
    WHERE minute // 1440 > first_days.day  -- the day of the first event is seldom whole
    GROUP BY ALL;
CREATE TABLE series AS
    SELECT row_number() OVER (ORDER BY account, region, event_source, event_name, error_code) AS id, *
    FROM (SELECT DISTINCT account, region, event_source, event_name, error_code FROM counted);
CREATE TABLE windows AS
    SELECT series.id, minute, minute // 1440 AS day, calls AS calls_1,
           (sum(calls) OVER (w RANGE BETWEEN 4 PRECEDING AND CURRENT ROW))::BIGINT AS calls_5,
           (sum(calls) OVER (w RANGE BETWEEN 14 PRECEDING AND CURRENT ROW))::BIGINT AS calls_15,
           (sum(calls) OVER (w RANGE BETWEEN 59 PRECEDING AND CURRENT ROW))::BIGINT AS calls_60
    FROM counted JOIN series
      ON (counted.account, counted.region, counted.event_source, counted.event_name)
       = (series.account, series.region, series.event_source, series.event_name)
     AND counted.error_code IS NOT DISTINCT FROM series.error_code
    WINDOW w AS (PARTITION BY series.id ORDER BY minute);
CREATE TABLE days AS
    SELECT id, day, max(calls_1) AS calls_1, max(calls_5) AS calls_5, max(calls_15) AS calls_15,
           max(calls_60) AS calls_60, sum(calls_1)::BIGINT AS calls
    FROM windows GROUP BY id, day;
"""

_RECORD_DAYS = """
SELECT id, account, day, [calls_1, calls_5, calls_15, calls_60] AS busiest,
       list([calls_1, calls_5, calls_15, calls_60]) OVER before AS busiest_before,
       coalesce(sum(calls) OVER before, 0)::BIGINT AS calls_before
FROM days JOIN series USING (id)
WINDOW before AS (PARTITION BY id ORDER BY day RANGE BETWEEN $baseline_days PRECEDING AND 1 PRECEDING)
QUALIFY day BETWEEN $first_day AND $last_day
    AND calls_60 > 1
    AND (calls_1 > coalesce(max(calls_1) OVER before, 0) OR calls_5 > coalesce(max(calls_5) OVER before, 0)
      OR calls_15 > coalesce(max(calls_15) OVER before, 0) OR calls_60 > coalesce(max(calls_60) OVER before, 0))
ORDER BY id, day
"""

_ACCOUNT_DAYS = """
WITH tested AS (SELECT account, day FROM covered WHERE day BETWEEN $first_day AND $last_day),
     coverage AS (
         SELECT tested.account, tested.day, count(*) AS days
         FROM tested JOIN covered ON covered.account = tested.account
          AND covered.day BETWEEN tested.day - $baseline_days AND tested.day - 1
         JOIN first_days ON first_days.account = covered.account AND covered.day > first_days.day
         GROUP BY ALL
     ),
     variety AS (
         SELECT tested.account, tested.day, count(DISTINCT days.id) AS series
         FROM tested JOIN series ON series.account = tested.account
         JOIN days ON days.id = series.id AND days.day BETWEEN tested.day - $baseline_days AND tested.day - 1
         GROUP BY ALL
     )
SELECT account, day, coverage.days, coalesce(variety.series, 0) AS series
FROM coverage LEFT JOIN variety USING (account, day)
"""


@dataclass(frozen=True, slots=True)
class UnusualDay:
    """
    A series on a day with an unusual window.

    Args:
        baselines: By width of window.
        calls_before: Calls on the days of the baseline.
        days_before: How many days that are.
        least: By width, the fewest calls that are unusual; a width without them is missing.
    """

    baselines: dict[int, Baseline]
    calls_before: int
    days_before: int
    least: dict[int, int]


def count_windows(lab: duckdb.DuckDBPyConnection, rates: pa.Table, covered: pa.Table) -> None:
    """
    Make the tables `series`, `windows` (one row per active minute, which ends a window of each width) and `days`.

    Args:
        lab: An empty database.
        rates: From `trailql.insights.rates.minute_calls`.
        covered: From `trailql.insights.rates.covered_days`.
    """
    lab.register("rates", rates)
    lab.register("covered", covered)
    lab.execute(_TABLES)


def unusual_days(
    lab: duckdb.DuckDBPyConnection,
    first_day: int,
    last_day: int,
    baseline_days: int,
    false_per_account_week: float,
) -> dict[tuple[int, int], UnusualDay]:
    """
    Test every series on every day.

    Args:
        lab: As `count_windows` left it.
        first_day: Days since 1970, UTC.
        last_day: The last to test.
        baseline_days: How many days before to compare with.
        false_per_account_week: See `trailql.insights.baseline.log_limit`.

    Returns:
        The unusual days, by series and day.
    """
    span = {"first_day": first_day, "last_day": last_day, "baseline_days": baseline_days}
    known = {(account, day): counts for account, day, *counts in lab.execute(_ACCOUNT_DAYS, span).fetchall()}
    found: dict[tuple[int, int], UnusualDay] = {}
    for series, account, day, busiest, before, calls_before in lab.execute(_RECORD_DAYS, span).fetchall():
        days_before, variety = known.get((account, day), (0, 0))
        if days_before < LEAST_DAYS:
            continue
        limit = log_limit(variety, false_per_account_week)
        past = list(zip(*(before or []), strict=True)) or [()] * len(WIDTHS)
        baselines = {width: Baseline(days_before, calls) for width, calls in zip(WIDTHS, past, strict=True)}
        tested = {
            width: baselines[width].least_unusual(limit, most) for width, most in zip(WIDTHS, busiest, strict=True)
        }
        least = {width: calls for width, calls in tested.items() if calls is not None}
        if least:
            found[series, day] = UnusualDay(baselines, calls_before, days_before, least)
    return found
