"""
From stored bytes to JSON bytes: gunzip (told by magic, never by name), hash both, stay inside a size limit.

isal unpacks gzip about twice as fast as zlib and lets other threads run meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from isal import isal_zlib

from trailql.errors import BadLogFile, TrailqlError

GZIP_MAGIC = b"\x1f\x8b"
_READ_BYTES = 256 * 1024
_LINES_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Contents:
    """
    One log file's bytes, uncompressed.

    Args:
        body: All of them, or one run of whole lines of a large line-delimited file.
        sha256_stored: Of the bytes as stored, hex; empty until the last part.
        sha256_content: Of the uncompressed bytes, hex; empty until the last part.
        content_bytes: Uncompressed size so far.
    """

    body: bytes
    sha256_stored: str
    sha256_content: str
    content_bytes: int


class TooLarge(BadLogFile):
    """The uncompressed bytes exceed the limit for a single JSON document."""


def read_contents(stream: BinaryIO, *, origin: str, max_bytes: int) -> Contents:
    """
    Read one log file whole.

    Args:
        stream: The stored bytes; closed when done.
        origin: Its URI, for errors.
        max_bytes: Most uncompressed bytes to hold.

    Raises:
        BadLogFile: Damaged or cut-off gzip, or bytes after its end.
        TooLarge: More than `max_bytes` uncompressed.
    """
    stored, content = hashlib.sha256(), hashlib.sha256()
    blocks, size = [], 0
    with stream:
        for block in _uncompressed(stream, stored, origin):
            size += len(block)
            if size > max_bytes:
                raise TooLarge(
                    f"more than {max_bytes // 2**20} MiB uncompressed, which is no CloudTrail log file (limit 50 MB)",
                    at=origin,
                    hint="if it is a merged copy, turn it into one record a line: jq -c '.Records[]'",
                )
            blocks.append(block)
    body = blocks[0] if len(blocks) == 1 else b"".join(blocks)
    del blocks
    content.update(body)
    return Contents(body, stored.hexdigest(), content.hexdigest(), size)


def read_lines(stream: BinaryIO, *, origin: str) -> Iterator[Contents]:
    """
    Read a line-delimited log file of any size in runs of whole lines; the last one carries the hashes.

    Raises:
        BadLogFile: Damaged gzip, or a line too long to be a record.
    """
    stored, content = hashlib.sha256(), hashlib.sha256()
    held, size = bytearray(), 0
    with stream:
        for block in _uncompressed(stream, stored, origin):
            content.update(block)
            size += len(block)
            held += block
            if len(held) < _LINES_BYTES:
                continue
            cut = held.rfind(b"\n") + 1
            if not cut and len(held) > 4 * _LINES_BYTES:
                raise BadLogFile(f"a line of more than {4 * _LINES_BYTES // 2**20} MiB is no record", at=origin)
            if cut:
                yield Contents(bytes(held[:cut]), "", "", size)
                del held[:cut]
    yield Contents(bytes(held), stored.hexdigest(), content.hexdigest(), size)


def sha256_of(stream: BinaryIO) -> str:
    """SHA-256 of the stored bytes, hex: for a file whose content could not be read."""
    digest = hashlib.sha256()
    with stream:
        while block := _read(stream, ""):
            digest.update(block)
    return digest.hexdigest()


def _uncompressed(stream: BinaryIO, stored: hashlib._Hash, origin: str) -> Iterator[bytes]:
    data = _read(stream, origin)
    stored.update(data)
    if data[:2] != GZIP_MAGIC:
        while data:
            yield data
            data = _read(stream, origin)
            stored.update(data)
        return
    yield from _gunzip(stream, data, stored, origin)


def _gunzip(stream: BinaryIO, data: bytes, stored: hashlib._Hash, origin: str) -> Iterator[bytes]:
    """One gzip member after the other, in blocks of bounded size."""
    unpacker = isal_zlib.decompressobj(31)
    size = 0
    try:
        while True:
            block = unpacker.decompress(data, _READ_BYTES)
            size += len(block)
            if block:
                yield block
            if unpacker.eof:
                data = _after_member(stream, unpacker.unused_data, stored, origin)
                if not data:
                    return
                if data[:2] != GZIP_MAGIC:
                    raise BadLogFile("unexpected data after the end of the gzip stream", at=origin)
                unpacker = isal_zlib.decompressobj(31)
                continue
            data = unpacker.unconsumed_tail
            if not data:
                data = _read(stream, origin)
                stored.update(data)
                if not data and not block:
                    raise BadLogFile(f"truncated: the gzip stream breaks off after {size:,} bytes", at=origin)
    except isal_zlib.error as error:  # type: ignore[misc]  # its stubs do not know it is an exception
        raise BadLogFile(f"damaged gzip after {size:,} bytes: {error}", at=origin) from error


def _after_member(stream: BinaryIO, data: bytes, stored: hashlib._Hash, origin: str) -> bytes:
    """What follows a gzip member, at least its first two bytes; zeros that pad the file are left out."""
    while len(data) < 2 or not data.rstrip(b"\0"):
        more = _read(stream, origin)
        stored.update(more)
        if not more:
            return data.rstrip(b"\0")
        data = data.lstrip(b"\0") + more if data.rstrip(b"\0") else more if len(data) > 1 else data + more
    return data


def _read(stream: BinaryIO, origin: str) -> bytes:
    try:
        return stream.read(_READ_BYTES)
    except TrailqlError:
        raise
    except Exception as error:  # a member of a damaged archive raises whatever its format does
        raise BadLogFile(f"cannot be read: {error}", at=origin) from error
