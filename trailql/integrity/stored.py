"""
A stored object's uncompressed bytes, or their hash, read strictly: what CloudTrail delivers is one gzip member.

Copies are often unpacked already, so plain bytes are told from gzip; whether they pass is the caller's business.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from isal import isal_zlib

from trailql.errors import BadLogFile, TrailqlError

MOST_DIGEST_BYTES = 64 * 2**20
"""A digest file names the log files of an hour, at 400 bytes each; this is room for 160,000."""
MOST_LOG_BYTES = 2**30
"""Uncompressed bytes of a log file that are hashed before it counts as a gzip bomb; CloudTrail's limit is 50 MB."""

_GZIP_MAGIC = b"\x1f\x8b"
_READ_BYTES = 256 * 1024


class DamagedGzip(BadLogFile):
    """No gzip member that can be unpacked, or more than the limit in it."""


class TrailingBytes(BadLogFile):
    """Something stands behind the gzip member; some readers would read it as more records."""


class NotRead(BadLogFile):
    """The bytes could not be had, so that nothing can be said of them."""


@dataclass(frozen=True, slots=True)
class Stored:
    """
    What was read.

    Args:
        sha256: Of the uncompressed bytes, hex.
        is_gzip: Whether they were stored as gzip.
        is_whole: Whether the gzip stream has its end; where it breaks off, the hash is that of what came before.
        body: The uncompressed bytes; empty where they are too many to be kept.
    """

    sha256: str
    is_gzip: bool
    body: bytes
    is_whole: bool = True


def read_stored(stream: BinaryIO, *, at: str, most_bytes: int, keep_bytes: int, may_trail: bool = False) -> Stored:
    """
    Read an object from first to last.

    Args:
        stream: The bytes as stored; closed when done.
        at: Its URI, for errors.
        most_bytes: Most uncompressed bytes.
        may_trail: Whether bytes behind the gzip member do no harm.
        keep_bytes: Give the uncompressed bytes back if they are no more than these.

    Raises:
        DamagedGzip: Damaged, or too large.
        TrailingBytes: Bytes behind the gzip member.
        NotRead: It cannot be read.
    """
    sha256, size, blocks, is_whole = hashlib.sha256(), 0, [], True
    with stream:
        first = _read(stream, at)
        is_gzip = first[:2] == _GZIP_MAGIC or not first  # of no bytes at all, nothing else can be said
        for block in _unpacked(stream, first, at, may_trail) if is_gzip else _plain(stream, first, at):
            if block is None:
                is_whole = False
                break
            size += len(block)
            if size > most_bytes:
                most = f"{most_bytes // 2**20} MiB" if most_bytes >= 2**20 else f"{most_bytes // 2**10} KiB"
                raise DamagedGzip(f"more than {most} uncompressed", at=at)
            sha256.update(block)
            if size <= keep_bytes:
                blocks.append(block)
            else:
                blocks.clear()
    return Stored(sha256.hexdigest(), is_gzip, b"".join(blocks), is_whole)


def _plain(stream: BinaryIO, data: bytes, at: str) -> Iterator[bytes]:
    while data:
        yield data
        data = _read(stream, at)


def _unpacked(stream: BinaryIO, data: bytes, at: str, may_trail: bool) -> Iterator[bytes | None]:
    """Blocks of one gzip member; None at the end where it breaks off."""
    unpacker = isal_zlib.decompressobj(31)
    try:
        while not unpacker.eof:
            block = unpacker.decompress(data, _READ_BYTES)
            if block:
                yield block
            data = unpacker.unconsumed_tail
            if not data and not unpacker.eof:
                data = _read(stream, at)
                if not data and not block:
                    yield None
                    return
    except (isal_zlib.error, zlib.error) as error:  # type: ignore[misc]  # isal's stubs do not know it is an exception
        raise DamagedGzip(f"damaged gzip: {error}", at=at) from error
    if not may_trail and (unpacker.unused_data or _read(stream, at)):
        raise TrailingBytes("unexpected data after the end of the gzip stream", at=at)


def _read(stream: BinaryIO, at: str) -> bytes:
    try:
        return stream.read(_READ_BYTES)
    except TrailqlError as error:
        raise NotRead(error.message, at=at, hint=error.hint) from error
    except Exception as error:  # a member of a damaged archive raises whatever its format does
        raise NotRead(f"cannot be read: {error}", at=at) from error
