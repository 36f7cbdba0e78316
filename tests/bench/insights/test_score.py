"""Alarms made by hand, against labels made by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.bench.insights.accounts import Series
from tests.bench.insights.labels import AccountTruth, Label, Quiet, Truth
from tests.bench.insights.ours import alarms_of
from tests.bench.insights.score import Alarm, Sheet, score
from tests.bench.insights.sweep import Sweep

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CALLS = Series("111122223333", "eu-west-1", "ec2.amazonaws.com", "RunInstances", None)
ERRORS = Series("111122223333", "eu-west-1", "iam.amazonaws.com", "GetRolePolicy", "AccessDenied")
QUIET = Series("111122223333", "eu-west-1", "ssm.amazonaws.com", "PutParameter", None)
CLEAN = Series("444455556666", "eu-west-1", "ec2.amazonaws.com", "RunInstances", None)


def label(number: int, series: Series, minutes: int = 10) -> Label:
    return Label(number, number, series, "burst", "steady", 10.0, NOON, NOON + minutes * MINUTE, 5.0, 45, 50)


TRUTH = Truth(
    NOON - timedelta(days=7),
    NOON + timedelta(days=7),
    (
        AccountTruth("111122223333", False, NOON - timedelta(days=7), 2.0, 60),
        AccountTruth("444455556666", True, NOON - timedelta(days=7), 2.0, 60),
    ),
    (label(0, CALLS), label(1, ERRORS)),
    (Quiet(QUIET, NOON, NOON + timedelta(days=1)),),
)


def alarm(series: Series, start: int, end: int, worth: float = 1.0, seen: int | None = None) -> Alarm:
    return Alarm(
        series.account, series.region, series.source, series.name, series.error_code,
        NOON + start * MINUTE, NOON + end * MINUTE, worth, None if seen is None else NOON + seen * MINUTE,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "is_met"),
    [(0, 10, True), (-60, 1, True), (-61, 5, False), (-30, 0, False), (24, 30, True), (25, 30, False)],
)
def test_an_alarm_meets_a_label_it_overlaps(start: int, end: int, is_met: bool) -> None:
    """Up to an hour early and a quarter of an hour late."""
    found = score([alarm(CALLS, start, end)], TRUTH)

    assert found.recall(TRUTH.labels[:1]) == is_met
    assert found.false_per_account_week == (0.0 if is_met else 0.25)


def test_several_alarms_find_a_label_once() -> None:
    """Precision counts labels, not alarms."""
    found = score([alarm(CALLS, 0, 2, seen=5), alarm(CALLS, 4, 6, seen=3), alarm(CLEAN, 0, 1)], TRUTH)

    assert (found.found, found.precision) == (frozenset({0}), 0.5)
    assert (found.onset_minutes, found.delay_minutes) == (0.0, 3.0)


def test_an_error_label_is_met_by_the_calls_of_its_api() -> None:
    """An alarm on all calls of the API finds a label on one of its errors; the other way round it does not."""
    all_calls = Series(ERRORS.account, ERRORS.region, ERRORS.source, ERRORS.name, None)
    an_error = Series(CALLS.account, CALLS.region, CALLS.source, CALLS.name, "AccessDenied")

    assert score([alarm(all_calls, 0, 5)], TRUTH).found == {1}
    assert score([alarm(an_error, 0, 5)], TRUTH).found == frozenset()


def test_false_alarms_within_an_hour_are_one() -> None:
    """Of the same series; and a clean account's are told apart."""
    alarms = [alarm(CLEAN, 0, 5), alarm(CLEAN, 64, 70), alarm(CLEAN, 131, 140), alarm(QUIET, -30, -20)]
    found = score(alarms, TRUTH)

    assert found.false_per_account_week == 3 / 4
    assert found.false_per_clean_account_week == 2 / 2


def test_alarms_after_a_benign_change_count_neither_way() -> None:
    """Nor do those before an account is tested."""
    found = score([alarm(QUIET, 5, 10), alarm(CLEAN, -20000, -19990)], TRUTH)

    assert (found.false_per_account_week, found.precision) == (0.0, None)


def test_recall_at_a_false_rate() -> None:
    """The lowest threshold that keeps the rate is taken, by scores and by a detector's own thresholds alike."""
    alarms = [alarm(CALLS, 0, 5, 3.0), alarm(CLEAN, 0, 5, 2.0), alarm(ERRORS, 0, 5, 1.0)]
    sweep = Sweep([3.0, 2.0, 1.0], lambda least: [each for each in alarms if each.score >= least])

    for at in (Sheet(alarms, TRUTH).at_false_rate, lambda rate: sweep.at_false_rate(TRUTH, rate)):
        assert at(0.1).found == {0}
        assert at(0.5).found == {0, 1}


def test_start_and_end_records_become_alarms() -> None:
    """A pair is one alarm; a Start without its End lasts a minute."""
    about = {"eventSource": "iam.amazonaws.com", "eventName": "GetRolePolicy"}

    def record(shared: str, state: str, time: str, **more: str | None) -> str:
        where = {"awsRegion": "eu-west-1", "recipientAccountId": "111122223333", "sharedEventID": shared}
        return json.dumps({"eventTime": time, **where, "insightDetails": {"state": state, **about, **more}})

    end = record("a", "End", "2026-03-04T12:10:00Z", errorCode="AccessDenied")
    start = record("a", "Start", "2026-03-04T12:00:00Z", errorCode="AccessDenied")
    open_one = record("b", "Start", "2026-03-04T13:00:00Z", errorCode=None)

    found = alarms_of([end, start, open_one])

    assert [alarm(ERRORS, 0, 10, 0.0)] == found[:1]
    assert (found[1].error_code, found[1].end - found[1].start) == (None, MINUTE)
