"""Holes in the logs: what is one, what is none, and what is said to explain it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ingest, shared_data
from tests.made import ACCOUNT, OTHER_ACCOUNT, OTHER_REGION, REGION, log_key, record, write_log
from trailql.errors import UsageError
from trailql.forensics.coverage import Coverage, find_coverage, open_for_coverage
from trailql.lake.lake import open_lake_folder
from trailql.lake.ledger import LedgerRow, write_ledger

BEGIN = datetime(2026, 9, 28, tzinfo=UTC)
END = BEGIN + timedelta(days=28)
HOLE = BEGIN + timedelta(days=15, hours=9)
QUIET_REGION = "sa-east-1"
Find = Callable[..., Coverage]


def delivered(account: str | None, region: str | None, times: Iterable[datetime], **fields: Any) -> list[LedgerRow]:
    """
    A ledger row for each delivery, six records each.
    """
    return [
        LedgerRow(
            uri=fields.get("uri", log_key(account or "1" * 12, region or "none", time, f"{n:016d}")),
            size_bytes=1500,
            version_tag="1",
            folder="CloudTrail",
            account=account,
            region=region,
            delivered_at=time,
            records=6,
            rows_added=6,
            ingested_at=END,
        )
        for n, time in enumerate(times)
    ]


def hourly(*, minute: int = 5, but: tuple[datetime, int] | None = None) -> list[datetime]:
    """
    Every hour from BEGIN to END, but for so many hours from a time on.
    """
    times = [BEGIN + timedelta(hours=hour, minutes=minute) for hour in range(28 * 24)]
    return [t for t in times if not (but and but[0] <= t < but[0] + timedelta(hours=but[1]))]


def nightly(*, but: int = 0) -> list[datetime]:
    """
    At 02:20 every night, but for so many nights from the hole on.
    """
    times = [BEGIN + timedelta(days=day, hours=2, minutes=20) for day in range(28)]
    return [t for t in times if not HOLE <= t < HOLE + timedelta(days=but)]


def neighbours() -> list[LedgerRow]:
    """
    An account busy in two Regions.
    """
    return delivered(OTHER_ACCOUNT, REGION, hourly(minute=7)) + delivered(OTHER_ACCOUNT, OTHER_REGION, hourly())


def keep(lake: Path, rows: list[LedgerRow]) -> None:
    """
    Put rows into a lake's ledger.
    """
    opened = open_lake_folder(lake, create=True)
    batch = f"made-{len(list(lake.rglob('*.parquet')))}"
    opened.commit("files", [write_ledger(opened, batch, rows)], batch=batch)


@pytest.fixture
def find(lake_dir: Path) -> Find:
    """Look for holes in a lake whose ledger holds these rows, besides what was ingested before."""

    def run(rows: list[LedgerRow], *, since: datetime | None = None, **options: Any) -> Coverage:
        if rows:
            keep(lake_dir, rows)
        until = options.pop("until", END if not since else None)
        options.setdefault("now", max(END, datetime.now(UTC)))
        with open_for_coverage(open_lake_folder(lake_dir), since, until) as opened:
            return find_coverage(opened, since, until, **options)

    return run


def holes(coverage: Coverage) -> list[tuple[str | None, str | None, datetime, datetime]]:
    return [(gap.account, gap.region, gap.since, gap.until) for gap in coverage.gaps]


def row_of(coverage: Coverage, account: str | None, region: str | None) -> dict[str, Any]:
    (row,) = [row for row in coverage.regions.to_pylist() if (row["account"], row["region"]) == (account, region)]
    return row


def test_a_busy_region_that_goes_silent_is_one_gap(find: Find) -> None:
    """
    Five silent hours of a Region that delivers every hour, while others deliver, are one gap from the first silent hour
    to the hour it is heard again.
    """
    found = find(
        neighbours() + delivered(ACCOUNT, REGION, hourly(but=(HOLE, 5))) + delivered(ACCOUNT, OTHER_REGION, hourly())
    )

    assert [(ACCOUNT, REGION, HOLE, HOLE + timedelta(hours=5))] == holes(found)
    (gap,) = found.gaps
    assert ("region", "hours", 5, False, False) == (gap.scope, gap.basis, gap.hours, gap.ongoing, gap.is_explained)
    assert HOLE - timedelta(minutes=55) == gap.last_delivery
    assert HOLE + timedelta(hours=5, minutes=5) == gap.next_delivery
    assert (5, "by hour") == (row_of(found, ACCOUNT, REGION)["gap_hours"], row_of(found, ACCOUNT, REGION)["judged"])
    assert 0 == row_of(found, ACCOUNT, OTHER_REGION)["gap_hours"]


def test_every_region_at_once_is_a_gap_of_the_account(find: Find) -> None:
    """
    Where all Regions of an account fall silent together, that is said once.
    """
    regions = [REGION, OTHER_REGION, "us-west-2"]
    silent = [row for region in regions for row in delivered(ACCOUNT, region, hourly(but=(HOLE, 6)))]

    assert [(ACCOUNT, None, HOLE, HOLE + timedelta(hours=6))] == holes(find(neighbours() + silent))


def test_one_region_silent_for_long_is_not_the_account(find: Find) -> None:
    """
    Where a busy Region is gone and a quiet one of the account delivers at times, the Region is the gap, in one piece.
    """
    found = find(
        neighbours() + delivered(ACCOUNT, REGION, hourly(but=(HOLE, 80))) + delivered(ACCOUNT, "us-west-2", nightly())
    )

    assert [(ACCOUNT, REGION, HOLE, HOLE + timedelta(hours=80))] == holes(found)


def test_quiet_and_nightly_regions_have_no_gaps(find: Find) -> None:
    """
    Silence is what a quiet Region mostly does; a Region that delivers at night is not missed by day, nor for
    three nights.
    """
    now_and_then = [BEGIN + timedelta(hours=hour) for hour in (5, 50, 61, 190, 192, 305, 440, 441, 520, 601)]

    found = find(
        neighbours()
        + delivered(ACCOUNT, QUIET_REGION, now_and_then)
        + delivered(ACCOUNT, "us-west-2", nightly())
        + delivered(ACCOUNT, "eu-north-1", nightly(but=3))
    )

    assert [] == holes(found)
    assert "by day" == row_of(found, ACCOUNT, "us-west-2")["judged"]


def test_many_nights_without_the_nightly_delivery_are_a_gap(find: Find) -> None:
    """
    A week without what came every night is a gap, found by the day.
    """
    found = find(neighbours() + delivered(ACCOUNT, "us-west-2", nightly(but=7)))

    assert [("us-west-2", "days")] == [(gap.region, gap.basis) for gap in found.gaps]
    assert HOLE.replace(hour=3) == found.gaps[0].since
    assert HOLE.replace(hour=2) + timedelta(days=8) == found.gaps[0].until


def test_office_hours_and_weekends_are_no_gaps(find: Find) -> None:
    """
    Nights, weekends and one holiday of a Region that people use are no gaps.
    """
    holiday = HOLE.date()
    office = [t for t in hourly() if t.weekday() < 5 and 8 <= t.hour < 18 and t.date() != holiday]

    assert [] == holes(find(neighbours() + delivered(ACCOUNT, REGION, office)))


def test_silence_to_the_end_is_a_gap_and_before_the_beginning_is_none(find: Find) -> None:
    """
    Before its first delivery an account may not have existed; after its last one it is missed.
    """
    late = [t for t in hourly() if t >= HOLE]
    ended = [t for t in hourly() if t < HOLE]

    found = find(neighbours() + delivered(ACCOUNT, REGION, ended) + delivered(ACCOUNT, OTHER_REGION, late))

    assert [(ACCOUNT, REGION, HOLE, END)] == holes(found)
    assert found.gaps[0].ongoing


def test_a_stray_first_delivery_opens_no_gap(find: Find) -> None:
    """
    One file a day before an account's deliveries begin is no habit that could be missed.
    """
    times = [BEGIN, *(t for t in hourly() if t >= BEGIN + timedelta(days=1))]

    assert [] == holes(find(neighbours() + delivered(ACCOUNT, REGION, times)))


def test_a_silent_lake_is_reported_once(find: Find) -> None:
    """
    Hours in which nobody delivered are a gap of the lake, and of no account.
    """
    all_silent = [
        row
        for account in (ACCOUNT, OTHER_ACCOUNT)
        for region in (REGION, OTHER_REGION)
        for row in delivered(account, region, hourly(but=(HOLE, 30)))
    ]

    found = find(all_silent)

    assert [(None, None, HOLE, HOLE + timedelta(hours=30))] == holes(found)
    assert "lake" == found.gaps[0].scope


def stop_logging(logs: Path, *, at: datetime, account: str = ACCOUNT, name: str = "StopLogging", **fields: Any) -> None:
    """
    A log file with a change to a trail, delivered five minutes later.
    """
    made = record(
        len(name),
        at=at,
        eventSource="cloudtrail.amazonaws.com",
        eventName=name,
        recipientAccountId=account,
        requestParameters={"name": "production-trail"},
        **fields,
    )
    write_log(logs, made, account=account, delivered=at + timedelta(minutes=5))


@pytest.mark.parametrize("all_regions", [True, False])
def test_stop_logging_explains_a_gap(find: Find, logs: Path, ingest: Ingest, all_regions: bool) -> None:
    """
    A StopLogging of the account shortly before a gap, and the StartLogging that ends it, are named with who, where and
    which trail.
    """
    stop_logging(logs, at=HOLE - timedelta(minutes=50))
    stop_logging(logs, at=HOLE + timedelta(hours=5, minutes=2), name="StartLogging")
    ingest()
    other = hourly(but=(HOLE, 5) if all_regions else None)

    found = find(
        neighbours() + delivered(ACCOUNT, REGION, hourly(but=(HOLE, 5))) + delivered(ACCOUNT, OTHER_REGION, other)
    )

    assert [(HOLE, HOLE + timedelta(hours=5))] == [(gap.since, gap.until) for gap in found.gaps]
    assert found.gaps[0].is_explained
    stop, start = found.gaps[0].changes
    assert ("StopLogging", "StartLogging") == (stop.name, start.name)
    assert (f"arn:aws:iam::{ACCOUNT}:user/web-developer", "production-trail") == (stop.actor, stop.trail)
    assert (ACCOUNT, REGION, True) == (stop.account, stop.region, stop.same_account)
    assert (stop, start) == found.changes


@pytest.mark.parametrize(
    ("account", "fields", "named"),
    [
        (ACCOUNT, {"errorCode": "AccessDenied"}, 0),
        (OTHER_ACCOUNT, {}, 1),
        (ACCOUNT, {"at": HOLE - timedelta(hours=3)}, 0),
    ],
    ids=["failed", "other account", "long before"],
)
def test_what_does_not_explain_a_gap(
    find: Find, logs: Path, ingest: Ingest, account: str, fields: dict[str, Any], named: int
) -> None:
    """
    A StopLogging that failed or came long before is not named; another account's is, as a trail of the organization
    perhaps, but does not count as an explanation.
    """
    stop_logging(logs, account=account, **{"at": HOLE - timedelta(minutes=50)} | fields)
    ingest()

    found = find(
        neighbours() + delivered(ACCOUNT, REGION, hourly(but=(HOLE, 5))) + delivered(ACCOUNT, OTHER_REGION, hourly())
    )

    (gap,) = found.gaps
    assert not gap.is_explained
    assert named == len(gap.changes)
    assert not any(change.same_account for change in gap.changes)


def test_events_that_came_otherwise_fill_a_gap(find: Find, logs: Path, ingest: Ingest) -> None:
    """
    Hours whose events the lake holds, late or from files without CloudTrail's names, are not missing.
    """
    times = [HOLE + timedelta(hours=hour, minutes=30) for hour in range(5)]
    write_log(logs, *(record(n, at=time) for n, time in enumerate(times)), key="export/events.json.gz")
    ingest()

    found = find(
        neighbours() + delivered(ACCOUNT, REGION, hourly(but=(HOLE, 5))) + delivered(ACCOUNT, OTHER_REGION, hourly())
    )

    assert [] == holes(found)
    assert 1 == found.undated_files
    assert (1, 5) == (row_of(found, None, None)["files"], row_of(found, None, None)["events"])


def test_digest_files_in_a_gap_are_counted(find: Find) -> None:
    """
    Digest files are no deliveries of events; in a gap they say that logging was on.
    """
    digests = delivered(ACCOUNT, REGION, [HOLE + timedelta(hours=hour) for hour in range(5)])
    for row in digests:
        row.folder, row.status, row.uri = "CloudTrail-Digest", "skipped", row.uri + "-digest"

    found = find(
        neighbours()
        + delivered(ACCOUNT, REGION, hourly(but=(HOLE, 5)))
        + delivered(ACCOUNT, OTHER_REGION, hourly())
        + digests
    )

    assert [5] == [gap.digest_files for gap in found.gaps]
    assert 28 * 24 - 5 == row_of(found, ACCOUNT, REGION)["files"]


def test_files_are_counted_once_and_rejected_ones_named(find: Find) -> None:
    """
    A file read twice is one file, as it was last; what it brought is what all its readings brought.
    """
    at = BEGIN + timedelta(minutes=5)
    first, other = delivered(ACCOUNT, REGION, [at, at + timedelta(hours=1)])
    again, broken = delivered(ACCOUNT, REGION, [at, at + timedelta(hours=1)])
    again.size_bytes, again.rows_added, again.ingested_at = 1700, 2, END + timedelta(hours=1)
    broken.status, broken.rows_added, broken.ingested_at = "rejected", 0, END + timedelta(hours=1)
    other.rows_added = 0

    found = find([first, again, other, broken])

    row = row_of(found, ACCOUNT, REGION)
    assert (2, 3200, 8, 1) == (row["files"], row["bytes"], row["events"], row["rejected"])
    assert (at, at + timedelta(hours=1)) == (row["first_delivery"], row["last_delivery"])
    (day,) = found.days.to_pylist()
    assert (BEGIN.date(), 2, 2) == (day["day"], day["files"], day["hours_delivered"])


def test_regions_that_never_delivered(find: Find) -> None:
    """
    By account: the Regions another account delivers from. They are no gaps.
    """
    found = find(neighbours() + delivered(ACCOUNT, REGION, hourly()) + delivered(ACCOUNT, QUIET_REGION, [BEGIN]))

    assert {ACCOUNT: (OTHER_REGION,), OTHER_ACCOUNT: (QUIET_REGION,)} == found.never_delivered
    assert [] == holes(found)


def test_a_window_is_judged_by_the_weeks_before(find: Find) -> None:
    """
    Of a single day, the gaps in it are reported, known by what was usual before; a gap before it is not.
    """
    since = HOLE.replace(hour=0)
    rows = (
        neighbours()
        + delivered(ACCOUNT, REGION, hourly(but=(HOLE, 5)))
        + delivered(ACCOUNT, OTHER_REGION, hourly(but=(HOLE - timedelta(days=2), 5)))
    )

    found = find(rows, since=since, until=since + timedelta(days=1))

    assert [(ACCOUNT, REGION, HOLE, HOLE + timedelta(hours=5))] == holes(found)
    assert 19 == row_of(found, ACCOUNT, REGION)["files"]


def test_nothing_since_the_last_ingest_is_a_gap(find: Find) -> None:
    """
    Asked for the time up to now, a lake that got nothing lately says so.
    """
    found = find(neighbours(), since=END - timedelta(days=1), now=END + timedelta(hours=20, minutes=30))

    assert [(None, None, END, END + timedelta(hours=20))] == holes(found)


@pytest.mark.parametrize("days", [8, 27, 35, 400])
def test_a_lake_that_stopped_long_ago_is_a_gap(find: Find, days: int) -> None:
    """
    However long ago the last delivery came, the silence up to now is a hole, judged by the weeks before it.
    """
    now = END + timedelta(days=days, minutes=30)

    found = find(neighbours(), since=now - timedelta(days=7), now=now)

    assert [(None, None, END, END + timedelta(days=days))] == holes(found)
    (gap,) = found.gaps
    assert (True, "hours") == (gap.ongoing, gap.basis)
    assert END - timedelta(minutes=53) == gap.last_delivery
    assert not found.is_complete


def test_what_stopped_a_lake_long_ago_is_named(find: Find, logs: Path, ingest: Ingest) -> None:
    """
    The change that explains a silence is found where the silence began, long before the time asked for.
    """
    stop = record(at=END, eventSource="cloudtrail.amazonaws.com", eventName="StopLogging")
    write_log(logs, stop, delivered=END - timedelta(minutes=5))
    ingest()
    now = END + timedelta(days=50)

    found = find(neighbours(), since=now - timedelta(days=7), now=now)

    (gap,) = found.gaps
    assert (["StopLogging"], True) == ([change.name for change in gap.changes], gap.is_explained)


def test_four_silent_weeks_are_a_gap_whatever_was_usual(find: Find) -> None:
    """
    Three deliveries are no habit, and their absence no news; four weeks without anything are.
    """
    rows = delivered(ACCOUNT, REGION, [BEGIN, BEGIN + timedelta(days=2), BEGIN + timedelta(days=3)])
    last = BEGIN + timedelta(days=3, hours=1)

    assert [] == holes(find(rows, since=last, now=last + timedelta(days=27)))
    found = find([], since=last + timedelta(days=21), now=last + timedelta(days=28))

    assert [(None, None, last, last + timedelta(days=28))] == holes(found)
    (gap,) = found.gaps
    assert ("length", None, True, last - timedelta(hours=1)) == (
        gap.basis, gap.chance, gap.ongoing, gap.last_delivery
    )  # fmt: skip


def test_nothing_before_the_first_delivery_is_no_gap(find: Find) -> None:
    """
    Asked for a time before a lake's first delivery: what was not there yet cannot be missed.
    """
    begin = BEGIN - timedelta(days=70)
    assert [] == holes(find(neighbours(), since=begin, until=begin + timedelta(days=40)))


def test_only_the_chosen_are_reported(find: Find) -> None:
    """
    An account or Region is chosen from what is reported, not from what it is compared with.
    """
    rows = (
        neighbours()
        + delivered(ACCOUNT, REGION, hourly(but=(HOLE, 5)))
        + delivered(ACCOUNT, OTHER_REGION, hourly(but=(HOLE + timedelta(days=3), 5)))
    )

    assert [REGION] == [gap.region for gap in find(rows, accounts=[ACCOUNT], regions=[REGION]).gaps]
    assert [] == holes(find([], accounts=[OTHER_ACCOUNT]))
    assert {ACCOUNT} == set(find([], accounts=[ACCOUNT]).regions.column("account").to_pylist())


def test_changes_are_those_of_the_chosen(find: Find, logs: Path, ingest: Ingest) -> None:
    """
    Changes to trails are listed of the accounts that were asked for.
    """
    stop = {"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging"}
    write_log(logs, record(at=HOLE, **stop), record(1, at=HOLE, recipientAccountId=OTHER_ACCOUNT, **stop))
    ingest()

    assert 2 == len(find(neighbours()).changes)
    assert [OTHER_ACCOUNT] == [change.account for change in find([], accounts=[OTHER_ACCOUNT]).changes]


def test_an_account_that_is_not_there_is_refused(find: Find) -> None:
    """
    A misspelt account or Region is not taken for one without holes; the message names those that are there.
    """
    for asked in ({"accounts": ["9" * 12]}, {"regions": ["us-esat-1"]}):
        with pytest.raises(UsageError) as caught:
            find([] if "regions" in asked else neighbours(), **asked)
        assert (OTHER_ACCOUNT if "accounts" in asked else REGION) in str(caught.value.hint)


def test_an_empty_lake(find: Find, lake_dir: Path) -> None:
    """
    A lake without any log file is not complete; the time asked for is one hole, if any was.
    """
    open_lake_folder(lake_dir, create=True)

    found = find([], until=None)
    assert ((), None, 0, False) == (found.gaps, found.since, found.regions.num_rows, found.is_complete)

    found = find([], since=END - timedelta(days=7), now=END)
    assert [(None, None, END - timedelta(days=7), END)] == holes(found)
    assert (None, "length", True) == (found.gaps[0].last_delivery, found.gaps[0].basis, found.gaps[0].ongoing)


@pytest.mark.parametrize("planted", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)])
@pytest.mark.parametrize("column", ["delivered_at", "last_event_time"])
def test_a_planted_name_of_an_impossible_time(find: Find, planted: datetime, column: str) -> None:
    """
    A log file whose name says the year 9999 makes no hole of millennia, which would not fit into the memory.
    """
    odd = replace(delivered(ACCOUNT, REGION, [BEGIN])[0], uri="planted", delivered_at=None)
    found = find([*neighbours(), replace(odd, **{column: planted})], until=None)

    assert [] == holes(found)
    assert 2026 == found.since.year == found.until.year  # type: ignore[union-attr]
    assert 1 == found.undated_files


def test_what_is_still_to_come_is_no_silence(find: Find) -> None:
    """
    --until far ahead is as now.
    """
    ahead = datetime(9999, 12, 31, tzinfo=UTC)
    found = find(neighbours(), since=END - timedelta(days=7), until=ahead, now=END)

    assert ([], END) == (holes(found), found.until)


def test_the_sample_has_no_hole(ingest: Ingest, find: Find, sample_logs: Path) -> None:
    """
    The sample's StopLogging hit a second trail: the organization's went on, and no hole is made up for it.
    """
    ingest(sample_logs)

    found = find([], until=None)

    assert [] == holes(found)
    assert ["StopLogging", "StartLogging"] == [change.name for change in found.changes]
    assert (1055, 21442, 2) == (found.total("files"), found.total("events"), found.total("rejected"))


def test_copied_logs_tell_account_and_region_by_name(ingest: Ingest, find: Find) -> None:
    """
    Real logs whose upper folders are lost: all files placed, no hole in four busy days.
    """
    ingest(shared_data("sans504"))

    found = find([], until=None)

    assert [] == holes(found)
    assert (3872, 0, 13) == (found.total("files"), found.undated_files, found.regions.num_rows)
    assert "by hour" == row_of(found, "342082656213", "us-west-1")["judged"]
