"""
From log files to committed rows: normalize → lake, in batches.

Threads read, hash, gunzip and unwrap ahead; one more types and writes the batch before; memory follows the batch size,
never the bucket.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from types import TracebackType

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from trailql.ingest.garbage import without_garbage_collection
from trailql.ingest.reading import ReadAhead
from trailql.ingest.selection import Selection
from trailql.ingest.summary import IngestSummary, Progress
from trailql.lake.commit import SetAsideRow, Unit
from trailql.lake.compact import compact_young
from trailql.lake.lake import Lake
from trailql.lake.ledger import LedgerRow
from trailql.lake.parquet import parquet_sql
from trailql.lake.session import CPUS_A_STAGE, working_connection
from trailql.lake.writer import writing
from trailql.normalize.batch import SetAside, type_records
from trailql.normalize.careful import readable
from trailql.normalize.dictionaries import together, with_dictionaries
from trailql.normalize.prepare import DEFAULT_MAX_BYTES, Prepared, record_batch
from trailql.sources.keys import INSIGHT_FOLDER
from trailql.sources.source import LogFile

_CHUNK_BYTES = 16 * 1024 * 1024
_TYPED_AT_ONCE = 4
"""A batch is typed in so many parts: large files in the lake, no long wait before the first and after the last."""
_WAITING = 1
"""Parts that wait while one is typed."""
_FIRST_BATCH = 4
"""The first batch is smaller by this, so that no stage of the pipeline waits long for its first work."""


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What a run may use.

    Args:
        max_file_bytes: Most uncompressed bytes of a single JSON document.
        batch_bytes: Uncompressed bytes a batch holds; memory is about four times that.
        memory: What DuckDB may use before it spills to disk.
        readers: Log files read at once: a few from disk, more over a network, where most of the time is waiting.
    """

    max_file_bytes: int = DEFAULT_MAX_BYTES
    batch_bytes: int = 256 * 1024 * 1024
    memory: str = "1GB"
    readers: int = CPUS_A_STAGE


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
        self._open_things = ExitStack()
        self._typing: deque[Future[_Typed]] = deque()
        self._partial: dict[str, LedgerRow] = {}
        self._unit: Unit | None = None
        self._concluded: list[LedgerRow] = []
        self._set_aside: list[SetAsideRow] = []

    def __enter__(self) -> Pipeline:
        with ExitStack() as open_things:
            self._writer_of_lake = open_things.enter_context(writing(self.lake))
            self._con = open_things.enter_context(working_connection(self.lake, self.limits.memory))
            self._typing_con = open_things.enter_context(closing(self.cursor()))
            open_things.enter_context(without_garbage_collection())
            open_things.callback(self._stop)
            self._open_things = open_things.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open_things.__exit__(kind, error, trace)

    def _stop(self) -> None:
        self._reading.close()
        for pool in (self._typer, self._writer):
            pool.shutdown(cancel_futures=True)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Another connection to the run's database, for one thread's use."""
        cursor = self._con.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        return cursor

    def batch(self) -> str:
        """A name for what this run commits besides log files."""
        return self._writer_of_lake.batch()

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
        if len(self._typing) > _WAITING:
            self._typing.popleft().result()

    def _collect(self, batch: _Batch, prepared: Prepared) -> None:
        number = self._file_number(batch, prepared)
        row = batch.files[number]
        if prepared.is_last:
            self.summary.files_done += 1
            if self.summary.files_done % 50 == 0:
                self.on_progress(self.summary)
        first = batch.next_record.get(number, 0)
        row.records += prepared.records
        row.content_bytes = prepared.contents.content_bytes
        row.container = row.container or prepared.container or None
        if prepared.is_last:
            self._partial.pop(prepared.log_file.uri, None)
            batch.concluded.add(number)
            self._conclude(row, prepared)
        if not prepared.records:
            return
        batch.next_record[number] = first + prepared.records
        batch.odd.update({(number, first + record): text for record, text in prepared.odd.items()})
        batch.waiting.append((number, first, prepared))
        batch.waiting_bytes += len(prepared.body)
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
        rows, filtered = self._filter(rows, accounts)
        return _Typed(with_dictionaries(rows), filtered, set_aside)

    def _write(self, batch: _Batch) -> None:
        """Write the batch's rows, and commit unless the last log file goes on in the next batch."""
        parts = [typing.result() for typing in batch.typing]
        batch.typing.clear()
        unit = self._unit = self._unit or Unit(self._con, self.lake, self._writer_of_lake)
        rows = together([part.rows for part in parts]) if parts else None
        uris = [row.uri for row in batch.files]
        if rows is not None and any(row.folder == INSIGHT_FOLDER for row in batch.files):
            rows, insights = self._parted(rows, batch.files)
            unit.add_insights(insights, uris)
        unit.add(rows, uris)
        for part in parts:
            for number, amount in part.filtered.items():
                batch.files[number].records_filtered += amount
            for each in part.set_aside:
                row = batch.files[each.file_no]
                row.records_set_aside += 1
                self._set_aside.append((row.uri, each.record_no, each.reason, readable(each.text)))
        for number in sorted(batch.concluded):
            row = batch.files[number]
            if row.status == "ingested" and row.records and row.records == row.records_set_aside:
                row.status, row.reason = "rejected", "not CloudTrail: none of its records is an event"
            self._concluded.append(row)
        if len(batch.concluded) == len(batch.files):
            self._commit(unit)

    @staticmethod
    def _parted(rows: pa.Table, files: list[LedgerRow]) -> tuple[pa.Table, pa.Table]:
        """Events, and CloudTrail's own Insights: records with `insightDetails` in files of that folder."""
        numbers = [number for number, row in enumerate(files) if row.folder == INSIGHT_FOLDER]
        of_folder = pc.is_in(rows["file_no"], pa.array(numbers, rows["file_no"].type))
        are_insights = pc.and_(of_folder, pc.is_valid(rows["insightDetails"]))
        return rows.filter(pc.invert(are_insights)), rows.filter(are_insights)

    def _commit(self, unit: Unit) -> None:
        known = self._set_aside_before() if self._set_aside else frozenset()
        unit.commit(self._concluded, [each for each in self._set_aside if (each[0], each[1], each[3]) not in known])
        self._sum_up(self._concluded)
        self._unit, self._concluded, self._set_aside = None, [], []

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

    def compact_young(self) -> None:
        """Join small files where many runs have left too many of them."""
        compact_young(self.lake, self._con, self._writer_of_lake)

    def set_aside(self, uri: str, text: str, reason: str) -> None:
        """Keep a text that is no log file at all, such as a queue's message, in `set_aside`."""
        if (uri, 0, text) not in self._set_aside_before():
            Unit(self._con, self.lake, self._writer_of_lake).commit([], [(uri, 0, reason, text)])

    def _set_aside_before(self) -> set[tuple[str, int, str]]:
        """What a file that is read again may set aside a second time."""
        paths = self.lake.live_files("set_aside")
        if not paths:
            return set()
        query = f"SELECT log_file, record_number, record FROM {parquet_sql(paths)}"
        return set(self._con.execute(query).fetchall())

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
                total.insights_added += row.insights_added
                total.duplicates_dropped += row.duplicates_dropped
                total.duplicates_in_file += row.duplicates_in_file
                total.duplicates_in_others += row.duplicates_in_others
                total.duplicates_read_before += row.duplicates_read_before
                total.conflicts += row.conflicts
                total.records_filtered += row.records_filtered
                total.records_set_aside += row.records_set_aside
                total.stored_bytes += row.size_bytes
                total.content_bytes += row.content_bytes or 0
        self.on_progress(self.summary)


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
