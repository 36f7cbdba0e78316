"""The ledger says of every file what it was and what became of it."""

from __future__ import annotations

import gzip
import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import Ingest, Rows
from tests.made import ACCOUNT, REGION, TIME, log_key, record, text, trail, write_file, write_log
from trailql.ingest.pipeline import Limits
from trailql.lake.compact import compact
from trailql.lake.lake import open_lake_folder


def test_columns_of_an_ingested_file(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """Name, sizes, hashes, key facts, counts and times of a file are what hashlib and the file say."""
    early, late = TIME - timedelta(minutes=9), TIME - timedelta(minutes=2)
    records = [record(1, at=late), record(2, at=early), record(1, at=late), record(1, at=late, userAgent="x")]
    path = write_log(logs, *records, '{"eventName":"NoTime"}')
    before = datetime.now(UTC)

    ingest()

    (row,) = rows("files")
    stored = path.read_bytes()
    assert str(path) == row["uri"]
    assert (len(stored), hashlib.sha256(stored).hexdigest()) == (row["size_bytes"], row["sha256_stored"])
    content = gzip.decompress(stored)
    assert (len(content), hashlib.sha256(content).hexdigest()) == (row["content_bytes"], row["sha256_content"])
    assert str(path.stat().st_mtime_ns) == row["version_tag"]
    assert ("CloudTrail", ACCOUNT, REGION, TIME) == (row["folder"], row["account"], row["region"], row["delivered_at"])
    assert ("trail", "ingested", None) == (row["container"], row["status"], row["reason"])
    counted = [row[name] for name in ("records", "rows_added", "duplicates_dropped", "conflicts", "records_set_aside")]
    assert [5, 3, 1, 1, 1] == counted
    assert (early, late) == (row["first_event_time"], row["last_event_time"])
    assert before <= row["ingested_at"] <= datetime.now(UTC)
    assert row["batch"]


def test_status_and_reason(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """Every file has its status: ingested, empty, rejected with a reason, skipped with a reason."""
    write_file(logs, "a-good.json", trail(record(1)))
    write_file(logs, "b-empty.json", trail())
    write_file(logs, "c-page.json", b"<html>")
    write_file(logs, "d-notes.md", b"words")
    write_log(logs, record(2), key="e/" + log_key(folder="CloudTrail-Digest"))
    (logs / "f-gone.json").symlink_to(logs / "nowhere")

    summary = ingest()

    found = {Path(row["uri"]).name[0]: (row["status"], row["reason"] or "") for row in rows("files")}
    assert {"a": "ingested", "b": "empty", "c": "rejected", "d": "skipped", "1": "skipped", "f": "rejected"} == {
        name: status for name, (status, _) in found.items()
    }
    assert "" == found["a"][1] == found["b"][1]
    assert found["c"][1].startswith("not JSON")
    assert found["f"][1].startswith("cannot be read")
    assert (1, 1, 2, 2) == (summary.ingested, summary.empty, summary.rejected, sum(summary.skipped.values()))


def test_every_record_is_accounted_for(sample_logs: Path, ingest: Ingest, rows: Rows) -> None:
    """Over the ledger, records = rows added + duplicates + filtered + set aside; and its sums are the summary's."""
    summary = ingest(sample_logs / "o-exampleorg1" / "777788889999")

    ledger = rows("files")
    for row in ledger:
        parts = ("rows_added", "duplicates_dropped", "records_filtered", "records_set_aside")
        assert row["records"] == sum(row[name] for name in parts)
    assert summary.events_added == sum(row["rows_added"] for row in ledger) == len(rows())
    assert summary.files_seen == len(ledger)


def test_changed_file_is_read_again(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """A file with other bytes under the same name is another version: read, and in the ledger beside the first."""
    path = write_file(logs, "a.json", trail(record(1)))
    ingest()
    path.write_bytes(trail(record(1), record(2)))

    summary = ingest()

    assert (1, 1) == (summary.events_added, summary.duplicates_dropped)
    assert [1, 2] == sorted(row["records"] for row in rows("files"))


def test_same_size_and_later_time_is_another_version(logs: Path, ingest: Ingest) -> None:
    """Equal size does not hide a change: the modification time tells."""
    path = write_file(logs, "a.json", trail(record(1, eventID="1" * 36)))
    ingest()
    path.write_bytes(trail(record(1, eventID="2" * 36)))
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1_000_000))

    assert 1 == ingest().events_added


@pytest.mark.parametrize("retry", [False, True])
def test_rejected_file_is_retried_on_demand(logs: Path, ingest: Ingest, retry: bool) -> None:
    """A rejected file that has not changed is passed over, and named again when retried."""
    write_file(logs, "page.json", b"<html>")
    ingest()

    summary = ingest(retry_rejected=retry)

    assert (int(retry), int(not retry)) == (summary.rejected, summary.files_rejected_before)


def test_large_file_across_batches_has_one_row(logs: Path, ingest: Ingest, rows: Rows) -> None:
    """A line-delimited file that fills several batches is counted whole, in one row."""
    count = 45_000
    made = record(1, userAgent="x" * 300)
    lines = "\n".join(text(made | {"eventID": f"{number:036d}"}) for number in range(count))
    path = write_file(logs, "a.ndjson", lines.encode())

    summary = ingest(limits=Limits(max_file_bytes=1 << 20, batch_bytes=1 << 20))

    assert count == summary.records == summary.events_added == len(rows())
    (row,) = rows("files")
    assert (count, count, "ingested") == (row["records"], row["rows_added"], row["status"])
    assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256_content"]


def test_known_files_are_found_whatever_their_names(logs: Path, ingest: Ingest, lake_dir: Path) -> None:
    """Looking only into ledger files of the same delivery times forgets no file, nor one whose name tells no time."""
    odd = "weird_20260101T0000Z.json"
    write_file(logs, odd, trail(record(900)))
    for number in range(4):
        write_log(logs, record(number), delivered=TIME + timedelta(days=10 * number), unique=f"number{number:010d}")
        ingest()
    lake = open_lake_folder(lake_dir)
    assert [False, False, False, True] == sorted(part.first is None for part in lake.snapshot("files").parts)

    for number in range(4):
        only = next(logs.rglob(f"*number{number:010d}*"))
        assert (1, 0) == ((told := ingest(str(only))).files_known, told.records)
    assert 1 == ingest(str(logs / odd)).files_known
    compact(lake)
    assert (5, 0) == ((told := ingest()).files_known, told.records)
