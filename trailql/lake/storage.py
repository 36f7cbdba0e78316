"""Where a lake's bytes lie: a folder, or a prefix of a bucket. The tables above know only this."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from trailql.errors import LakeError
from trailql.sources.aws import Aws
from trailql.sources.s3 import is_s3_uri

if TYPE_CHECKING:
    import duckdb

MARKER = "trailql.json"
WRITING = "writing"
"""The folder of the notes that say which writers are at work."""
SCRATCH = "tmp"
"""The folder for what does not fit into memory, where the lake is a folder."""
HASH = "{sha256}"
"""In the path of a file to be written: takes the first 32 hex digits of the SHA-256 of its bytes."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """
    A file of the lake as it lies there.

    Args:
        path: Relative to the lake's root, with `/`.
        size_bytes: Its size.
        modified: When it was written, seconds since 1970.
    """

    path: str
    size_bytes: int
    modified: float


@dataclass(slots=True)
class Note:
    """
    A writer's note that it is at work.

    Args:
        stays: Leave it behind, for whoever tidies up.
    """

    stays: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """
    Whether a name is ours.

    Args:
        is_ours: Nobody else has it.
        after_crash: Whoever had it last did not give it back.
    """

    is_ours: bool
    after_crash: bool = False


class Storage(Protocol):
    """What a lake needs of the place it lies in; paths are relative to its root, with `/`."""

    @property
    def root(self) -> str:
        """The root as a user would name it: an absolute path, or an S3 URI."""

    @property
    def options(self) -> dict[str, str]:
        """Storage options for delta-rs."""

    def table_uri(self, table: str) -> str:
        """URI of a table's folder for delta-rs."""

    def plain_path(self, uri: str) -> str:
        """A file URI of delta-rs as DuckDB opens it."""

    def write(self, path: str, fill: Callable[[BinaryIO], None]) -> StoredFile:
        """
        Write one file; whoever reads finds all of it or nothing, and it outlasts a power cut.

        Args:
            path: Where; may contain `HASH`.
            fill: Writes the content.

        Raises:
            LakeError: No space, no permission.
        """

    def delete(self, path: str) -> None:
        """Delete a file; none there is no error."""

    def files(self, folder: str) -> Iterator[StoredFile]:
        """All files below a folder, but for the Delta logs."""

    def open(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Open a file of the lake to read its bytes from first to last."""

    def read_marker(self) -> str | None:
        """The text of `trailql.json`, None without one."""

    def write_marker(self, text: str) -> None:
        """Write `trailql.json` unless another writer has just done so."""

    def is_empty(self) -> bool:
        """Whether nothing is there, so that a lake may be made."""

    def exists(self) -> bool:
        """Whether the place exists at all."""

    def prepare(self, con: duckdb.DuckDBPyConnection) -> None:
        """Let a DuckDB connection read from here."""

    def scratch(self) -> Any:
        """A context manager for a folder on this machine's disk, for what does not fit into memory."""

    def announce(self, writer: str) -> AbstractContextManager[Note]:
        """Leave a note that a writer is at work, until the context ends."""

    def notes(self) -> list[str]:
        """The writers whose notes lie in the lake, at work or dead."""

    def take_over(self, writer: str) -> AbstractContextManager[bool]:
        """
        Tidy up after a dead writer: gives False when it is at work, or when somebody else tidies up after it.

        The note goes when the context ends without an error.
        """

    def hold(self, name: str) -> AbstractContextManager[Hold]:
        """
        Be the only one that holds a name in this lake, until the context ends, unless another one is.

        On disk the system lets go when the process ends, however it ends; in S3 a lease runs out some minutes later.
        """


class Hashing:
    """A binary file that is written once, from first to last, and hashed on the way."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0
        self.closed = False
        self.is_abandoned = False
        """Set when the file is given up: what somebody's buffer still holds goes nowhere."""

    def write(self, data: Any) -> int:
        """Write bytes."""
        view = memoryview(data)
        if self.is_abandoned:
            return view.nbytes
        self._digest.update(view)
        self._file.write(view)
        self._size += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """How many bytes were written."""
        return self._size

    def flush(self) -> None:
        """Hand everything to the file below."""
        if not self.is_abandoned:
            self._file.flush()

    def close(self) -> None:
        """The file below is closed by whoever opened it."""
        self.closed = True

    def writable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is not."""
        return False

    def seekable(self) -> bool:
        """It is not."""
        return False

    def name_in(self, path: str) -> str:
        """The path with the hash of what was written, where it has a place for it."""
        return path.replace(HASH, self._digest.hexdigest()[:32])


def open_storage(lake: str | Path, aws: Aws | None = None) -> Storage:
    """
    The storage of a lake.

    Args:
        lake: A folder, or `s3://bucket/prefix`.
        aws: The session for S3; one from the environment without it.

    Raises:
        LakeError: A path no lake can have.
    """
    if is_s3_uri(str(lake)):
        from trailql.lake.s3_storage import S3Storage

        return S3Storage(str(lake), aws or Aws())
    from trailql.lake.folder_storage import FolderStorage

    folder = Path(lake).expanduser().absolute()
    if "%" in str(folder):
        raise LakeError("a lake's path cannot contain %: Delta takes it for an escape", at=str(lake))
    return FolderStorage(folder)


def marker_text(version: int) -> str:
    """What a new lake's `trailql.json` says."""
    return json.dumps({"layout_version": version, "what": "a trailql lake"}) + "\n"
