"""
Silences that chance does not explain: where deliveries were to be expected and none came.

A quiet Region has no log files for hours and days, so that none came is no news by itself. Each series (everything in
the lake, an account, an account's Region) is compared with its own four weeks before and after a silence:

- **by the hour**, where it was heard in at least three of four hours there, and of those before alone. An hour of the
  day, on weekdays or at weekends, in which it was heard h times of n is silent by chance with 1 − (h + 2r) / (n + 2),
  r being its rate over all hours, and at least once in a hundred. The chances of the silent hours are multiplied.
- **by the day**, where it was heard less often, on seven days at least, three of them before. Only whole silent days
  count. A weekday (a weekend day) is silent by chance as often as the others were, and at least once in 25: about as
  often as people have holidays, whose hours are silent together.

Such a chance is multiplied with the number of series and of hours (days) a silence could begin in. What is reported is
what chance would bring less than `chance` times in the whole lake.

A lake that was silent for four weeks up to the end of the time looked at, or always, is reported whatever its habits:
that there is nothing to compare with is no good news.

Accounts and Regions are judged by the hours in which anyone was heard, so that what was not ingested at all is reported
once, for the lake. Regions that fell silent together are reported once, for the account, unless one of them was silent
for much longer.
"""

from __future__ import annotations

from typing import Any

import duckdb

REACH_DAYS = 28
"""How far before and after a silence a series is looked at."""
STEADY = 0.75
"""The share of hours heard in from which a series is judged by the hour."""
LEAST_HOURS_AROUND = 72
LEAST_DAYS_HEARD = 7
_LEAST_HOURS_BEFORE, _LEAST_DAYS_BEFORE = 24, 3
_MOST_CERTAIN_HOUR = 0.01
_MOST_CERTAIN_DAY = 0.04
_HOURS_MULTIPLIED = 240
_TOGETHER = 0.75

WEEKEND = "(({day} + 3) % 7 >= 5)"
"""SQL: whether a day counted from 1970-01-01, a Thursday, is a Saturday or Sunday."""

_GAPS = """
CREATE TEMP TABLE gap (
    level VARCHAR, account VARCHAR, region VARCHAR, first_n BIGINT, last_n BIGINT, from_hour BIGINT, until_hour BIGINT,
    hours BIGINT, heard_share DOUBLE, basis VARCHAR, chance DOUBLE, last_at TIMESTAMPTZ, next_at TIMESTAMPTZ,
    ongoing BOOLEAN
)
"""

_AXES = {
    "lake": "SELECT unnest(range((SELECT min(hour) FROM heard), $end_hour)) AS hour",
    "account": "SELECT DISTINCT hour FROM heard",
    "region": "SELECT DISTINCT hour FROM heard",
}

_AXIS = """
CREATE OR REPLACE TEMP TABLE axis AS
SELECT hour, row_number() OVER (ORDER BY hour) - 1 AS n, hour // 24 AS day, hour % 24 AS hour_of_day,
       {weekend} AS weekend, dense_rank() OVER (ORDER BY hour // 24) - 1 AS d
FROM ({hours})
"""

_AXIS_DAYS = """
CREATE OR REPLACE TEMP TABLE axis_days AS
SELECT list(weekdays ORDER BY d) AS weekdays, list(weekends ORDER BY d) AS weekends
FROM (
    SELECT d, sum((NOT weekend)::BIGINT) OVER (ORDER BY d) AS weekdays,
           sum(weekend::BIGINT) OVER (ORDER BY d) AS weekends
    FROM (SELECT DISTINCT d, weekend FROM axis)
)
"""

_MARKS = {
    "lake": "SELECT '' AS account, '' AS region, hour, min(first_at) AS first_at, max(last_at) AS last_at"
    " FROM heard GROUP BY hour",
    "account": """
        SELECT account, '' AS region, hour, min(first_at) AS first_at, max(last_at) AS last_at FROM heard
        WHERE account IN (SELECT account FROM heard GROUP BY account HAVING count(DISTINCT region) > 1)
        GROUP BY account, hour""",
    "region": "SELECT account, region, hour, first_at, last_at FROM heard",
}

_MARK = """
CREATE OR REPLACE TEMP TABLE mark AS
SELECT account, region, n, d, weekend, first_at, last_at FROM ({marks}) JOIN axis USING (hour)
"""

_SILENCES = """
CREATE OR REPLACE TEMP TABLE silence AS
WITH series AS (SELECT account, region, min(n) AS origin FROM mark GROUP BY ALL),
points AS (
    SELECT account, region, n, true AS is_heard, first_at, last_at FROM mark
    UNION ALL SELECT account, region, $axis_hours, false, NULL, NULL FROM series
),
counted AS (
    SELECT *,
           count(*) FILTER (WHERE is_heard) OVER (
               PARTITION BY account, region ORDER BY n RANGE BETWEEN $reach - 1 PRECEDING AND CURRENT ROW
           ) AS heard_before,
           count(*) FILTER (WHERE is_heard) OVER (
               PARTITION BY account, region ORDER BY n RANGE BETWEEN CURRENT ROW AND $reach - 1 FOLLOWING
           ) AS heard_from
    FROM points
),
paired AS (
    SELECT account, region, n, last_at, heard_before, least($reach, n - origin + 1) AS hours_before, origin,
           lead(n) OVER following AS next_n,
           lead(first_at) OVER following AS next_at, lead(heard_from) OVER following AS heard_after
    FROM counted JOIN series USING (account, region)
    WINDOW following AS (PARTITION BY account, region ORDER BY n)
)
SELECT row_number() OVER () AS id, account, region, origin, n + 1 AS first_n, next_n, last_at, next_at,
       next_n = $axis_hours AS ongoing, next_n - n - 1 AS hours, heard_before + heard_after AS heard_hours,
       hours_before + least($reach, $axis_hours - next_n) AS hours_around,
       heard_before >= greatest($least_before, $steady * hours_before)
           AND heard_hours >= $steady * hours_around AND hours_around >= $least_around AS is_steady
FROM paired
WHERE next_n - n - 1 >= $least_hours
"""

_BY_THE_HOUR = """
WITH steady AS (
    SELECT *, heard_hours / hours_around AS rate FROM silence
    WHERE is_steady AND hours * ln($certain) + ln($places) < ln($chance)
),
around AS (
    SELECT id, account, region, unnest(range(greatest(origin, first_n - $reach), first_n)) AS n FROM steady
    UNION ALL
    SELECT id, account, region, unnest(range(next_n, least(next_n + $reach, $axis_hours))) FROM steady
),
usual AS (
    SELECT id, axis.weekend, hour_of_day, count(*) AS hours, count(mark.n) AS heard
    FROM around JOIN axis USING (n) LEFT JOIN mark USING (account, region, n)
    GROUP BY ALL
),
missing AS (
    SELECT id, rate, unnest(range(first_n, least(next_n, first_n + $multiplied))) AS n FROM steady
),
judged AS (
    SELECT id, ln($places) + sum(ln(greatest(
        $certain, 1 - (coalesce(usual.heard, 0) + 2 * rate) / (coalesce(usual.hours, 0) + 2)))) AS log_chance
    FROM missing JOIN axis USING (n) LEFT JOIN usual USING (id, weekend, hour_of_day)
    GROUP BY id
)
SELECT id, 'hours' AS basis, log_chance FROM judged WHERE log_chance < ln($chance)
"""

_BY_THE_DAY = """
WITH marked AS (
    SELECT account, region, d, first(weekend) AS weekend FROM mark GROUP BY ALL
),
counted AS (
    SELECT account, region, d, min(d) OVER (PARTITION BY account, region) AS origin,
           count(*) FILTER (WHERE NOT weekend) OVER before AS weekdays_before,
           count(*) FILTER (WHERE weekend) OVER before AS weekends_before,
           count(*) FILTER (WHERE NOT weekend) OVER after AS weekdays_after,
           count(*) FILTER (WHERE weekend) OVER after AS weekends_after
    FROM marked
    WINDOW before AS (PARTITION BY account, region ORDER BY d RANGE BETWEEN $reach - 1 PRECEDING AND CURRENT ROW),
           after AS (PARTITION BY account, region ORDER BY d RANGE BETWEEN CURRENT ROW AND $reach - 1 FOLLOWING)
),
seldom AS (
    SELECT id, account, region, ongoing, before.d AS d1, CASE WHEN ongoing THEN $axis_days - 1 ELSE after.d END AS d2
    FROM silence
    JOIN axis AS before ON before.n = silence.first_n - 1
    LEFT JOIN axis AS after ON after.n = silence.next_n
    WHERE NOT is_steady AND d2 - d1 > 1
),
compared AS (
    SELECT id, a.weekdays_before + coalesce(b.weekdays_after, 0) AS heard_weekdays,
           a.weekends_before + coalesce(b.weekends_after, 0) AS heard_weekends,
           a.weekdays_before + a.weekends_before AS heard_before, a.d AS before_last,
           greatest(a.origin, a.d - $reach + 1) AS before_first,
           b.d AS after_first, least(b.d + $reach, $axis_days) - 1 AS after_last, d1, d2
    FROM seldom
    ASOF JOIN counted AS a ON seldom.account = a.account AND seldom.region = a.region AND seldom.d1 >= a.d
    LEFT JOIN counted AS b
        ON NOT ongoing AND seldom.account = b.account AND seldom.region = b.region AND seldom.d2 = b.d
),
totals AS (
    SELECT id, heard_weekdays, heard_weekends,
           weekdays[before_last + 1] - coalesce(weekdays[nullif(before_first, 0)], 0)
               + coalesce(weekdays[after_last + 1] - coalesce(weekdays[nullif(after_first, 0)], 0), 0)
               AS weekdays_around,
           weekends[before_last + 1] - coalesce(weekends[nullif(before_first, 0)], 0)
               + coalesce(weekends[after_last + 1] - coalesce(weekends[nullif(after_first, 0)], 0), 0)
               AS weekends_around,
           weekdays[d2] - weekdays[d1 + 1] AS silent_weekdays, weekends[d2] - weekends[d1 + 1] AS silent_weekends
    FROM compared, axis_days
    WHERE heard_weekdays + heard_weekends >= $least_days AND heard_before >= $least_before
),
judged AS (
    SELECT id, ln($places)
        + silent_weekdays * ln(greatest($certain, (weekdays_around - heard_weekdays + 0.5) / (weekdays_around + 0.5)))
        + silent_weekends * ln(greatest($certain, (weekends_around - heard_weekends + 0.5) / (weekends_around + 0.5)))
        AS log_chance
    FROM totals
)
SELECT id, 'days' AS basis, log_chance FROM judged WHERE log_chance < ln($chance)
"""

_INTO_GAPS = """
INSERT INTO gap
SELECT $level, account, region, silence.first_n, next_n - 1, begins.hour, ends.hour + 1, hours,
       heard_hours / hours_around, basis, exp(log_chance), last_at, next_at, ongoing
FROM ({judged}) JOIN silence USING (id)
JOIN axis AS begins ON begins.n = silence.first_n
JOIN axis AS ends ON ends.n = silence.next_n - 1
"""


_DROP_GAPS = (
    f"""
    DELETE FROM gap WHERE level = 'account' AND EXISTS (
        FROM gap AS one WHERE one.level = 'region' AND one.account = gap.account
            AND one.first_n <= gap.first_n AND one.last_n >= gap.last_n AND gap.hours < {_TOGETHER} * one.hours
    )""",
    """
    DELETE FROM gap WHERE level = 'region' AND EXISTS (
        FROM gap AS whole WHERE whole.level = 'account' AND whole.account = gap.account
            AND gap.first_n <= whole.first_n AND gap.last_n >= whole.last_n
    )""",
)
"""A gap of an account's Region holds that of the account, or ends before it begins; one of them is said."""


def make_gaps(con: duckdb.DuckDBPyConnection, *, end_hour: int, least_hours: int, chance: float) -> None:
    """
    Fill the temporary table `gap` with the silences of `heard` that chance does not explain.

    Args:
        con: Has a temporary table `heard` with `account`, `region`, `hour` (hours since 1970, UTC; each hour once),
            and `first_at`, `last_at`: the first and last delivery in that hour, null where none is known.
        end_hour: Hours before this one are judged; `heard` has none from it on.
        least_hours: Shorter silences are left alone.
        chance: How many silences may be reported that are chance, in the whole lake.
    """
    con.execute(_GAPS)
    accounts, pairs = _row(con, "SELECT count(DISTINCT account), count(DISTINCT (account, region)) FROM heard")
    levels = ["lake", *(["account"] if accounts > 1 else []), *(["region"] if pairs > 1 else [])]
    for level in levels if pairs else []:
        con.execute(
            _AXIS.format(hours=_AXES[level], weekend=WEEKEND.format(day="hour // 24")), _used(_AXES[level], end_hour)
        )
        con.execute(_AXIS_DAYS)
        con.execute(_MARK.format(marks=_MARKS[level]))
        hours, days = _row(con, "SELECT count(*), count(DISTINCT d) FROM axis")
        reach, series = REACH_DAYS * 24, pairs + accounts + 1
        asked = {"chance": chance, "level": level}
        steady = {"steady": STEADY, "least_around": LEAST_HOURS_AROUND, "least_before": _LEAST_HOURS_BEFORE}
        con.execute(_SILENCES, {**steady, "axis_hours": hours, "reach": reach, "least_hours": max(1, least_hours)})
        by_hour = {"certain": _MOST_CERTAIN_HOUR, "multiplied": _HOURS_MULTIPLIED, "places": float(series * hours)}
        con.execute(_INTO_GAPS.format(judged=_BY_THE_HOUR), {**asked, **by_hour, "reach": reach, "axis_hours": hours})
        by_day = {
            "certain": _MOST_CERTAIN_DAY,
            "least_days": LEAST_DAYS_HEARD,
            "least_before": _LEAST_DAYS_BEFORE,
            "places": float(series * days),
        }
        con.execute(_INTO_GAPS.format(judged=_BY_THE_DAY), {**asked, **by_day, "reach": REACH_DAYS, "axis_days": days})
    for drop in _DROP_GAPS:
        con.execute(drop)


_LONG_SILENCE = """
INSERT INTO gap
WITH last AS (
    SELECT max(hour) AS hour FROM (SELECT hour FROM heard UNION ALL SELECT hour FROM delivery) WHERE hour < $end_hour
),
before AS (
    SELECT count(DISTINCT heard.hour) / ($reach_hours) AS heard_share, max(heard.last_at) AS last_at
    FROM heard, last WHERE heard.hour > last.hour - $reach_hours
),
silence AS (SELECT coalesce(last.hour + 1, $begin_hour) AS from_hour, last.hour IS NOT NULL AS is_known FROM last)
SELECT 'lake', '', '', NULL, NULL, from_hour, $end_hour, $end_hour - from_hour, heard_share, 'length', NULL,
       coalesce(last_at, (SELECT max(last_at) FROM delivery WHERE hour < $end_hour)), NULL, true
FROM silence, before
WHERE $end_hour - from_hour >= $least_hours
  AND CASE WHEN is_known THEN $end_hour - from_hour >= $reach_hours
           ELSE NOT EXISTS (FROM delivery WHERE hour IS NOT NULL) END
  AND NOT EXISTS (FROM gap WHERE level = 'lake' AND ongoing)
"""


def add_long_silence(con: duckdb.DuckDBPyConnection, *, begin_hour: int, end_hour: int, least_hours: int) -> None:
    """
    Add the silence of a lake that got nothing in four weeks up to the end, or never: no habit makes that no hole.

    Args:
        con: Has `heard` and `gap`, and a temporary table `delivery` with `hour` and `last_at` of all deliveries.
        begin_hour: Where the silence of a lake that never got anything begins.
        end_hour: Where it ends. What came first after it leaves no silence before it.
        least_hours: A shorter one is left alone.
    """
    hours = {"begin_hour": begin_hour, "end_hour": end_hour, "reach_hours": REACH_DAYS * 24}
    con.execute(_LONG_SILENCE, {**hours, "least_hours": max(1, least_hours)})


def _used(sql: str, end_hour: int) -> dict[str, Any]:
    return {"end_hour": end_hour} if "$end_hour" in sql else {}


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    found = con.execute(sql).fetchone()
    assert found is not None
    return found
