"""
From log files to committed rows: normalize → lake, in batches.

Threads read, hash, gunzip and unwrap ahead; one more types and writes the batch before; memory follows the batch size,
never the bucket.
"""

from __future__ import annotations

import gc
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import random

import duckdb
import pyarrow as pa

from trailql.errors import LakeError
from trailql.ingest.reading import ReadAhead
from trailql.ingest.selection import Selection
from trailql.ingest.summary import IngestSummary, Progress
from trailql.lake.events import FileCounts, write_events
from trailql.lake.lake import CommitConflict, Lake
from trailql.lake.ledger import LedgerRow, write_ledger
from trailql.lake.parquet import parquet_sql, sql_text, write_parquet
from trailql.normalize.batch import SetAside, type_records
from trailql.normalize.careful import readable
from trailql.normalize.prepare import DEFAULT_MAX_BYTES, Prepared, record_batch
from trailql.schema import SET_ASIDE_COLUMNS
from trailql.sources.source import LogFile

_CHUNK_BYTES = 16 * 1024 * 1024
_TYPED_AT_ONCE = 2
"""A batch is typed in so many parts: large files in the lake, no long wait before the first and after the last."""
_FIRST_BATCH = 4
"""The first batch is smaller by this, so that no stage of the pipeline waits long for its first work."""
_MOST_CONFLICTS = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What a run may use.

    Args:
        max_file_bytes: Most uncompressed bytes of a single JSON document.
        batch_bytes: Uncompressed bytes a batch holds; memory is about four times that.
        memory: What DuckDB may use before it spills to disk.
        readers: Log files read at once: a few from disk, more over a network.
    """

    max_file_bytes: int = DEFAULT_MAX_BYTES
    batch_bytes: int = 256 * 1024 * 1024
    memory: str = "1GB"
    readers: int = 2


@dataclass(slots=True)
class _Batch:
    """Files and record texts on their way into the lake."""

    files: list[LedgerRow] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    concluded: set[int] = field(default_factory=set)
    next_record: dict[int, int] = field(default_factory=dict)
    waiting: list[tuple[int, int, Prepared]] = field(default_factory=list)
    chunks: list[pa.RecordBatch] = field(default_factory=list)
    odd: dict[tuple[int, int], bytes] = field(default_factory=dict)
    typing: list[Future[_Typed]] = field(default_factory=list)
    waiting_bytes: int = 0
    held_bytes: int = 0
    typed_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Typed:
    """What typing made of record texts: rows, how many a filter left out by file, and what is no event."""

    rows: pa.Table
    filtered: dict[int, int]
    set_aside: list[SetAside]


class Pipeline:
    """
    One run: holds the connection, the thread pools and the counts. Use it as a context manager.

    Args:
        lake: Where to.
        selection: Which events to take.
        limits: What it may use.
        on_progress: Called with the running counts, from any thread.
    """

    def __init__(self, lake: Lake, selection: Selection, limits: Limits, on_progress: Progress | None = None) -> None:
        self.lake = lake
        self.selection = selection
        self.limits = limits
        self.summary = IngestSummary()
        self.unread: dict[str, str] = {}
        self.on_progress: Progress = on_progress or (lambda summary: None)
        self._lock = threading.Lock()
        self._reading = ReadAhead(limits.readers, limits.max_file_bytes)
        self._typer = ThreadPoolExecutor(1, "trailql-type")
        self._writer = ThreadPoolExecutor(1, "trailql-write")
        self._scratch = lake.storage.scratch()
        self._typing: deque[Future[_Typed]] = deque()
        self._partial: dict[str, LedgerRow] = {}
        self._collects_garbage = gc.isenabled()

    def __enter__(self) -> Pipeline:
        self._con = duckdb.connect(config={"preserve_insertion_order": "false"})
        self._con.execute(f"SET memory_limit = {sql_text(self.limits.memory)}")
        self._con.execute(f"SET temp_directory = {sql_text(self._scratch.__enter__())}")
        self._con.execute("SET TimeZone = 'UTC'")
        self.lake.storage.prepare(self._con)
        self._typing_con = self.cursor()
        # Millions of short-lived views of records, none of them in a cycle: looking for cycles costs a tenth.
        gc.disable()
        return self

    def __exit__(self, *exception: object) -> None:
        self._reading.close()
        for pool in (self._typer, self._writer):
            pool.shutdown(cancel_futures=True)
        self._typing_con.close()
        self._con.close()
        self._scratch.__exit__(None, None, None)
        if self._collects_garbage:
            gc.enable()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Another connection to the run's database, for one thread's use."""
        cursor = self._con.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        return cursor

    def take(self, log_files: Iterator[LogFile]) -> None:
        """
        Bring log files in: read ahead in threads, collect batches in file order, type some while others are written.

        When it returns, all of them are committed.
        """
        batch = _Batch()
        limit = self.limits.batch_bytes // _FIRST_BATCH
        writing: deque[Future[None]] = deque()
        for prepared in self._reading.parts(log_files):
            self._collect(batch, prepared)
            if batch.held_bytes + batch.waiting_bytes >= limit // _TYPED_AT_ONCE:
                self._send_to_typing(batch)
            if batch.typed_bytes >= limit:
                limit = self.limits.batch_bytes
                writing.append(self._writer.submit(self._write, batch))
                batch = _Batch()
                if len(writing) > 1:
                    writing.popleft().result()
        if batch.files:
            self._send_to_typing(batch)
            writing.append(self._writer.submit(self._write, batch))
        for written in writing:
            written.result()

    def _send_to_typing(self, batch: _Batch) -> None:
        """Hand over what the batch holds; at most two such parts are under way, so that memory is bounded."""
        if batch.waiting:
            self._close_chunk(batch)
        if not batch.chunks:
            return
        accounts = [row.account for row in batch.files] if self.selection.accounts else []
        self._typing.append(self._typer.submit(self._type, batch.chunks, batch.odd, accounts))
        batch.typing.append(self._typing[-1])
        batch.typed_bytes += batch.held_bytes
        batch.chunks, batch.odd, batch.held_bytes = [], {}, 0
        if len(self._typing) > 2:
            self._typing.popleft().result()

    def _collect(self, batch: _Batch, prepared: Prepared) -> None:
        number = self._file_number(batch, prepared)
        row = batch.files[number]
        if prepared.is_last:
            self.summary.files_done += 1
            if self.summary.files_done % 50 == 0:
                self.on_progress(self.summary)
        first = batch.next_record.get(number, 0)
        row.records += len(prepared.lengths)
        row.content_bytes = prepared.contents.content_bytes
        row.container = row.container or prepared.container or None
        if prepared.is_last:
            self._partial.pop(prepared.log_file.uri, None)
            batch.concluded.add(number)
            self._conclude(row, prepared)
        if not prepared.lengths:
            return
        batch.next_record[number] = first + len(prepared.lengths)
        batch.odd.update({(number, first + record): text for record, text in prepared.odd.items()})
        batch.waiting.append((number, first, prepared))
        batch.waiting_bytes += sum(prepared.lengths)
        if batch.waiting_bytes >= _CHUNK_BYTES:
            self._close_chunk(batch)

    def _file_number(self, batch: _Batch, prepared: Prepared) -> int:
        uri = prepared.log_file.uri
        if uri not in batch.numbers:
            batch.numbers[uri] = len(batch.files)
            row = self._partial.get(uri)
            if row is None:
                row = self._partial[uri] = _ledger_row(prepared.log_file)
            else:  # a large file that began in the batch before
                batch.next_record[len(batch.files)] = row.records
            batch.files.append(row)
        return batch.numbers[uri]

    @staticmethod
    def _conclude(row: LedgerRow, prepared: Prepared) -> None:
        row.sha256_stored = prepared.contents.sha256_stored or None
        row.sha256_content = prepared.contents.sha256_content or None
        if prepared.log_file.skip:
            row.status, row.reason = "skipped", prepared.log_file.skip
        elif prepared.problem:
            row.status, row.reason = "rejected", prepared.problem
        else:
            row.status = "ingested" if row.records else "empty"
            if prepared.log_file.earlier and prepared.log_file.earlier.differs_from(row.sha256_stored):
                row.reason = prepared.log_file.earlier.in_words()

    @staticmethod
    def _close_chunk(batch: _Batch) -> None:
        batch.chunks.append(record_batch(batch.waiting))
        batch.held_bytes += batch.waiting_bytes
        batch.waiting, batch.waiting_bytes = [], 0

    def _type(
        self, chunks: list[pa.RecordBatch], odd: dict[tuple[int, int], bytes], accounts: list[str | None]
    ) -> _Typed:
        """The rows of some record texts, and what is no event."""
        rows, set_aside = type_records(self._typing_con, pa.Table.from_batches(chunks), odd)
        chunks.clear()
        return _Typed(*self._filter(rows, accounts), set_aside)

    def _write(self, batch: _Batch) -> None:
        """Write the batch's rows; commit the events first and the ledger last."""
        parts = [typing.result() for typing in batch.typing]
        batch.typing.clear()
        name = batch_name()
        counts: dict[int, FileCounts] = {}
        if parts:
            rows = pa.concat_tables([part.rows for part in parts])
            counts = self._write_events(name, rows, [row.uri for row in batch.files])
            self._keep_set_aside(batch, [each for part in parts for each in part.set_aside], name)
            for part in parts:
                for number, amount in part.filtered.items():
                    batch.files[number].records_filtered += amount
        self._account(batch, counts, name)

    def _write_events(self, name: str, rows: pa.Table, uris: list[str]) -> dict[int, FileCounts]:
        """Check for copies, write, commit; begin again when another ingest has committed in between."""
        for attempt in range(_MOST_CONFLICTS):
            snapshot = self.lake.snapshot_to_write("events")
            part = f"{name}-{attempt}" if attempt else name
            events, counts = write_events(self._con, snapshot, part, rows, uris)
            if not events:
                return counts
            try:
                snapshot.commit(events, batch=name, alone=True)
                return counts
            except CommitConflict:
                if self.lake.snapshot("events").holds(events[0]):
                    return counts  # it was this very commit, whose answer got lost
                for event_file in events:
                    self.lake.storage.delete(f"events/{event_file.path}")
                time.sleep(random() * min(0.1 * 2**attempt, 5))  # noqa: S311
        raise LakeError(
            f"another ingest committed first, {_MOST_CONFLICTS} times in a row",
            at=self.lake.root,
            hint="run fewer of them at once; what is not committed is read again next time",
        )

    def _filter(self, rows: pa.Table, accounts: list[str | None]) -> tuple[pa.Table, dict[int, int]]:
        """The selected rows, and how many others there were by file."""
        condition = self.selection.condition()
        if not condition:
            return rows, {}
        con = self._typing_con
        files = {"file_no": pa.array(range(len(accounts)), pa.int32()), "path_account": pa.array(accounts, pa.string())}
        con.register("unfiltered", rows)
        con.register("path_accounts", pa.table(files))
        source = "unfiltered LEFT JOIN path_accounts USING (file_no) WHERE is_whole"
        others = f"SELECT file_no, count(*) FROM {source} AND NOT ({condition}) GROUP BY file_no"
        filtered = dict(con.execute(others).fetchall())
        selected = f"SELECT * EXCLUDE (path_account) FROM {source} AND ({condition})"
        rows = con.sql(selected).to_arrow_table().select(rows.column_names)
        con.unregister("unfiltered")
        con.unregister("path_accounts")
        return rows, filtered

    def _keep_set_aside(self, batch: _Batch, set_aside: list[SetAside], name: str) -> None:
        if not set_aside:
            return
        known = self._set_aside_before()
        rows = [
            (batch.files[each.file_no].uri, each.record_no, each.reason, readable(each.text), name)
            for each in set_aside
            if (batch.files[each.file_no].uri, each.record_no, readable(each.text)) not in known
        ]
        for each in set_aside:
            batch.files[each.file_no].records_set_aside += 1
        if not rows:
            return
        names = [column.name for column in SET_ASIDE_COLUMNS]
        table = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
        written = write_parquet(self.lake, table, f"part-{name}.parquet", table="set_aside", partition={})
        self.lake.commit("set_aside", [written], batch=name)

    def set_aside(self, uri: str, text: str, reason: str) -> None:
        """Keep a text that is no log file at all, such as a queue's message, in `set_aside`."""
        if (uri, 0, text) in self._set_aside_before():
            return
        name = batch_name()
        values = (uri, 0, reason, text, name)
        names = [column.name for column in SET_ASIDE_COLUMNS]
        table = pa.table({column: [value] for column, value in zip(names, values, strict=True)})
        written = write_parquet(self.lake, table, f"part-{name}.parquet", table="set_aside", partition={})
        self.lake.commit("set_aside", [written], batch=name)

    def _set_aside_before(self) -> set[tuple[str, int, str]]:
        """What a file that is read again may set aside a second time."""
        paths = self.lake.live_files("set_aside")
        if not paths:
            return set()
        query = f"SELECT log_file, record_number, record FROM {parquet_sql(paths)}"
        return set(self._con.execute(query).fetchall())

    def _account(self, batch: _Batch, counts: dict[int, FileCounts], name: str) -> None:
        now = datetime.now(UTC)
        for number, row in enumerate(batch.files):
            counted = counts.get(number, FileCounts())
            row.rows_added += counted.rows_added
            row.duplicates_dropped += counted.duplicates_dropped
            row.conflicts += counted.conflicts
            row.first_event_time = _earlier(row.first_event_time, counted.first_event_time)
            row.last_event_time = _later(row.last_event_time, counted.last_event_time)
            row.ingested_at, row.batch = now, name
            if number not in batch.concluded:
                continue
            if row.status == "ingested" and row.records and row.records == row.records_set_aside:
                row.status, row.reason = "rejected", "not CloudTrail: none of its records is an event"
        concluded = [batch.files[number] for number in sorted(batch.concluded)]
        if concluded:
            self.lake.commit("files", [write_ledger(self.lake, name, concluded)], batch=name)
        self._sum_up(concluded)

    def _sum_up(self, rows: list[LedgerRow]) -> None:
        with self._lock:
            total = self.summary
            for row in rows:
                if row.status == "skipped":
                    reason = row.reason or ""
                    total.skipped[reason] = total.skipped.get(reason, 0) + 1
                    continue
                total.ingested += row.status == "ingested"
                total.empty += row.status == "empty"
                if row.status == "rejected":
                    total.rejected += 1
                    if row.sha256_stored is None:
                        total.unread += 1
                        self.unread[row.uri] = row.reason or ""
                    total.problems.append((row.uri, row.reason or ""))
                elif row.reason:
                    total.changed.append((row.uri, row.reason))
                total.records += row.records
                total.events_added += row.rows_added
                total.duplicates_dropped += row.duplicates_dropped
                total.conflicts += row.conflicts
                total.records_filtered += row.records_filtered
                total.records_set_aside += row.records_set_aside
                total.stored_bytes += row.size_bytes
                total.content_bytes += row.content_bytes or 0
        self.on_progress(self.summary)


def batch_name() -> str:
    """A name for what is committed together, and part of its files' names."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:12]}"


def _ledger_row(log_file: LogFile) -> LedgerRow:
    facts = log_file.facts
    return LedgerRow(
        uri=log_file.uri,
        size_bytes=log_file.size_bytes,
        version_tag=log_file.version_tag,
        folder=facts.folder,
        account=facts.account,
        region=facts.region,
        delivered_at=facts.delivered_at,
    )


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)
