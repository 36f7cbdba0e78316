"""Log files read ahead of whoever takes their records, in order, within bounds."""

from __future__ import annotations

import io
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO

from trailql.errors import BadLogFile, SourceError
from trailql.normalize.prepare import Prepared, prepare
from trailql.sources.source import LogFile

REMOTE_READERS = 16
"""Log files read at once over a network."""

_AHEAD_BYTES = 4 * 1024 * 1024
"""Stored bytes of log files read ahead."""
_AHEAD_EACH = 16
_TOGETHER = 16
_TOGETHER_BYTES = 1 << 18
"""So many small files, or bytes of them, are read in one go: handing each to a thread costs more than reading it."""
_LARGE_BYTES = 1 << 20
_SMALL_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class _Begun:
    """A log file's first part, and the way to the others."""

    first: Prepared
    others: Iterator[Prepared]


class ReadAhead:
    """
    Reads log files in threads. Use it as a context manager.

    Args:
        readers: Log files read at once: a few from disk, more over a network.
        max_file_bytes: Most uncompressed bytes of a single JSON document.
    """

    def __init__(self, readers: int, max_file_bytes: int) -> None:
        self._readers = readers
        self._max_file_bytes = max_file_bytes
        self._pool = ThreadPoolExecutor(readers, "trailql-read")
        self._large_files = threading.Semaphore(1)

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading."""
        self._pool.shutdown(cancel_futures=True)

    def parts(self, log_files: Iterable[LogFile]) -> Iterator[Prepared]:
        """The log files, in order, each in one part or several; those to be skipped come without being read."""
        ahead: deque[tuple[list[LogFile], Future[list[_Begun | LogFile]]]] = deque()
        ahead_bytes = 0
        for group in _groups(log_files):
            ahead.append((group, self._pool.submit(self._begin, group)))
            ahead_bytes += _stored_bytes(group)
            while len(ahead) > _AHEAD_EACH * self._readers or (len(ahead) > 1 and ahead_bytes > _AHEAD_BYTES):
                first, future = ahead.popleft()
                ahead_bytes -= _stored_bytes(first)
                yield from self._finish(future)
        while ahead:
            yield from self._finish(ahead.popleft()[1])

    def _begin(self, group: list[LogFile]) -> list[_Begun | LogFile]:
        return [self._begin_one(log_file) for log_file in group]

    def _begin_one(self, log_file: LogFile) -> _Begun | LogFile:
        if log_file.skip:
            return _Begun(Prepared(log_file), iter(()))
        if log_file.is_remote and log_file.size_bytes < _SMALL_BYTES:
            # Unpacking a few KB hands Python's lock to and fro between so many threads: only the waiting is theirs.
            return log_file.opened_by(_Fetched(log_file))
        if log_file.size_bytes < _LARGE_BYTES:
            return self._prepare(log_file)
        with self._large_files:  # one at a time, so that memory is bounded whatever they unpack to
            return self._prepare(log_file)

    def _prepare(self, log_file: LogFile) -> _Begun:
        parts = prepare(log_file, self._max_file_bytes)
        return _Begun(next(parts), parts)

    def _finish(self, future: Future[list[_Begun | LogFile]]) -> Iterator[Prepared]:
        for begun in future.result():
            if isinstance(begun, LogFile):
                yield from prepare(begun, self._max_file_bytes)
                continue
            yield begun.first
            yield from begun.others


def _groups(log_files: Iterable[LogFile]) -> Iterator[list[LogFile]]:
    """What one thread reads in one go: neighbours that are small and at hand, every other file by itself."""
    group: list[LogFile] = []
    for log_file in log_files:
        if group and (
            log_file.is_remote
            or len(group) == _TOGETHER
            or _stored_bytes(group) + log_file.size_bytes > _TOGETHER_BYTES
        ):
            yield group
            group = []
        group.append(log_file)
    if group:
        yield group


def _stored_bytes(group: list[LogFile]) -> int:
    return sum(log_file.size_bytes for log_file in group)


class _Fetched:
    """A small log file's bytes, or why there are none."""

    def __init__(self, log_file: LogFile) -> None:
        self._data = b""
        self._problem: BadLogFile | SourceError | OSError | None = None
        try:
            with log_file.open() as stream:
                self._data = stream.read()
        except (BadLogFile, SourceError, OSError) as error:
            self._problem = error

    def __call__(self) -> BinaryIO:
        if self._problem is not None:
            raise self._problem
        return io.BytesIO(self._data)
