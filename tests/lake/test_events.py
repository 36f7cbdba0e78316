"""Each event once: what counts as a copy, what as a conflict, and where a row lies."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import Ingest, Rows
from tests.made import TIME, event_ids, record, spelled, trail, without, write_file, write_log
from trailql.ingest import IngestSummary
from trailql.ingest.pipeline import Limits

Counts = tuple[int, int, int]


def counts(summary: IngestSummary) -> Counts:
    """Added, dropped, conflicting."""
    return summary.events_added, summary.duplicates_dropped, summary.conflicts


def turned_round(made: dict[str, object]) -> dict[str, object]:
    """The same record with its keys in another order, at the top and inside."""
    return {key: turned_round(value) if isinstance(value, dict) else value for key, value in reversed(made.items())}


def test_copies_within_a_file(logs: Path, ingest: Ingest) -> None:
    """A record that stands twice in one file is one event."""
    write_log(logs, record(1), record(2), record(1))

    assert (2, 1, 0) == counts(ingest())


@pytest.mark.parametrize("batch_bytes", [1, 1 << 28], ids=["a-batch-a-file", "one-batch"])
def test_copies_across_files(logs: Path, ingest: Ingest, batch_bytes: int) -> None:
    """A record delivered in two files is one event, whether they share a batch or not."""
    write_log(logs, record(1), record(2))
    write_log(logs, record(2), record(3), unique="another0another0", delivered=TIME + timedelta(days=2))

    assert (3, 1, 0) == counts(ingest(limits=Limits(batch_bytes=batch_bytes)))


def test_copies_across_runs(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """A record the lake already holds is dropped when another file brings it later."""
    first = write_log(logs, record(1), record(2))
    ingest()
    write_log(logs, record(2), record(3), unique="another0another0")

    assert (1, 1, 0) == counts(ingest())
    assert event_ids([record(number) for number in (1, 2, 3)]) == event_ids(rows())
    assert str(first) == next(row["log_file"] for row in rows() if row["eventID"] == record(2)["eventID"])


def test_file_under_two_names(logs: Path, ingest: Ingest) -> None:
    """The same file copied under a second name adds nothing."""
    path = write_log(logs, record(1), record(2))
    write_file(logs, "copy/of/it.json.gz", path.read_bytes())

    assert (2, 2, 0) == counts(ingest())


@pytest.mark.parametrize("across_runs", [False, True], ids=["one-run", "two-runs"])
def test_other_key_order_is_a_copy(logs: Path, ingest: Ingest, across_runs: bool) -> None:
    """The same record with its keys in another order, even inside, is the same event."""
    write_log(logs, record(1))
    added = ingest().events_added if across_runs else 0
    write_log(logs, turned_round(record(1)), unique="another0another0")

    summary = ingest()

    assert (1, 1, 0) == (added + summary.events_added, summary.duplicates_dropped, summary.conflicts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param('{"a":1}', '{"a":2}', id="value"),
        pytest.param('{"a":1}', '{"a":1.0}', id="integer-or-float"),
        pytest.param('{"a":null}', "{}", id="null-inside-free-form"),
        pytest.param('{"a":[1,2]}', '{"a":[2,1]}', id="order-of-a-list"),
        pytest.param('{"a":1e400}', '{"a":1e500}', id="numbers-beyond-a-float"),
        pytest.param('{"a":12345678901234567890.1}', '{"a":12345678901234567890.2}', id="digits-beyond-a-float"),
        pytest.param('{"a":1,"a":2}', '{"a":3,"a":2}', id="first-of-equal-keys"),
        pytest.param(r'{"a":"\ud800"}', r'{"a":"\udfff"}', id="lone-surrogates"),
    ],
)
def test_same_id_other_content_is_kept_and_counted(
    logs: Path, ingest: Ingest, rows: Rows, one: str, other: str
) -> None:
    """Two records with one eventID that differ in anything are both kept; the later one counts as a conflict."""
    write_log(logs, spelled(record(1), requestParameters=one))
    ingest()
    write_log(logs, spelled(record(1), requestParameters=other), unique="another0another0")

    assert (1, 0, 1) == counts(ingest())
    assert {one, other} == {row["requestParameters"] for row in rows()} or 2 == len(rows())


def test_conflicts_within_one_file(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """Within one file both versions are kept and counted, and an exact copy of one of them is dropped."""
    write_log(logs, record(1), record(1, userAgent="x"), record(1))

    assert (2, 1, 2) == counts(ingest())
    assert 2 == len(rows())


def test_records_without_event_id(logs: Path, ingest: Ingest) -> None:
    """Records of version 1.00 have no eventID: equal ones are one event, others are not."""
    old = without(record(1, eventVersion="1.00"), "eventID", "requestID")
    write_log(logs, old, old, old | {"sourceIPAddress": "192.0.2.99"}, old | {"eventID": ""})

    assert (3, 1, 0) == counts(ingest())
    write_log(logs, old, unique="another0another0")
    assert (0, 1, 0) == counts(ingest())


@pytest.mark.parametrize("time", ["2026-10-01T12:30:00.123456Z", "0999-06-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_copies_with_unusual_times(logs: Path, ingest: Ingest, time: str) -> None:
    """A copy is found again in the lake whatever its time is."""
    write_log(logs, record(1, eventTime=time))
    ingest()
    write_log(logs, record(1, eventTime=time), unique="another0another0")

    assert (0, 1, 0) == counts(ingest())


def test_second_ingest_adds_nothing(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """Ingesting a folder twice reads no file again and leaves all tables as they were."""
    write_log(logs, record(1), '{"eventName":"NoTime"}', record(2))
    write_file(logs, "page.json", b"<html>")
    write_file(logs, "README.md", b"words")
    first = ingest()
    before = {table: rows(table) for table in ("events", "files", "set_aside")}

    second = ingest()

    assert (2, 1, 1) == (first.events_added, first.rejected, first.records_set_aside)
    assert (2, 1, 0, 0) == (second.files_known, second.files_rejected_before, second.records, second.rejected)
    assert before == {table: rows(table) for table in ("events", "files", "set_aside")}


def test_partition_is_the_day_of_the_event(logs: Path, lake_dir: Path, ingest: Ingest, rows: Rows) -> None:
    """Rows lie under the UTC day of their eventTime, not under the day their file was delivered."""
    midnight = datetime(2026, 10, 2, tzinfo=UTC)
    times = [midnight - timedelta(seconds=1), midnight, midnight - timedelta(days=30)]
    elsewhere = "2026-10-02T01:30:00+02:00"  # the evening before, UTC
    write_log(
        logs, *(record(n, at=time) for n, time in enumerate(times)), record(9, eventTime=elsewhere), delivered=midnight
    )

    ingest()

    found = sorted(row["event_date"] for row in rows())
    assert [date(2026, 9, 2), date(2026, 10, 1), date(2026, 10, 1), date(2026, 10, 2)] == found
    assert all(row["event_date"] == row["eventTime"].date() for row in rows())
    folders = {path.name for path in (lake_dir / "events").iterdir() if path.is_dir()} - {"_delta_log"}
    assert {"event_date=2026-09-02", "event_date=2026-10-01", "event_date=2026-10-02"} == folders


def test_odd_record_keeps_its_place_in_the_file(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """What is no event is set aside with its position and reason, as it stood."""
    odd = '{ "eventName" : "NoTime" }'
    path = write_file(logs, "a.json", trail(record(1), odd, record(2)))

    summary = ingest()

    (row,) = rows("set_aside")
    assert (str(path), 1, "no usable eventTime", odd) == (
        row["log_file"],
        row["record_number"],
        row["reason"],
        row["record"],
    )
    assert (3, 2, 1) == (summary.records, summary.events_added, summary.records_set_aside)
