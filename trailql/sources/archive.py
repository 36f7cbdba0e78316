"""Log files inside .zip and .tar archives, named `archive!/member`."""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import IO, BinaryIO, cast

from trailql.errors import BadLogFile
from trailql.sources.keys import KeyFacts, read_key, skip_reason
from trailql.sources.source import LogFile

_TAR_MAGIC_AT = 257
_IN_MEMORY_BYTES = 32 * 1024 * 1024
_ARCHIVE_ERRORS = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)


def archive_kind(path: str) -> str:
    """`zip`, `tar` or nothing, told by the first bytes (and, for a gzipped tar, by what they unpack to)."""
    with open(path, "rb") as file:
        head = file.read(512)
    if head[:4] == b"PK\x03\x04" or head[:4] == b"PK\x05\x06":
        return "zip"
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        return "tar"
    name = path.lower()
    if head[:2] == b"\x1f\x8b" and (name.endswith((".tgz", ".tar.gz")) or ".json" not in name) and _holds_tar(path):
        return "tar"
    return ""


def _holds_tar(path: str) -> bool:
    import gzip

    try:
        with gzip.open(path, "rb") as file:
            return file.read(512)[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar"
    except (OSError, EOFError, zlib.error):
        return False


def archive_members(path: str, kind: str, status: os.stat_result) -> Iterator[LogFile]:
    """
    The files in an archive, in its order.

    A damaged archive yields the members before the damage, then itself with its problem.
    """
    try:
        yield from _zip_members(path) if kind == "zip" else _tar_members(path)
    except _ARCHIVE_ERRORS as error:
        problem = f"damaged {kind} archive, members from here on are not read: {error}"
        yield LogFile(path, status.st_size, str(status.st_mtime_ns), partial(_open, path), problem=problem)


def _zip_members(path: str) -> Iterator[LogFile]:
    names: Counter[str] = Counter()
    archive = zipfile.ZipFile(path)
    for info in archive.infolist():
        if info.is_dir():
            continue
        tag = f"crc32:{info.CRC:08x}"
        opener = partial(_open_zip, archive, info, path)
        yield _member(path, info.filename, names, info.file_size, tag, opener)


def _open_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str) -> BinaryIO:
    try:
        return cast(BinaryIO, archive.open(info))
    except RuntimeError as error:
        where = f"{path}!/{info.filename}"
        raise BadLogFile("the zip member is encrypted", at=where, hint="unpack it with its password first") from error
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise BadLogFile(f"damaged zip member: {error}", at=f"{path}!/{info.filename}") from error


def _tar_members(path: str) -> Iterator[LogFile]:
    names: Counter[str] = Counter()
    with tarfile.open(path, "r:*") as archive:
        for info in archive:
            if not info.isfile():
                continue
            stream = archive.extractfile(info)
            held = _Held(stream) if stream else _Held(BytesIO())
            tag = f"sha256:{held.sha256}"
            yield _member(path, info.name, names, info.size, tag, held.open)
        if not _has_end(archive):
            raise tarfile.ReadError("it breaks off")


def _has_end(archive: tarfile.TarFile) -> bool:
    """Whether the archive ends with its block of zeros; tarfile takes a cut-off header for the end without a word."""
    position = archive.offset
    archive.fileobj.seek(position)
    return archive.fileobj.read(512) == bytes(512)


class _Held:
    """A member's bytes, kept past the archive's reading position: in memory, or on disk when large."""

    def __init__(self, stream: IO[bytes]) -> None:
        digest = hashlib.sha256()
        self._spool = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - kept until the last reader is gone
        while block := stream.read(1 << 20):
            digest.update(block)
            self._spool.write(block)
        self.sha256 = digest.hexdigest()
        self._size = self._spool.tell()

    def open(self) -> BinaryIO:
        """A reader of its own, as often as asked for."""
        self._spool.seek(0)
        if self._size <= _IN_MEMORY_BYTES:
            return BytesIO(self._spool.read())
        self._spool.rollover()
        return open(os.dup(self._spool.fileno()), "rb")


def _member(path: str, name: str, names: Counter[str], size: int, tag: str, opener: Callable[[], BinaryIO]) -> LogFile:
    names[name] += 1
    again = f"#{names[name]}" if names[name] > 1 else ""
    facts = read_key(name)
    return LogFile(f"{path}!/{name}{again}", size, tag, opener, facts, skip=_skip(name, facts))


def _skip(name: str, facts: KeyFacts) -> str:
    is_foreign = name.startswith("__MACOSX/") or name.endswith("/.DS_Store")
    return skip_reason(facts) or ("not a log file by its name" if is_foreign else "")


def _open(path: str) -> BinaryIO:
    return open(path, "rb")
