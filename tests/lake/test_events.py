"""Each event once: what counts as a copy, what as a conflict, and where a row lies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.conftest import Ingest, Rows
from tests.made import TIME, event_ids, record, spelled, text, trail, without, write_file, write_log
from trailql.ingest import IngestSummary
from trailql.ingest.pipeline import Limits
from trailql.lake import events

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


def test_null_inside_a_struct_is_absent(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """Also where the whole text is kept, a null in `userIdentity` and its absence are one content."""
    write_log(logs, spelled(record(1), requestParameters='{"a":"b"}', userIdentity='{"type":"AWSService"}'))
    ingest()
    null = '{"type":"AWSService","invokedBy":null}'
    escaped = spelled(record(1), requestParameters=r'{"a":"\u0062"}', userIdentity=null)
    write_log(logs, escaped, spelled(record(2), requestParameters=r'{"a":"\u0062"}'), unique="another0another0")

    assert (1, 1, 0) == counts(ingest())
    assert any("$record" in (row["extra"] or "") for row in rows())


def test_conflicts_within_one_file(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """Within one file both versions are kept, the later one counted, and an exact copy of one of them is dropped."""
    write_log(logs, record(1), record(1, userAgent="x"), record(1))

    assert (2, 1, 1) == counts(ingest())
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


def test_duplicates_are_told_apart(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """The ledger says whether a copy stood in the same file, in another one, or was read from this URI before."""
    write_log(logs, record(1), record(1), record(2))
    write_log(logs, record(2), record(3), unique="another0another0")
    ingest()
    path = write_log(logs, record(2), record(3), record(4), unique="another0another0")

    summary = ingest()

    kinds = ("duplicates_in_file", "duplicates_in_others", "duplicates_read_before")
    found = {(row["size_bytes"], *(row[kind] for kind in kinds), row["duplicates_dropped"]) for row in rows("files")}
    assert {told[1:] for told in found} == {(1, 0, 0, 1), (0, 1, 0, 1), (0, 1, 1, 2)}
    assert (path.stat().st_size, 0, 1, 1, 2) in found
    assert (0, 1, 1) == tuple(getattr(summary, kind) for kind in kinds)


def test_copies_are_dropped_across_the_parts_of_a_large_file(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """A file that goes over several batches is one commit, and its copies are found over all of them."""
    lines = "\n".join(text(record(number % 700)) for number in range(1400))
    write_file(logs, "export.ndjson", lines.encode())

    with mock.patch.multiple("trailql.normalize.contents", _LINES_BYTES=1 << 17, _READ_BYTES=1 << 16):
        summary = ingest(limits=Limits(max_file_bytes=1 << 18, batch_bytes=1 << 19))

    assert (700, 700, 700) == (summary.events_added, summary.duplicates_dropped, summary.duplicates_in_file)
    (row,) = rows("files")
    assert (1400, 700, 700) == (row["records"], row["rows_added"], row["duplicates_in_file"])
    assert 700 == len(rows())


def test_only_event_ids_are_read_where_nothing_is_met_again(logs: Path, lake_dir: Path, ingest: Ingest) -> None:
    """The check reads eventID of the files of the same days and times, and no other column, no other file."""
    for number in range(6):
        moment = TIME + timedelta(days=number // 2, hours=number % 2)
        write_log(logs, *(record(10 * number + each, at=moment) for each in range(5)), unique=f"number{number:010d}")
        ingest()
    write_log(logs, *(record(100 + each, at=TIME + timedelta(days=1)) for each in range(5)), unique="new0new0new0new0")
    statements: list[str] = []

    with mock.patch.object(events, "parquet_sql", side_effect=_remembered(statements, events.parquet_sql)):
        ingest()

    (read,) = statements
    assert 1 == read.count(".parquet'"), read


def _remembered(kept: list[str], wrapped: Callable[..., str]) -> Callable[..., str]:
    def call(*arguments: Any, **options: Any) -> str:
        kept.append(wrapped(*arguments, **options))
        return kept[-1]

    return call
