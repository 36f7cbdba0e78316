"""Questions about events as a whole: how many, where, when, with what."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

from tests.made import TIME, Record, record, without, write_log
from tests.questions.asked import (
    actor,
    api,
    ask,
    at,
    changes,
    columns,
    failed,
    grouped,
    is_from_service,
    made,
    span,
)
from tests.questions.conftest import MadeLake
from trailql.ingest import ingest_logs


def test_api_calls_by_name(sample: Path, records: list[Record]) -> None:
    """
    Every API with its number of calls, since a day.
    """
    since = [each for each in records if each["eventTime"] >= "2026-10-15"]

    rows = ask(sample, "api_calls_by_name", from_date="2026-10-15")

    assert Counter(map(api, since)) == {f"{row['eventSource']}:{row['eventName']}": row["apiCount"] for row in rows}


def test_events_per_day(sample: Path, records: list[Record]) -> None:
    """
    One row per day and account, in order.
    """
    days = grouped(records, lambda each: (each["eventTime"][:10], each["recipientAccountId"]))

    rows = ask(sample, "events_per_day")

    assert [
        (*key, len(held), changes(held), sum(not each["managementEvent"] for each in held), failed(held))
        for key, held in sorted(days.items())
    ] == [
        (str(day), *rest)
        for day, *rest in columns(rows, "event_date", "account", "events", "changes", "data_events", "failed")
    ]
    assert [len(set(map(actor, held))) for _, held in sorted(days.items())] == [row["actors"] for row in rows]


def test_errors_by_code(sample: Path, records: list[Record]) -> None:
    """
    Every code of every service, the most frequent first.
    """
    errors = grouped(
        (each for each in records if "errorCode" in each), lambda each: (each["eventSource"], each["errorCode"])
    )

    rows = ask(sample, "errors_by_code")

    assert sorted(
        ((len(held), *key, len(set(map(api, held))), *span(held)) for key, held in errors.items()),
        key=lambda row: (-row[0], *row[1:]),
    ) == columns(rows, "errors", "eventSource", "errorCode", "apis", "first_event_time", "last_event_time")


def test_throttled_calls(made_lake: MadeLake) -> None:
    """
    Throttling has many names; a refusal and a quota are none of them.
    """
    codes = [
        "ThrottlingException", "Client.RequestLimitExceeded", "TooManyRequestsException", "SlowDown",
        "AccessDenied", "LimitExceededException",
    ]  # fmt: skip
    lake = made_lake(*[record(i, errorCode=code) for i, code in enumerate(codes)], record(9))

    assert [("DescribeInstances", 4)] == columns(ask(lake, "throttled_calls"), "eventName", "throttled")


def test_activity_by_region(sample: Path, records: list[Record]) -> None:
    """
    Reads and changes add up to the events, Region by Region.
    """
    regions = grouped(records, lambda each: (each["awsRegion"], each["eventSource"]))

    rows = ask(sample, "activity_by_region")

    assert {
        key: (len(held), len(held) - changes(held), changes(held), failed(held), len(set(map(actor, held))))
        for key, held in regions.items()
    } == {
        (row["awsRegion"], row["eventSource"]): tuple(
            row[n] for n in ("events", "reads", "changes", "failed", "actors")
        )
        for row in rows
    }


def test_events_outside_regions(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    Named Regions are left out; without names, those with a hundredth of the events are usual.
    """
    outside = grouped(
        (each for each in records if each["awsRegion"] not in ("us-east-1", "eu-west-1")),
        lambda each: (each["recipientAccountId"], each["awsRegion"], actor(each)),
    )

    rows = ask(sample, "events_outside_regions", allowed="us-east-1, eu-west-1")

    assert {key: (len(held), changes(held), failed(held)) for key, held in outside.items()} == {
        (row["account"], row["awsRegion"], row["actor"]): (row["events"], row["changes"], row["failed"]) for row in rows
    }
    assert [] == ask(sample, "events_outside_regions")

    lake = made_lake(*[record(i) for i in range(150)], record(999, awsRegion="af-south-1"))
    assert ["af-south-1"] == [row["awsRegion"] for row in ask(lake, "events_outside_regions")]


def test_activity_by_hour(sample: Path, records: list[Record]) -> None:
    """
    Calls of a principal by hour and weekday; what services did for it is not its working time.
    """
    calls = Counter(
        (at(each).hour, at(each).strftime("%A").lower())
        for each in records
        if "nightly-backup" in actor(each) and not is_from_service(each)
    )

    rows = ask(sample, "activity_by_hour", principal="nightly-backup")

    assert calls == Counter(
        {(row["hour_utc"], day): n for row in rows for day, n in row.items() if day != "hour_utc" and n}
    )
    assert sum(not is_from_service(each) for each in records) == sum(
        n for row in ask(sample, "activity_by_hour") for day, n in row.items() if day != "hour_utc"
    )


def test_activity_by_user_agent(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    The first word of the user agent is the program, in brackets or not.
    """
    programs = Counter(each["userAgent"].split()[0] for each in records if each["userAgent"] != "AWS Internal")

    rows = {row["program"]: row["events"] for row in ask(sample, "activity_by_user_agent")}

    assert programs == {program: n for program, n in rows.items() if program != "AWS Internal"}

    agents = ["[aws-cli/2.15.0 Python/3.11]", "S3Console/0.4, aws-internal/3", "AWS Internal", "[AWS Internal]"]
    lake = made_lake(*[record(i, userAgent=agent) for i, agent in enumerate(agents)], without(record(9), "userAgent"))
    assert [("AWS Internal", 2), ("S3Console/0.4", 1), ("aws-cli/2.15.0", 1)] == columns(
        ask(lake, "activity_by_user_agent"), "program", "events"
    )


def test_late_events(tmp_path: Path, sample: Path) -> None:
    """
    Late is what came more than an hour after the event, or what CloudTrail says is; the sample was in time.
    """
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    late = without(made(1, "ec2:StopInstances", minutes=-100), "addendum")
    corrected = record(2, addendum={"reason": "UPDATED_DATA", "updatedFields": "errorCode"})
    write_log(logs, late, corrected, record(3), delivered=TIME + timedelta(minutes=5))
    ingest_logs([str(logs)], lake)

    rows = ask(lake, "late_events")

    assert [("UPDATED_DATA", 1, 5), (None, 1, 105)] == columns(rows, "reason", "events", "longest_delay_minutes")
    assert [] == ask(sample, "late_events")


def test_calls_by_aws_services(sample: Path, records: list[Record]) -> None:
    """
    Calls of services on their own and with somebody's rights, and no others.
    """
    calls = Counter(
        (each["userIdentity"].get("invokedBy", each["sourceIPAddress"]), actor(each), api(each))
        for each in records
        if is_from_service(each)
    )

    rows = ask(sample, "calls_by_aws_services")

    found = Counter[tuple[str, str, str]]()
    for row in rows:
        found[row["service"], row["actor"], f"{row['eventSource']}:{row['eventName']}"] += row["calls"]
    assert calls == found
    assert {"autoscaling.amazonaws.com"} == {
        row["service"] for row in ask(sample, "calls_by_aws_services", service="autoscaling")
    }


def test_new_api_calls(sample: Path, records: list[Record]) -> None:
    """
    APIs of an account whose first call is in the last seven days, with their first caller.
    """
    newest = max(map(at, records))
    firsts = {
        key: min(held, key=lambda each: (at(each), each["eventID"]))
        for key, held in grouped(records, lambda each: (each["recipientAccountId"], api(each))).items()
    }

    rows = ask(sample, "new_api_calls")

    assert {
        (*key, actor(first), at(first)) for key, first in firsts.items() if at(first) >= newest - timedelta(days=7)
    } == {
        (row["account"], f"{row['eventSource']}:{row['eventName']}", row["first_actor"], row["first_event_time"])
        for row in rows
    }
    assert len(firsts) == len(ask(sample, "new_api_calls", days=100))


def test_data_events_by_resource(sample: Path, records: list[Record], made_lake: MadeLake) -> None:
    """
    Data events alone, by bucket, table or first resource.
    """
    data = Counter((api(each), each["resources"][0]["ARN"]) for each in records if each["managementEvent"] is False)

    rows = ask(sample, "data_events_by_resource")

    found = Counter[tuple[str, str]]()
    for row in rows:
        found[f"{row['eventSource']}:{row['eventName']}", row["resource"]] += row["events"]
    assert data == found

    lake = made_lake(made(1, "s3:GetObject", managementEvent=False, request={"bucketName": "b"}), record(2))
    assert [("GetObject", "b", 1)] == columns(ask(lake, "data_events_by_resource"), "eventName", "resource", "events")


def test_deleted_resources(sample: Path, records: list[Record]) -> None:
    """
    Deletions that succeeded; the attack's one night comes before the nightly jobs.
    """
    deleted = grouped(
        (
            each
            for each in records
            if each["eventName"].startswith(("Delete", "Terminate", "Deregister")) and "errorCode" not in each
        ),
        lambda each: (each["recipientAccountId"], each["awsRegion"], actor(each), api(each)),
    )

    rows = ask(sample, "deleted_resources")

    assert {
        key: (len(held), len({each["eventTime"][:10] for each in held}), *span(held)) for key, held in deleted.items()
    } == {
        (row["account"], row["awsRegion"], row["actor"], f"{row['eventSource']}:{row['eventName']}"): (
            row["calls"], row["days"], row["first_event_time"], row["last_event_time"],
        )
        for row in rows
    }  # fmt: skip
    assert [("TerminateInstances", 7, 1)] == columns(
        ask(sample, "deleted_resources", principal="build-bot"), "eventName", "calls", "days"
    )


def test_log_files_by_account(sample: Path, sample_logs: Path) -> None:
    """
    Every file is counted once, under what became of it.
    """
    rows = ask(sample, "log_files_by_account")

    assert len(list(sample_logs.rglob("*.json.gz"))) == sum(row["files"] for row in rows)
    assert {"ingested": 1052, "empty": 3, "rejected": 2, "skipped": 24} == {
        status: sum(row["files"] for row in rows if row["status"] == status)
        for status in ("ingested", "empty", "rejected", "skipped")
    }
    assert (21_442, 244) == (sum(row["events"] or 0 for row in rows), sum(row["copies"] or 0 for row in rows))
