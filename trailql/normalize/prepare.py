"""One log file made ready for a batch: read, hashed, unwrapped into the texts of its records."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import msgspec
import pyarrow as pa

from trailql.errors import BadLogFile, SourceError, TrailqlError, Unreadable
from trailql.normalize.containers import FIRST_RECORD, Unwrapped, unwrap
from trailql.normalize.contents import Contents, TooLarge, read_contents, read_lines, sha256_of
from trailql.sources.source import LogFile

DEFAULT_MAX_BYTES = 256 * 1024 * 1024
"""Most uncompressed bytes of one JSON document, five times what CloudTrail writes. Line-delimited files have none."""

_INLINE_BYTES = 12
"""Arrow keeps strings no longer than this inside their view; no event is as short."""
_NO_RECORD = b"{}".ljust(_INLINE_BYTES + 1)


@dataclass(frozen=True, slots=True)
class Prepared:
    """
    The records of one log file, or of one part of a large one.

    Args:
        log_file: Where they come from.
        body: The bytes that the record texts lie in, those of the file where possible.
        views: Four int32 a record, an Arrow string view into `body`: length, first bytes, 0, where it begins.
        records: How many there are.
        odd: Texts that only Python can read (lone surrogates), or too short to be an event, by their number; `{}`
            stands in their place.
        container: How they were wrapped.
        contents: Hashes and size; the hashes are empty until the last part.
        is_last: Whether this is the file's last part.
        problem: Why the file is rejected; empty otherwise.
    """

    log_file: LogFile
    body: bytes = b""
    views: array[int] = field(default_factory=lambda: array("i"))
    records: int = 0
    odd: dict[int, bytes] = field(default_factory=dict)
    container: str = ""
    contents: Contents = field(default_factory=lambda: Contents(b"", "", "", 0))
    is_last: bool = True
    problem: str = ""


def prepare(log_file: LogFile, max_bytes: int = DEFAULT_MAX_BYTES) -> Iterator[Prepared]:
    """
    Read one log file into one part, or several when it is large and line-delimited.

    A file that cannot be read ends in a part with its `problem`; nothing is raised for it.
    """
    if log_file.problem:
        yield Prepared(log_file, problem=log_file.problem)
        return
    try:
        contents = read_contents(log_file.open(), origin=log_file.uri, max_bytes=max_bytes)
        yield _part(log_file, contents, unwrap(contents.body, origin=log_file.uri))
    except TooLarge as error:
        yield from _prepare_large(log_file, error)
    except (BadLogFile, SourceError, OSError) as error:
        yield _rejected(log_file, error)


def _prepare_large(log_file: LogFile, error: TooLarge) -> Iterator[Prepared]:
    """Part by part when its lines are records; otherwise it is as bad as it looked."""
    try:
        if not _is_line_delimited(log_file):
            raise error
        for contents in read_lines(log_file.open(), origin=log_file.uri):
            found = unwrap(contents.body, origin=log_file.uri) if contents.body.strip() else Unwrapped([], "ndjson")
            yield _part(log_file, contents, found, is_last=bool(contents.sha256_stored))
    except (BadLogFile, SourceError, OSError) as problem:
        yield _rejected(log_file, problem)


def _is_line_delimited(log_file: LogFile) -> bool:
    try:
        beginning = next(read_lines(log_file.open(), origin=log_file.uri)).body
        first, newline, _ = beginning.partition(b"\n")
        msgspec.json.decode(first, type=dict[str, msgspec.Raw])
    except (BadLogFile, msgspec.MsgspecError, RecursionError):
        return False
    return bool(newline)


def _part(log_file: LogFile, contents: Contents, found: Unwrapped, *, is_last: bool = True) -> Prepared:
    bare = Contents(b"", contents.sha256_stored, contents.sha256_content, contents.content_bytes)
    lengths = array("i", map(len, found.records))
    body, first, between, odd = contents.body, FIRST_RECORD, 1, {}
    if not found.is_trail or (lengths and min(lengths) <= _INLINE_BYTES):
        odd = _odd_ones(found)
        texts = [_NO_RECORD if number in odd else text for number, text in enumerate(found.records)]
        lengths = array("i", map(len, texts))
        body, first, between = b"".join(texts), 0, 0
    begins = array("i", accumulate((length + between for length in lengths), initial=first))[:-1]
    views = _views(body, begins, lengths)
    return Prepared(log_file, body, views, len(lengths), odd, found.container, bare, is_last)


def _views(body: bytes, begins: array[int], lengths: array[int]) -> array[int]:
    """String views as Arrow defines them, all into one buffer."""
    views = array("i", bytes(16 * len(lengths)))
    views[0::4] = lengths
    views[1::4] = array("i", b"".join([body[begin : begin + 4] for begin in begins]))
    views[3::4] = begins
    return views


def _odd_ones(found: Unwrapped) -> dict[int, bytes]:
    odd = {}
    decoder = msgspec.json.Decoder(msgspec.Raw)
    for number, text in enumerate(found.records):
        if len(text) <= _INLINE_BYTES:
            odd[number] = bytes(text)
            continue
        try:
            bytes(text).decode()
            decoder.decode(text)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            odd[number] = bytes(text)
    return odd


def _rejected(log_file: LogFile, error: BadLogFile | SourceError | OSError) -> Prepared:
    if isinstance(error, TrailqlError):
        reason = error.message + (f" ({error.hint})" if error.hint else "")
    else:
        reason = f"cannot be read: {(error.strerror or str(error)).lower()}"
    if isinstance(error, Unreadable | SourceError):
        return Prepared(log_file, problem=f"not read: {reason}")
    try:
        digest = sha256_of(log_file.open())
    except (BadLogFile, SourceError, OSError):
        digest = ""
    return Prepared(log_file, contents=Contents(b"", digest, "", 0), problem=reason)


def record_batch(parts: Sequence[tuple[int, int, Prepared]]) -> pa.RecordBatch:
    """
    The records of several parts as Arrow, without a Python object for each and without copying their texts.

    Args:
        parts: For each part its file's number in the batch, the number of its first record, and the part.

    Returns:
        Columns `file_no`, `record_no` (both int32) and `text` (a string view).
    """
    file_numbers, record_numbers, views = array("i"), array("i"), array("i")
    for buffer, (number, first, part) in enumerate(parts):
        part.views[2::4] = array("i", [buffer]) * part.records
        views.extend(part.views)
        file_numbers.extend(array("i", [number]) * part.records)
        record_numbers.extend(range(first, first + part.records))
    buffers = [None, pa.py_buffer(views), *(pa.py_buffer(part.body) for _, _, part in parts)]
    text = pa.Array.from_buffers(pa.string_view(), len(file_numbers), buffers)
    columns = [int32_array(file_numbers), int32_array(record_numbers), text]
    return pa.record_batch(columns, names=["file_no", "record_no", "text"])


def int32_array(numbers: array[int]) -> pa.Array:
    """Numbers as Arrow, without copying them."""
    return pa.Array.from_buffers(pa.int32(), len(numbers), [None, pa.py_buffer(numbers)])
