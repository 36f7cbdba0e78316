"""
A lake's records written out again: as CloudTrail log files under the keys S3 has them, or one a line.

    AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHMMZ_UNIQUE.json.gz

The same records make the same files, byte for byte: their order, the cuts between files, names and gzip headers come
from content alone. A file is written under another name and renamed when it is whole.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from trailql.errors import UsageError
from trailql.query.engine import OpenLake
from trailql.query.records import RecordTexts, check_condition, record_texts
from trailql.report.rows import not_written

MOST_RECORDS = 10_000
"""Records in one log file."""
MOST_BYTES = 16 * 1024 * 1024
"""Uncompressed bytes of one log file, unless a single record has more."""

_GZIP = 31
_LEVEL = 6
_WRITERS = min(4, os.cpu_count() or 1)
_UNFINISHED = ".unfinished-"


@dataclass(slots=True)
class ExportSummary:
    """
    What an export has written so far.

    Args:
        records: Records written.
        files: Files finished.
        json_bytes: Their uncompressed bytes.
        stored_bytes: Their bytes as stored.
        share: How much of the lake has been read, from 0 to 1.
        seconds: How long it took.
    """

    records: int = 0
    files: int = 0
    json_bytes: int = 0
    stored_bytes: int = 0
    share: float = 0.0
    seconds: float = 0.0


Progress = Callable[[ExportSummary], None]


def write_log_files(
    lake: OpenLake,
    folder: Path,
    *,
    condition: str | None = None,
    most_records: int = MOST_RECORDS,
    most_bytes: int = MOST_BYTES,
    on_progress: Progress | None = None,
) -> ExportSummary:
    """
    Write records as CloudTrail log files, those of one account, Region and UTC day together.

    Args:
        lake: The lake, with its window of time.
        folder: Where to; empty, or made.
        condition: SQL over `events`; None for all of them.
        most_records, most_bytes: Bounds of one file.
        on_progress: Called with the running counts.

    Raises:
        UsageError: The folder holds something, the condition is none, or a file cannot be written; `at` names it.
        OutputError: The disk is full.
        QueryError: The condition names what is not there, or fails on the value of some row.
    """
    if condition is not None:
        check_condition(lake, condition)
    _refuse_inside(folder, lake)
    with _naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError("not empty, and an export writes into an empty folder", at=str(folder))
    summary = ExportSummary()
    cutter = _Cutter(most_records, most_bytes)
    with _counting(summary), _scratch(folder) as scratch, _Writers(summary) as writers:
        for found in record_texts(lake, condition, by_place=True, scratch=scratch):
            for key, body in cutter.add(found.rows):
                writers.write(folder / key, body)
            _report(summary, found, on_progress)
        for key, body in cutter.rest():
            writers.write(folder / key, body)
    return summary


def write_lines(
    lake: OpenLake, output: Path | None, *, condition: str | None = None, on_progress: Progress | None = None
) -> ExportSummary:
    """
    Write records one a line, by time.

    Args:
        output: The file; None for standard output.

    Other arguments and errors as for `write_log_files`.
    """
    if condition is not None:
        check_condition(lake, condition)
    if output:
        _refuse_inside(output, lake)
    summary = ExportSummary()
    beside = output.parent if output and _is_renamed(output) else None
    with _counting(summary), _opened(output) as file, _scratch(beside) as scratch:
        for found in record_texts(lake, condition, by_place=False, scratch=scratch):
            lines = _lines(found.rows.column("text"))
            with _naming(output):
                file.write(lines)
            summary.json_bytes += len(lines)
            _report(summary, found, on_progress)
    summary.files = int(output is not None)
    summary.stored_bytes = summary.json_bytes
    return summary


def _report(summary: ExportSummary, found: RecordTexts, on_progress: Progress | None) -> None:
    summary.records += found.rows.num_rows
    summary.share = found.share
    if on_progress:
        on_progress(summary)


@contextmanager
def _counting(summary: ExportSummary) -> Iterator[None]:
    started = time.monotonic()
    yield
    summary.seconds = time.monotonic() - started


@dataclass(slots=True)
class _Open:
    """
    The log file in the making.

    Args:
        place: Account, Region and day of all its records.
        texts: Their texts, in order.
        records, size_bytes: How many, and their bytes with what stands between them.
        last: When the latest of them happened.
    """

    place: str
    texts: list[pa.Array] = field(default_factory=list)
    records: int = 0
    size_bytes: int = 0
    last: datetime | None = None


class _Cutter:
    """Cuts records into log files, key and bytes; where, does not depend on the batches they come in."""

    def __init__(self, most_records: int, most_bytes: int) -> None:
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._open = _Open("")
        self._named: set[str] = set()

    def add(self, rows: pa.RecordBatch) -> Iterator[tuple[str, bytes]]:
        """Take records; gives the files that are full."""
        begin = 0
        places = pc.run_end_encode(rows.column("place"))
        for place, end in zip(places.values.to_pylist(), places.run_ends.to_pylist(), strict=True):
            if place != self._open.place:
                yield from self.rest()
                self._open = _Open(place)
                self._named.clear()
            yield from self._add(rows.slice(begin, end - begin))
            begin = end

    def rest(self) -> Iterator[tuple[str, bytes]]:
        """The file that is not full, if there is one."""
        full = self._open
        if full.records:
            self._open = _Open(full.place)
            body = b"".join([b'{"Records":[', b",".join(_joined(texts, ",") for texts in full.texts), b"]}"])
            yield self._key(full, body), body

    def _add(self, rows: pa.RecordBatch) -> Iterator[tuple[str, bytes]]:
        """Records of one place."""
        begin = 0
        for number, length in enumerate(pc.binary_length(rows.column("text")).to_pylist()):
            is_full = self._open.records >= self._most_records or self._open.size_bytes + length > self._most_bytes
            if self._open.records and is_full:
                self._take(rows, begin, number)
                yield from self.rest()
                begin = number
            self._open.records += 1
            self._open.size_bytes += length + 1
        self._take(rows, begin, rows.num_rows)

    def _take(self, rows: pa.RecordBatch, begin: int, end: int) -> None:
        if begin < end:
            self._open.texts.append(rows.column("text").slice(begin, end - begin))
            self._open.last = rows.column("eventTime")[end - 1].as_py()

    def _key(self, full: _Open, body: bytes) -> str:
        """The minute is that of the last event: CloudTrail delivers no earlier."""
        assert full.last is not None
        account, region, day = full.place.split("/")
        digest = hashlib.sha256(body)
        while (unique := digest.hexdigest()[:16]) in self._named:  # another file of this place is its equal
            digest.update(b"again")
        self._named.add(unique)
        name = f"{account}_CloudTrail_{region}_{day.replace('-', '')}T{full.last:%H%M}Z_{unique}.json.gz"
        return f"AWSLogs/{account}/CloudTrail/{region}/{day.replace('-', '/')}/{name}"


class _Writers:
    """Threads that compress and write log files. Use it as a context manager; it ends when all are written."""

    def __init__(self, summary: ExportSummary) -> None:
        self._summary = summary
        self._pool = ThreadPoolExecutor(_WRITERS, "trailql-write")
        self._writing: deque[tuple[int, Future[int]]] = deque()

    def __enter__(self) -> _Writers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        try:
            while kind is None and self._writing:
                self._finish()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def write(self, path: Path, body: bytes) -> None:
        """Write one file soon; few are held at once."""
        self._writing.append((len(body), self._pool.submit(_write_gzip, path, body)))
        if len(self._writing) > 2 * _WRITERS:
            self._finish()

    def _finish(self) -> None:
        json_bytes, written = self._writing.popleft()
        self._summary.stored_bytes += written.result()
        self._summary.json_bytes += json_bytes
        self._summary.files += 1


def _write_gzip(path: Path, body: bytes) -> int:
    stored = zlib.compress(body, _LEVEL, _GZIP)  # its header holds no time
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _renamed(path) as file, _naming(path):
        file.write(stored)
    return len(stored)


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
        with _naming(None):
            sys.stdout.buffer.flush()
    elif _is_renamed(output):
        with _renamed(output.resolve()) as file:
            yield file
    else:
        with _naming(output), output.open("wb") as file:
            yield file


def _is_renamed(output: Path) -> bool:
    """Whether a file can take the place of what has this name: of no pipe, no device."""
    return output.is_file() or not output.exists()


@contextmanager
def _renamed(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when it is whole, and is gone when it does not become so."""
    aside = path.with_name(f"{_UNFINISHED}{path.name}")
    try:
        with _naming(path):
            file = aside.open("wb")
        with file:
            yield file
            with _naming(path):
                file.flush()
                os.fsync(file.fileno())
        with _naming(path):
            aside.replace(path)
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


@contextmanager
def _scratch(folder: Path | None) -> Iterator[str]:
    with _naming(folder):
        made = tempfile.TemporaryDirectory(prefix=".trailql-", dir=folder, ignore_cleanup_errors=True)
    with made as name:
        yield name


@contextmanager
def _naming(path: Path | None) -> Iterator[None]:
    """A failing system call in words that name the file."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise not_written(error, str(path) if path else "standard output") from error


def _refuse_inside(path: Path, lake: OpenLake) -> None:
    root = Path(lake.lake.root)
    if root.is_dir() and path.resolve().is_relative_to(root.resolve()):
        raise UsageError("lies in the lake, which only trailql ingest writes to", at=str(path))


def _lines(texts: pa.Array) -> bytes:
    """One text a line; line breaks of a record, which can only be white space, become spaces."""
    if not len(texts):
        return b""
    lines = _joined(texts, "\n") + b"\n"
    if lines.count(b"\n") > len(texts) or b"\r" in lines:
        texts = pc.replace_substring_regex(texts, "[\r\n]", " ")
        lines = _joined(texts, "\n") + b"\n"
    return lines


def _joined(texts: pa.Array, separator: str) -> bytes:
    whole = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    joined: bytes = pc.binary_join(whole, separator)[0].as_buffer().to_pybytes()
    return joined
