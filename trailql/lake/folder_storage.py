"""A lake in a folder of this machine."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import unquote
from uuid import uuid4

from trailql.errors import LakeError
from trailql.lake.storage import MARKER, SCRATCH, WRITING, Hashing, Hold, Note, StoredFile

if TYPE_CHECKING:
    import duckdb

_ASIDE = ".trailql.json-"
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True)
class FolderStorage:
    """A folder of this machine."""

    path: Path
    options: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return str(self.path)

    def table_uri(self, table: str) -> str:
        return (self.path / table).as_uri()

    def plain_path(self, uri: str) -> str:
        return unquote(uri.removeprefix("file://"))

    def write(self, path: str, fill: Callable[[BinaryIO], None]) -> StoredFile:
        target = self.path / path
        aside = target.parent / f"{_UNFINISHED}{target.name}"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file:
                hashing = Hashing(file)
                try:
                    fill(cast(BinaryIO, hashing))
                    file.flush()
                    os.fsync(file.fileno())
                except BaseException:
                    hashing.is_abandoned = True
                    raise
            named = hashing.name_in(path)
            aside.replace(self.path / named)
            _sync_folder(target.parent)
        except OSError as error:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise _in_words(error, self.path / path) from error
        return StoredFile(named, hashing.tell(), os.path.getmtime(self.path / named))

    def delete(self, path: str) -> None:
        try:
            (self.path / path).unlink(missing_ok=True)
        except OSError as error:
            raise _in_words(error, self.path / path) from error

    def files(self, folder: str) -> Iterator[StoredFile]:
        for parent, folders, names in os.walk(self.path / folder):
            folders[:] = sorted(name for name in folders if name != "_delta_log")
            for name in sorted(names):
                found = Path(parent) / name
                with suppress(FileNotFoundError):  # gone since it was listed
                    told = found.stat()
                    yield StoredFile(found.relative_to(self.path).as_posix(), told.st_size, told.st_mtime)

    def open(self, path: str) -> AbstractContextManager[BinaryIO]:
        return (self.path / path).open("rb")

    def read_marker(self) -> str | None:
        marker = self.path / MARKER
        return marker.read_text() if marker.is_file() else None

    def write_marker(self, text: str) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        aside = self.path / f"{_ASIDE}{os.getpid()}"
        aside.write_text(text)
        aside.replace(self.path / MARKER)  # whole or not at all, for another ingest that looks right now

    def is_empty(self) -> bool:
        return not self.path.exists() or all(each.name.startswith(_ASIDE) for each in self.path.iterdir())

    def exists(self) -> bool:
        return self.path.exists()

    def prepare(self, con: duckdb.DuckDBPyConnection) -> None:
        return None

    @contextmanager
    def scratch(self) -> Iterator[str]:
        folder = self._made_scratch()
        try:
            yield str(folder)
        finally:
            rmtree(folder, ignore_errors=True)
            if folder.is_relative_to(self.path):
                with suppress(OSError):
                    folder.parent.rmdir()

    def _made_scratch(self) -> Path:
        """DuckDB makes the folder it spills to, but none above it; in a lake that is only read it lies elsewhere."""
        folder = self.path / SCRATCH / uuid4().hex
        for _ in range(10):
            try:
                folder.mkdir(parents=True)
            except FileNotFoundError:  # somebody has just deleted the folder above as empty
                continue
            except OSError:
                break
            return folder
        return Path(tempfile.mkdtemp(prefix="trailql-"))

    @contextmanager
    def announce(self, writer: str) -> Iterator[Note]:
        """The note is a locked file: the system unlocks it when the writer ends, however it ends."""
        note = self.path / WRITING / writer
        aside = note.with_name(f"{_UNFINISHED}{writer}")
        try:
            note.parent.mkdir(parents=True, exist_ok=True)
            file = aside.open("w")
            fcntl.flock(file, fcntl.LOCK_EX)
            aside.rename(note)  # only now, so that nobody finds it unlocked
        except OSError as error:
            raise _in_words(error, note) from error
        told = Note()
        try:
            yield told
        finally:
            if not told.stays:
                with suppress(OSError):
                    note.unlink(missing_ok=True)
            file.close()

    def notes(self) -> list[str]:
        folder = self.path / WRITING
        names = [note.name for note in folder.iterdir()] if folder.is_dir() else []
        return sorted(name for name in names if not name.startswith("."))

    @contextmanager
    def take_over(self, writer: str) -> Iterator[bool]:
        note = self.path / WRITING / writer
        try:
            file = note.open()
        except FileNotFoundError:
            yield False
            return
        with file:
            if not _lock(file) or not note.exists():
                yield False
                return
            yield True
            with suppress(OSError):
                note.unlink(missing_ok=True)

    @contextmanager
    def hold(self, name: str) -> Iterator[Hold]:
        held = self.path / WRITING / f".{name}.lock"
        try:
            held.parent.mkdir(parents=True, exist_ok=True)
            file = held.open("a+")  # never deleted: two that hold one name must lock one file
        except OSError as error:
            raise _in_words(error, held) from error
        with file:
            if not _lock(file):
                yield Hold(False)
                return
            file.seek(0)
            after_crash = bool(file.read())
            file.truncate(0)
            file.write("held\n")
            file.flush()
            yield Hold(True, after_crash)
            file.truncate(0)


def _lock(file: Any) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _in_words(error: OSError, at: Path) -> LakeError:
    hints = {
        errno.ENOSPC: "make room, then run it again: nothing that was committed is touched",
        errno.EDQUOT: "make room, then run it again: nothing that was committed is touched",
        errno.EROFS: "the lake's folder must be writable for this command",
        errno.EACCES: "the lake's folder must be writable for this command",
    }
    message = f"cannot be written: {(error.strerror or str(error)).lower()}"
    return LakeError(message, at=str(at), hint=hints.get(error.errno or 0))
