"""The whole way in: what is selected, and what a later run without the filter adds."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Ingest, Rows
from tests.made import (
    ACCOUNT,
    OTHER_ACCOUNT,
    OTHER_REGION,
    REGION,
    TIME,
    Record,
    event_ids,
    record,
    text,
    trail,
    without,
    write_file,
    write_log,
)
from trailql.errors import SourceError, UsageError
from trailql.ingest import IngestSummary, Selection
from trailql.ingest.pipeline import Limits

HOUR = timedelta(hours=1)


def ids(*numbers: int) -> list[str]:
    """The eventIDs of those records."""
    return event_ids([record(number) for number in numbers])


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        pytest.param(Selection(), [0, 1, 2], id="all"),
        pytest.param(Selection(since=TIME), [1, 2], id="from-is-included"),
        pytest.param(Selection(until=TIME), [0], id="to-is-not-included"),
        pytest.param(Selection(since=TIME, until=TIME + HOUR), [1], id="half-open"),
        pytest.param(Selection(since=TIME + 2 * HOUR), [], id="nothing"),
    ],
)
def test_times(logs: Path, ingest: Ingest, rows: Rows, selection: Selection, expected: list[int]) -> None:
    """`since <= eventTime < until` holds for events, not for files; the others are counted as filtered."""
    write_file(logs, "a.json", trail(*(record(number, at=TIME + (number - 1) * HOUR) for number in range(3))))

    summary = ingest(selection=selection)

    assert ids(*expected) == event_ids(rows())
    assert 3 - len(expected) == summary.records_filtered


@pytest.mark.parametrize(
    ("fields", "dropped", "is_taken"),
    [
        pytest.param({}, (), True, id="recipientAccountId"),
        pytest.param({"recipientAccountId": OTHER_ACCOUNT}, (), False, id="recipientAccountId-before-userIdentity"),
        pytest.param({}, ("recipientAccountId",), True, id="userIdentity"),
        pytest.param({"userIdentity": {"invokedBy": "x"}}, ("recipientAccountId",), True, id="account-of-the-path"),
    ],
)
def test_account(logs: Path, ingest: Ingest, fields: Record, dropped: tuple[str, ...], is_taken: bool) -> None:
    """An event belongs to the account that received it, else to the caller's, else to that of the file's path."""
    write_log(logs, without(record(1, **fields), *dropped))

    assert int(is_taken) == ingest(selection=Selection(accounts=frozenset({ACCOUNT}))).events_added


def test_regions(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """Several regions may be asked for; a record's own region decides."""
    regions = [REGION, OTHER_REGION, "us-west-2"]
    write_file(logs, "a.json", trail(*(record(number, awsRegion=region) for number, region in enumerate(regions))))

    ingest(selection=Selection(regions=frozenset(regions[:2])))

    assert ids(0, 1) == event_ids(rows())


@pytest.mark.parametrize(
    ("where", "selection", "is_read"),
    [
        pytest.param({"account": OTHER_ACCOUNT}, Selection(accounts=frozenset({ACCOUNT})), False, id="other-account"),
        pytest.param({"region": OTHER_REGION}, Selection(regions=frozenset({REGION})), False, id="other-region"),
        pytest.param({"delivered": TIME - HOUR}, Selection(since=TIME), False, id="delivered-before"),
        pytest.param({"delivered": TIME}, Selection(since=TIME + timedelta(seconds=30)), True, id="same-minute"),
        pytest.param({"delivered": TIME + 29 * 24 * HOUR}, Selection(until=TIME), True, id="delivered-29-days-late"),
        pytest.param({"delivered": TIME + 31 * 24 * HOUR}, Selection(until=TIME), False, id="delivered-31-days-late"),
        pytest.param({}, Selection(since=TIME - HOUR, until=TIME + HOUR), True, id="within"),
    ],
)
def test_files_that_cannot_hold_it_are_not_read(
    logs: Path, ingest: Ingest, where: Record, selection: Selection, is_read: bool
) -> None:
    """A file whose name excludes every selected event is left alone; CloudTrail retries delivery for 30 days."""
    write_log(logs, record(1), **where)
    write_file(logs, "no-name-to-tell.json", b"[]")

    summary = ingest(selection=selection)

    assert (int(is_read), int(not is_read)) == (summary.ingested, summary.files_not_selected)


def test_later_run_without_filter_adds_the_rest(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """What a filter left out comes in later; what was in is not added again, nor set aside a second time."""
    odd = '{"eventName":"NoTime"}'
    write_log(logs, record(1), record(2, awsRegion=OTHER_REGION), odd)
    write_log(logs, record(3), region=OTHER_REGION)
    first = ingest(selection=Selection(regions=frozenset({REGION})))
    assert ids(1) == event_ids(rows())

    second = ingest()

    assert (1, 1, 1) == (first.records_filtered, first.files_not_selected, second.duplicates_dropped)
    assert ids(1, 2, 3) == event_ids(rows())
    assert [odd] == [row["record"] for row in rows("set_aside")]
    assert 0 == ingest().records


def test_naive_times_mean_utc(logs: Path, ingest: Ingest) -> None:
    """A `datetime` without a zone is taken as UTC, or refused in words; it is no traceback."""
    write_log(logs, record(1))
    with suppress(UsageError):
        assert 1 == ingest(selection=Selection(since=TIME.replace(tzinfo=None))).events_added


@pytest.mark.parametrize(
    ("selection", "there"),
    [
        (
            Selection(accounts=frozenset({"123456789012"})),
            f"--account 123456789012: no folder of it; there are {ACCOUNT}",
        ),
        (Selection(regions=frozenset({"us-esat-1"})), f"--region us-esat-1: no folder of it; there are {REGION}"),
    ],
    ids=["account", "region"],
)
def test_filter_that_nothing_can_meet(
    logs: Path, ingest: Ingest, lake_dir: Path, selection: Selection, there: str
) -> None:
    """Where all names tell the account and Region, a filter for another one is a slip; what is there is named."""
    write_log(logs, record(1))

    with pytest.raises(UsageError, match=there):
        ingest(selection=selection)
    assert not lake_dir.exists()

    write_log(logs, record(2), account=OTHER_ACCOUNT, region=OTHER_REGION)
    wider = Selection(
        selection.since,
        selection.until,
        selection.accounts | ({OTHER_ACCOUNT} if selection.accounts else set()),
        selection.regions | ({OTHER_REGION} if selection.regions else set()),
    )
    summary = ingest(selection=wider)
    assert (1, 1) == (summary.ingested + summary.empty, len(summary.notes))


def test_missing_source(ingest: Ingest, logs: Path, lake_dir: Path) -> None:
    """A source that is not there is an error, and no lake is made for it."""
    with pytest.raises(SourceError):
        ingest(logs, logs / "missing")

    assert not lake_dir.exists()


@pytest.mark.parametrize("folders", ["empty", "empty/of/all"])
def test_folder_without_a_file(ingest: Ingest, logs: Path, lake_dir: Path, folders: str) -> None:
    """A folder that holds no file at all is the wrong one; beside a right one, too."""
    write_log(logs, record(1))
    (logs.parent / folders).mkdir(parents=True)

    with pytest.raises(SourceError, match="no CloudTrail log files"):
        ingest(logs, logs.parent / "empty")

    assert not lake_dir.exists()


def test_file_given_twice_is_counted_once(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """A file named by hand beside its own folder is one file in the summary and in the ledger."""
    path = write_log(logs, record(1), record(2))

    summary = ingest(logs, path)

    assert (2, 2, 0) == (summary.records, summary.events_added, summary.duplicates_dropped)
    assert [2] == [row["records"] for row in rows("files") if row["status"] == "ingested"]


def test_progress_is_reported(logs: Path, ingest: Ingest) -> None:
    """The callback sees the counts grow up to those returned."""
    for number in range(5):
        write_file(logs, f"{number}.json", trail(record(number)))
    seen: list[int] = []

    def note(summary: IngestSummary) -> None:
        seen.append(summary.events_added)

    ingest(on_progress=note, limits=Limits(batch_bytes=1))

    assert seen == sorted(seen)
    assert 5 == seen[-1]


def test_large_line_delimited_file_is_whole(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """Beyond the size limit of a document a line-delimited file streams in parts, and every record of it is in."""
    made = record(1, userAgent="x" * 400)
    lines = "\n".join(text(made | {"eventID": f"{number:036d}"}) for number in range(20_000))
    write_file(logs, "a.ndjson", lines.encode())

    summary = ingest(limits=Limits(max_file_bytes=1 << 20))

    assert (20_000, 20_000, []) == (summary.records, summary.events_added, summary.problems)
    assert {f"{number:036d}" for number in range(20_000)} == {row["eventID"] for row in rows()}


def test_large_document_is_refused(logs: Path, ingest: Ingest) -> None:
    """A single document beyond the limit is rejected with the limit and a way out."""
    write_file(logs, "a.json", trail(*(record(number) for number in range(2000))))

    summary = ingest(limits=Limits(max_file_bytes=1 << 20))

    assert 1 == summary.rejected
    assert "more than 1 MiB" in summary.problems[0][1]
