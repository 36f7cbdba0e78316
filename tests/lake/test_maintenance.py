"""Compaction, retention, vacuum: fewer files, the same rows; days that go; nothing deleted that is in use."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.conftest import Ingest, Rows
from tests.made import TIME, record, write_log
from trailql.errors import LakeError, UsageError
from trailql.lake import compact as compacting
from trailql.lake.check import check
from trailql.lake.compact import MOST_SMALL_FILES, compact
from trailql.lake.describe import describe
from trailql.lake.lake import REWRITING, Lake, arrow_schema, open_lake_folder
from trailql.lake.manifest import manifest_lines
from trailql.lake.parquet import write_parquet
from trailql.lake.retention import expire, vacuum
from trailql.query.engine import open_lake
from trailql.schema import PARTITION_COLUMN, SORT_COLUMNS, TABLES

Fragments = Callable[..., Lake]


@pytest.fixture
def fragments(logs: Path, lake_dir: Path, ingest: Ingest) -> Fragments:
    """A lake made by many small ingests, over two days."""

    def make(ingests: int = 6, events: int = 30) -> Lake:
        for number in range(ingests):
            moments = [TIME + timedelta(minutes=number, days=each % 2) for each in range(events)]
            records = [record(1000 * number + each, at=moment) for each, moment in enumerate(moments)]
            write_log(logs, *records, unique=f"number{number:010d}", delivered=TIME + timedelta(minutes=5 * number))
            ingest()
        return open_lake_folder(lake_dir)

    return make


def in_order(rows: list[dict[str, Any]]) -> list[str]:
    """Rows as texts that can be compared, whatever their order."""
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)


def test_compaction_keeps_every_row(fragments: Fragments, rows: Rows) -> None:
    """A day's files become one, sorted, with the same rows; what a reader holds open goes on working."""
    lake = fragments()
    before = in_order(rows()), in_order(rows("files"))
    with open_lake(lake.root) as reader:
        done = compact(lake)

        assert before[0] == in_order(reader.sql("FROM events").dicts())
    assert before == (in_order(rows()), in_order(rows("files")))
    assert (2, 18, 3, 186) == (done.days, done.files_before, done.files_after, done.rows)
    assert 2 == len(lake.snapshot("events").parts)
    for day in (TIME.date(), TIME.date() + timedelta(days=1)):
        found = [row for row in rows() if row["event_date"] == day]
        keys = [tuple(str(_value(row, column)) for column in SORT_COLUMNS) for row in found]
        assert keys == sorted(keys)


def test_a_large_day_is_sorted_in_parts(
    logs: Path, lake_dir: Path, ingest: Ingest, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day of many events is sorted within each quarter, not over all of it, and holds the same rows."""
    monkeypatch.setattr(compacting, "_SLICE_ROWS", 10)
    midnight = TIME.replace(hour=0, minute=0)
    for number in range(2):
        moments = [midnight + timedelta(minutes=30 * each + number) for each in range(48)]
        names = ("DescribeInstances", "RunInstances") * 24
        made = zip(moments, names, strict=True)
        records = [record(100 * number + each, at=at, eventName=name) for each, (at, name) in enumerate(made)]
        write_log(logs, *records, unique=f"number{number:010d}")
        ingest()
    before = in_order(rows())

    compact(open_lake_folder(lake_dir))

    found = rows()
    keys = [(row["eventTime"].hour // 6, *(str(_value(row, column)) for column in SORT_COLUMNS)) for row in found]
    assert before == in_order(found)
    assert keys == sorted(keys)
    assert {0, 1, 2, 3} == {key[0] for key in keys}
    assert [key[1:] for key in keys] != sorted(key[1:] for key in keys)


def _value(row: dict[str, Any], column: str) -> Any:
    for name in column.split("."):
        row = row[name]
    return row


PARTITIONED = ("events", "minute_counts")


def test_every_table_is_compacted(lake_dir: Path, fragments: Fragments) -> None:
    """Whatever table has small files: their rows are the same in one file."""
    lake = fragments(ingests=1)
    at = datetime(2026, 10, 1, 12, tzinfo=UTC)
    for table, columns in TABLES.items():
        partition: dict[str, str | None] = {PARTITION_COLUMN: "2026-09-01"} if table in PARTITIONED else {}
        for number in range(2):
            row = {"batch": f"made-{number}", "eventTime": at, "extra": None}
            schema = arrow_schema(columns)
            names = [name for name in schema.names if name != PARTITION_COLUMN or not partition]
            values = {name: [row.get(name)] for name in names}
            made = pa.table(values, schema=pa.schema([schema.field(name) for name in names]))
            file = write_parquet(lake, made, f"made-{table}-{number}", table=table, partition=partition)
            lake.commit(table, [file], batch=f"made-{table}-{number}")

    compact(lake)

    for table in TABLES:
        parts = [part for part in lake.snapshot(table).parts if str(part.day) in ("2026-09-01", "None")]
        assert 1 == len(parts), table
        assert parts[0].rows >= 2, table


def test_compaction_makes_files_of_the_target_size(fragments: Fragments, rows: Rows) -> None:
    """Where a day is larger than the target it becomes several files that do not overlap in their order."""
    lake = fragments(ingests=4, events=2000)
    before = in_order(rows())
    total = sum(part.size_bytes for part in lake.snapshot("events").parts)

    compact(lake, target_bytes=total // 7)

    parts = lake.snapshot("events").parts
    assert 4 <= len(parts) <= 8
    assert before == in_order(rows())
    assert 0 == compact(lake, target_bytes=total // 7).files_before


def test_compaction_twice_does_nothing(fragments: Fragments) -> None:
    """A compacted lake is left alone."""
    lake = fragments()
    compact(lake)
    version = lake.snapshot("events").version

    assert 0 == compact(lake).files_before
    assert version == lake.snapshot("events").version


def test_ingest_goes_on_during_compaction(
    fragments: Fragments, logs: Path, ingest: Ingest, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ingest that commits while a day is being rewritten loses nothing, and neither does the compaction."""
    lake = fragments()
    write_log(logs, record(77_000), record(0), unique="meanwhile0meanwh")
    original = compacting._check_same_rows

    def meanwhile(*arguments: Any) -> None:
        ingest()
        original(*arguments)

    monkeypatch.setattr(compacting, "_check_same_rows", meanwhile)

    compact(lake)

    assert 6 * 30 + 1 == len(rows())
    assert [] == check(lake).problems


def test_two_compactions_at_once(fragments: Fragments, rows: Rows) -> None:
    """Of two that rewrite the same files one wins, the other leaves no trace: no row twice."""
    lake = fragments(ingests=8, events=200)
    before = in_order(rows())
    threads = [threading.Thread(target=compact, args=(open_lake_folder(lake.root),)) for _ in range(3)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert before == in_order(rows())
    assert [] == check(lake).orphans


def test_the_second_to_take_files_out_is_refused(fragments: Fragments, rows: Rows) -> None:
    """Delta itself would let both through, and the rows would be there twice: the commit's name is what forbids it."""
    lake = fragments()
    one, other = lake.snapshot("events"), lake.snapshot("events")
    one.commit([], batch="one", remove=one.parts[:1], alone=REWRITING)

    with pytest.raises(Exception, match="events"):
        other.commit([], batch="other", remove=other.parts[:1], alone=REWRITING)


def test_wrong_rows_are_not_committed(fragments: Fragments, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compaction that writes other rows than it read says so, commits nothing and leaves nothing."""
    lake = fragments()
    before = in_order(rows())
    original = compacting.rows_sql
    monkeypatch.setattr(
        compacting,
        "rows_sql",
        lambda snapshot, parts: original(snapshot, parts).replace("SELECT ", "SELECT DISTINCT ON (eventName) ", 1),
    )
    calls = iter([True])
    monkeypatch.setattr(
        compacting,
        "_check_same_rows",
        lambda con, snapshot, before, after: (
            monkeypatch.setattr(compacting, "rows_sql", original) if next(calls, None) else None,
            _CHECK(con, snapshot, before, after),
        ),
    )

    with pytest.raises(LakeError, match="nothing was committed"):
        compact(lake)

    monkeypatch.undo()
    assert before == in_order(rows())
    assert [] == check(lake).orphans


_CHECK = compacting._check_same_rows


def test_many_ingests_compact_by_themselves(fragments: Fragments, lake_dir: Path) -> None:
    """However often small files come, a day has few of them."""
    lake = fragments(ingests=2 * MOST_SMALL_FILES + 4, events=4)

    for table in ("events", "files"):
        days: dict[date | None, int] = {}
        for part in lake.snapshot(table).parts:
            days[part.day] = days.get(part.day, 0) + 1
        assert max(days.values()) <= MOST_SMALL_FILES + 1, table
    with open_lake(lake_dir) as opened:
        assert [(2 * MOST_SMALL_FILES + 4) * 4] == opened.sql("SELECT count(*) AS n FROM events").arrow()[
            "n"
        ].to_pylist()


def test_expired_days_go_and_the_books_stay_right(fragments: Fragments, rows: Rows, ingest: Ingest) -> None:
    """Days before the kept ones go in one commit; the ledger knows how many, and the files are not read again."""
    lake = fragments()
    today = TIME.date() + timedelta(days=31)

    dry = expire(lake, keep_days=30, today=today, dry_run=True)
    done = expire(lake, keep_days=30, today=today)

    assert dry == done
    assert ([TIME.date()], 90) == (done.days, done.events)
    assert {TIME.date() + timedelta(days=1)} == {row["event_date"] for row in rows()}
    assert 90 == sum(row["rows"] for row in rows("expired"))
    assert 6 == ingest().files_known
    assert 90 == len(rows())
    assert [] == check(lake).problems
    assert [] == expire(lake, keep_days=30, today=today).days


def test_expiry_keeps_at_least_a_day(fragments: Fragments) -> None:
    """Nothing deletes a whole lake by a slip."""
    with pytest.raises(UsageError):
        expire(fragments(ingests=1), keep_days=0)


def test_vacuum_deletes_what_is_out_of_use_and_old(
    fragments: Fragments, rows: Rows, lake_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that compaction replaced go once they are old enough, and files in use never do."""
    lake = fragments()
    compact(lake)
    before = in_order(rows())
    assert [] == vacuum(lake, hours=1).files

    monkeypatch.setattr("trailql.lake.retention.LEAST_VACUUM_HOURS", 0)
    time.sleep(0.01)
    dry = vacuum(lake, hours=0, dry_run=True)
    done = vacuum(lake, hours=0)

    assert dry.files == done.files
    assert 18 == len(done.files)
    assert done.bytes > 0
    assert before == in_order(rows())
    live = {f"{table}/{part.path}" for table in ("events", "files") for part in lake.snapshot(table).parts}
    assert live == {path.relative_to(lake_dir).as_posix() for path in lake_dir.rglob("part-*.parquet")}


def test_vacuum_leaves_young_strays_alone(fragments: Fragments, lake_dir: Path) -> None:
    """A file that no table knows may be an ingest's work in hand: only old ones go."""
    lake = fragments(ingests=1)
    (source,) = lake_dir.glob(f"events/event_date={TIME.date()}/*.parquet")
    stray = source.with_name("part-20260101T000000-deadbeef0000-1-" + "0" * 32 + ".parquet")
    shutil.copy(source, stray)

    assert [] == vacuum(lake, hours=2).files
    os.utime(stray, (0, 0))
    assert [stray.relative_to(lake_dir).as_posix()] == vacuum(lake, hours=2).files
    assert not stray.exists()


def test_vacuum_below_an_hour_is_refused(fragments: Fragments) -> None:
    """It would take files from ingests and queries at work."""
    with pytest.raises(UsageError):
        vacuum(fragments(ingests=1), hours=0)


def test_description_counts_what_is_there(fragments: Fragments, rows: Rows) -> None:
    """Days, files, events, bytes and times as the tables have them."""
    lake = fragments()

    told = describe(lake)

    assert (180, [90, 90], [6, 6]) == (
        told.events,
        [day.events for day in told.days],
        [day.files for day in told.days],
    )
    times = [row["eventTime"] for row in rows()]
    assert (min(times), max(times)) == (told.oldest, told.newest)
    tables = {table.table: table for table in told.tables}
    assert (180, 6) == (tables["events"].rows, tables["files"].rows)
    on_disk = sum(path.stat().st_size for path in Path(lake.root, "events").rglob("*.parquet"))
    assert on_disk == tables["events"].bytes + tables["events"].bytes_out_of_use


def test_manifest_is_reproducible(fragments: Fragments, rows: Rows, ingest: Ingest, logs: Path, tmp_path: Path) -> None:
    """Valid JSON, every source file with its hashes and outcome, and the same bytes from another ingest of the same."""
    lake = fragments()
    (logs / "junk.json.gz").write_bytes(b"junk")
    ingest()

    text = "\n".join(manifest_lines(lake))

    told = json.loads(text)
    assert (7, 180) == (told["files"], told["rows_added"])
    by_uri = {row["uri"]: row for row in rows("files")}
    assert sorted(by_uri) == [source["uri"] for source in told["sources"]]
    for source in told["sources"]:
        row = by_uri[source["uri"]]
        assert (row["sha256_stored"], row["sha256_content"], row["status"], row["records"]) == (
            source["sha256_stored"],
            source["sha256_content"],
            source["status"],
            source["records"],
        )
    compact(lake)
    assert text == "\n".join(manifest_lines(lake))
    ingest(lake=tmp_path / "other")
    assert text == "\n".join(manifest_lines(open_lake_folder(tmp_path / "other")))
