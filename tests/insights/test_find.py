"""Planted bursts are found, ordinary rhythms are not."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.insights.events import ACCOUNT, FIRST_DAY, Row, burst, call, connection_with, coverage, steady
from trailql.errors import QueryError, UsageError
from trailql.insights.anomaly import Insight, insight_records
from trailql.insights.find import Asked, find_insights_in
from trailql.insights.kinds import AWS_KINDS, PRINCIPAL_KINDS


def _find(*parts: list[Row]) -> list[Insight]:
    return _in(connection_with([row for part in parts for row in part]))


def _in(con: duckdb.DuckDBPyConnection, **asked: Any) -> list[Insight]:
    return find_insights_in(con, Asked(**{"kinds": AWS_KINDS, **asked}))[0]


def _at(day: int, minute: int) -> datetime:
    return FIRST_DAY + timedelta(days=day, minutes=minute)


def test_burst_in_a_steady_series_is_found() -> None:
    """200 calls in ten minutes, where 48 a day are usual, are one insight with their minutes and numbers."""
    (insight,) = _find(steady(35, 48, seed=3), burst(30, 600, 200, 10))

    assert (_at(30, 600), _at(30, 610)) == (insight.start, insight.end)
    assert 200 <= insight.calls <= 202
    assert (28 * 1440, 10) == (insight.baseline_minutes, insight.insight_minutes)
    assert 48 / 1440 == pytest.approx(insight.baseline_average)
    assert ("ApiCallRateInsight", None) == (insight.insight_type, insight.error_code)


@pytest.mark.parametrize("per_day", [1, 20, 300])
def test_steady_series_is_quiet(per_day: int) -> None:
    """The same number of calls every day, at random times, is no insight."""
    assert [] == _find(steady(40, per_day))


def _by_day_and_night(days: int) -> list[Row]:
    """A series with 30 calls an hour by day and one at night, as chance has it."""
    rng = random.Random(4)
    return [
        call(day, 60 * hour + rng.uniform(0, 60), "Publish")
        for day in range(days)
        for hour in range(24)
        for _ in range(sum(rng.random() < 0.5 for _ in range(60 if 8 <= hour < 20 else 2)))
    ]


def test_a_night_with_the_calls_of_a_day_is_found() -> None:
    """Thirty calls between three and four: half an hour's work by day, and unheard of at night."""
    (insight,) = _find(_by_day_and_night(40), burst(36, 190, 30, 30, "Publish"))

    assert ("hour", _at(36, 190), _at(36, 220)) == (insight.way, insight.start, insight.end)
    assert [] == _find(_by_day_and_night(40))


def test_an_earlier_burst_hides_no_later_one() -> None:
    """Of two bursts of one series, ten days apart, the smaller one that comes later is found as well."""
    found = _find(_by_day_and_night(45), burst(30, 600, 600, 15, "Publish"), burst(40, 900, 150, 15, "Publish"))

    assert [_at(30, 600), _at(40, 900)] == [insight.start for insight in found]


def test_a_call_a_week_is_quiet() -> None:
    """A sparse call is normal, also when it comes twice in one minute."""
    weekly = [call(day, 540 + day) for day in range(3, 40, 7)]

    assert [] == _find(coverage(40), weekly, [call(38, 578.5)])


def test_nightly_job_is_quiet() -> None:
    """35 nights at 02:15, 25 to 40 calls each, are no anomaly from the second week on."""
    nights = [burst(day, 135, 25 + (day * 7) % 16, 10, "CreateSnapshot") for day in range(35)]

    assert [] == _find(coverage(35), *nights)


def test_nightly_job_three_times_as_large_is_found() -> None:
    """The job's own hour is no excuse for a night unlike the others."""
    nights = [burst(day, 135, 25 + (day * 7) % 16, 10, "CreateSnapshot") for day in range(35) if day != 32]

    assert [_at(32, 135)] == [
        insight.start for insight in _find(coverage(35), *nights, burst(32, 135, 120, 10, "CreateSnapshot"))
    ]


def test_deployments_twice_a_week_are_quiet() -> None:
    """Bursts on two days of seven are normal once a week of them has been seen."""
    releases = [burst(day, 840, 6 + day % 5, 8) for day in range(40) if day % 7 in (1, 3)]

    assert [] == _find(coverage(40), *releases)


def test_three_calls_of_a_new_api_are_quiet() -> None:
    """
    Three calls in a minute of an API never seen before are no insight; twelve are.

    A first call now and then is part of any account. After 28 days the line lies at seven calls within an hour.
    """
    assert [] == _find(coverage(35), burst(32, 700, 3, 1, "CopySnapshot"))
    assert [12] == [insight.calls for insight in _find(coverage(35), burst(32, 700, 12, 1, "CopySnapshot"))]


def test_nothing_is_tested_in_the_first_week() -> None:
    """Without seven whole days of the account's own events before, no burst is an insight."""
    assert [] == _find(coverage(35), burst(7, 700, 500, 10))
    assert 1 == len(_find(coverage(35), burst(8, 700, 500, 10)))


def test_days_without_any_event_are_no_baseline() -> None:
    """A lake with a gap of weeks does not pretend that nothing happened in it."""
    seen = [row for row in coverage(35) if row["eventTime"] < _at(5, 0) or row["eventTime"] > _at(30, 0)]

    assert [] == _find(seen, burst(32, 700, 500, 10))


def test_accounts_and_regions_are_apart() -> None:
    """A burst in one Region is not hidden by the same API's rhythm in another."""
    nights = [burst(day, 135, 30, 10) for day in range(35)]
    elsewhere = burst(32, 135, 30, 10, awsRegion="eu-west-1")

    assert ["eu-west-1"] == [insight.region for insight in _find(coverage(35), *nights, elsewhere)]


def test_errors_are_counted_for_reads_too() -> None:
    """Refused reads make an error rate insight for their error code; the same reads, if allowed, make none."""
    reads: Row = {"name": "DescribeVolumes", "readOnly": True}
    (insight,) = _find(coverage(35), burst(32, 60, 40, 10, errorCode="AccessDenied", **reads))

    assert ("ApiErrorRateInsight", "AccessDenied", 40) == (insight.insight_type, insight.error_code, insight.calls)
    assert ["userIdentityArn", "userAgent"] == [each.attribute for each in insight.attributions]
    assert [] == _find(coverage(35), burst(32, 60, 40, 10, **reads))


@pytest.mark.parametrize(
    "columns",
    [
        {"readOnly": None},
        {"eventCategory": "Insight", "eventType": "AwsCloudTrailInsight"},
        {"eventSource": None},
    ],
    ids=["unknown whether a write", "insight", "no eventSource"],
)
def test_other_events_are_not_counted(columns: Row) -> None:
    """Only write management calls have a call rate."""
    rows = [row | columns for row in burst(32, 700, 500, 10)]

    assert [] == _find(coverage(35), rows)


@pytest.mark.parametrize("is_read", [True, False])
def test_data_events_have_a_rate_of_their_own(is_read: bool) -> None:
    """Reads and writes of data both count, and the resource is an attribution."""
    data: Row = {"managementEvent": False, "eventCategory": "Data", "eventSource": "s3.amazonaws.com"}
    rows = burst(32, 700, 500, 10, "GetObject", **data, readOnly=is_read, resources='[{"ARN": "arn:aws:s3:::b/k"}]')
    (insight,) = _find(coverage(35), rows)

    assert ("ApiCallRateInsight", 500) == (insight.insight_type, insight.calls)
    assert ["arn:aws:s3:::b/k"] == [each.value for each in insight.attributions[-1].insight]


def test_a_steady_api_that_stops() -> None:
    """A call every two minutes for weeks, then three hours without; other calls show that the logs go on."""
    heartbeat = [call(day, minute, "UpdateInstanceInformation") for day in range(35) for minute in range(0, 1440, 2)]
    silent = [row for row in heartbeat if not _at(32, 600) <= row["eventTime"] < _at(32, 780)]
    others = [call(32, minute, "DescribeInstances", readOnly=True) for minute in range(0, 1440, 30)]
    (insight,) = _find(silent, others)

    assert ("fall", True) == (insight.way, insight.is_fall)
    assert _at(32, 600) <= insight.start < insight.end <= _at(32, 780)
    assert insight.calls == 0 < insight.expected_calls


def test_a_gap_in_the_logs_is_no_fall() -> None:
    """Hours in which account and Region have no event at all say nothing about one API."""
    heartbeat = [call(day, minute, "UpdateInstanceInformation") for day in range(35) for minute in range(0, 1440, 2)]

    assert [] == _find([row for row in heartbeat if not _at(32, 600) <= row["eventTime"] < _at(32, 780)])


def test_a_slow_climb_is_one_change_of_level() -> None:
    """Two calls a minute that become seven over four days: the level is told once, not day by day."""
    rows = [
        call(day, minute + part / 8, "PutEvaluations")
        for day in range(36)
        for minute in range(1440)
        for part in range(2 + max(0, min(5, round((day - 30) * 1.25))))
    ]
    found = _find(rows)

    [level] = [insight for insight in found if insight.way == "level"]
    assert _at(31, 0) <= level.start <= _at(33, 0) < level.end
    assert all(_at(30, 0) <= insight.start for insight in found)


def test_the_rhythm_of_the_day_is_learned() -> None:
    """A night as busy as every day is unusual; the days are not."""
    office = [call(day, minute + part / 7, "PutMetricAlarm") for day in range(35) for minute in range(480, 1080)
              for part in range(6)]  # fmt: skip
    quiet_hours = [call(day, minute, "PutMetricAlarm") for day in range(35) for minute in range(0, 1440, 10)]
    night = burst(32, 120, 300, 60, "PutMetricAlarm")

    assert ["hour"] == [insight.way for insight in _find(office, quiet_hours, night)]
    assert [] == _find(office, quiet_hours)


def test_principals_are_followed_over_apis_and_regions() -> None:
    """A role that reads everything everywhere: no API stands out, the role does, by its sessions' common name."""
    role = f"arn:aws:iam::{ACCOUNT}:role/reader"
    names = [f"Describe{number}" for number in range(60)]
    reads = [
        call(32, 700 + number / 10, names[number % 60], readOnly=True, awsRegion=f"eu-west-{1 + number % 3}",
             userIdentity={"type": "AssumedRole", "arn": f"{role}/{number}",
                           "sessionContext": {"sessionIssuer": {"arn": role}}})
        for number in range(240)
    ]  # fmt: skip
    con = connection_with([*coverage(35), *reads])
    (insight,) = _in(con, kinds=PRINCIPAL_KINDS)

    assert ("TrailqlPrincipalReadRateInsight", role, 240) == (insight.insight_type, insight.principal, insight.calls)
    assert ["eventName", "userAgent", "errorCode"] == [each.attribute for each in insight.attributions]
    assert [] == _in(con)


def test_many_new_apis_are_an_insight() -> None:
    """Thirty APIs that were never called before, once each: none stands out by itself, together they do."""
    new = [call(32, 700 + number / 2, f"Describe{number}", readOnly=True) for number in range(30)]
    known = [call(day, 700 + number, f"Get{number}", readOnly=True) for day in range(35) for number in range(40)]
    (insight,) = _in(connection_with([*coverage(35), *known, *new]), kinds=("new_apis",))

    assert ("TrailqlNewApiRateInsight", "us-east-1", 30) == (insight.insight_type, insight.region, insight.calls)
    assert (_at(32, 700), None) == (insight.start, insight.event_name)
    (names,) = [each for each in insight.attributions if each.attribute == "eventName"]
    assert 5 == len(names.insight)
    assert all(each.value.startswith("Describe") for each in names.insight)
    assert [] == _in(connection_with([*coverage(35), *known, *new[:3]]), kinds=("new_apis",))


def test_region_that_stops_is_an_insight_where_others_go_on() -> None:
    """Nine silent hours of one Region of two; silent hours of both are a gap in the logs, and coverage tells those."""
    both = ("us-east-1", "eu-west-1")
    rows = [
        call(day, minute, "PutLogEvents", awsRegion=region)
        for day in range(40)
        for minute in range(0, 1440, 5)
        for region in both
    ]

    def without(regions: tuple[str, ...]) -> list[Insight]:
        silent = (_at(35, 480), _at(35, 1020))
        kept = [row for row in rows if not (row["awsRegion"] in regions and silent[0] <= row["eventTime"] < silent[1])]
        return _in(connection_with(kept), kinds=("regions",))

    (insight,) = without(("eu-west-1",))
    assert ("TrailqlRegionRateInsight", "eu-west-1", "fall") == (insight.insight_type, insight.region, insight.way)
    assert 0 == insight.calls
    assert [] == without(both)
    assert [] == without(())


def test_accounts_own_days_decide_what_is_seldom() -> None:
    """Half as many calls again of a steady job are an insight, unless the account's jobs do that every other week."""

    def told(halves: dict[tuple[int, int], int]) -> set[str | None]:
        chance = random.Random(1)
        rows: list[Row] = []
        for job in range(5):
            for day in range(70):
                calls = chance.randrange(95, 106) * halves.get((job, day), 2) // 2
                rows += burst(day, 300, calls, 10, f"StartJobRun{job}")
        return {each.event_name for each in _find(rows) if each.start >= _at(65, 0)}

    often = {(1, 20): 4, (2, 32): 4, (3, 44): 4, (4, 56): 4}
    assert {"StartJobRun0"} == told({(0, 65): 3})
    assert set() == told({**often, (0, 65): 3})


def test_instances_are_counted_not_calls() -> None:
    """One call that launches a hundred instances is an insight of its resources."""
    answer = json.dumps({"instancesSet": {"items": [{"instanceId": f"i-{number}"} for number in range(100)]}})
    (insight,) = _in(connection_with([*coverage(35), call(32, 700, responseElements=answer)]), kinds=("resources",))

    assert ("TrailqlResourceRateInsight", 100) == (insight.insight_type, insight.calls)


def test_old_records_without_management_event_are_counted() -> None:
    """A record that does not say whether it is a management event is one."""
    rows = burst(32, 700, 500, 10, managementEvent=None, eventCategory=None)

    assert [500] == [insight.calls for insight in _find(coverage(35), rows)]


def test_long_activity_is_one_insight() -> None:
    """An hour and a half of unusual minutes is one insight, two bursts eight hours apart are two."""
    long_one = burst(32, 300, 900, 90)
    late_one = burst(32, 870, 100, 5)

    assert [(_at(32, 300), 90), (_at(32, 870), 5)] == [
        (insight.start, insight.insight_minutes) for insight in _find(coverage(35), long_one, late_one)
    ]


def test_burst_over_midnight_is_one_insight() -> None:
    """A UTC day's end does not cut a burst in two."""
    assert [(_at(31, 1435), 10, 200)] == [
        (insight.start, insight.insight_minutes, insight.calls)
        for insight in _find(coverage(35), burst(31, 1435, 200, 10))
    ]


def test_second_night_of_a_new_job_is_quiet() -> None:
    """What was an insight yesterday is part of today's baseline."""
    nights = [burst(day, 135, 200, 10) for day in range(31, 35)]

    assert [_at(31, 135)] == [insight.start for insight in _find(coverage(35), *nights)]


def test_window_is_half_open_and_keeps_its_baseline() -> None:
    """`since` and `until` say which minutes are tested; the days before remain the baseline."""
    con = connection_with([*steady(35, 48), *burst(30, 600, 200, 10)])

    assert 1 == len(_in(con, since=_at(30, 0), until=_at(31, 0)))
    assert [] == _in(con, since=_at(31, 0))
    assert [] == _in(con, until=_at(30, 600))


def test_a_smaller_budget_finds_less() -> None:
    """The one knob: whoever wants fewer false insights needs larger bursts."""
    con = connection_with([*coverage(35), *burst(32, 700, 10, 5)])

    assert (1, 0) == (len(_in(con)), len(_in(con, false_per_account_week=0.01)))


def test_attributions_name_users_agents_and_errors() -> None:
    """The five most frequent of each, roles without session name, "null" for calls without an error."""
    people = [{"userIdentity": {"arn": f"arn:aws:iam::{ACCOUNT}:user/user-{number}"}} for number in range(7)]
    rows = [row | people[number % 7] for number, row in enumerate(burst(32, 700, 70, 7))]
    insight, errors_only = _find(steady(35, 2), rows, burst(32, 700, 30, 7, errorCode="Throttling"))
    users, agents, errors = insight.attributions

    assert ("userIdentityArn", "userAgent", "errorCode") == (users.attribute, agents.attribute, errors.attribute)
    assert (None, "Throttling") == (insight.error_code, errors_only.error_code)
    assert 5 == len(users.insight)
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy-pipeline" == users.baseline[0].value
    assert [("null", 10.0), ("Throttling", pytest.approx(30 / 7))] == [(r.value, r.average) for r in errors.insight]
    assert 2 / 1440 == pytest.approx(agents.baseline[0].average)


def test_runs_agree() -> None:
    """The same events in another order give the same insights and the same records."""
    rows = [*steady(35, 48), *burst(30, 600, 200, 10), *burst(33, 60, 90, 3, "CopySnapshot", userAgent=None)]
    one, other = _find(rows), _find(rows[::-1])

    assert one == other
    assert [insight_records(each) for each in one] == [insight_records(each) for each in other]


def test_an_empty_lake_has_no_insights() -> None:
    """No events, no insights, no error."""
    assert [] == _find([])


@pytest.mark.parametrize(
    "arguments",
    [
        {"baseline_days": 6},
        {"false_per_account_week": 0},
        {"false_per_account_week": float("nan")},
        {"since": datetime(2026, 10, 1)},
        {"since": _at(3, 0), "until": _at(3, 0)},
    ],
)
def test_nonsense_arguments_are_refused(arguments: Row) -> None:
    """What cannot be meant raises a UsageError instead of an empty answer."""
    with pytest.raises(UsageError):
        _in(connection_with([]), **arguments)


def test_missing_view_is_a_query_error() -> None:
    """A connection without `events` says so."""
    with pytest.raises(QueryError, match="events"):
        _in(duckdb.connect())
