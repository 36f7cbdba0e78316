"""Where a lake's bytes lie: a folder, or a prefix of a bucket. The tables above know only this."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol
from urllib.parse import unquote

import pyarrow as pa

from trailql.errors import LakeError, SourceError, UsageError
from trailql.sources.aws import Aws
from trailql.sources.s3 import Bucket, duckdb_filesystem, is_s3_uri, obstore_endpoint, split_s3_uri

if TYPE_CHECKING:
    import duckdb

MARKER = "trailql.json"
_ASIDE = ".trailql.json-"


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

    def write(self, path: str, fill: Callable[[BinaryIO], None]) -> int:
        """Write one file and return its size; whoever reads finds all of it or nothing."""

    def delete(self, path: str) -> None:
        """Delete a file; none there is no error."""

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

    def write(self, path: str, fill: Callable[[BinaryIO], None]) -> int:
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            fill(file)
        return os.path.getsize(target)

    def delete(self, path: str) -> None:
        (self.path / path).unlink(missing_ok=True)

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
        yield str(self.path / "tmp")


class S3Storage:
    """
    A prefix of a bucket. Commits are conditional puts: of two writers that want the same version, one loses.

    Args:
        uri: `s3://bucket/prefix`.
        aws: The session to use.
    """

    def __init__(self, uri: str, aws: Aws) -> None:
        bucket, prefix = split_s3_uri(uri)
        self.bucket = bucket
        self.prefix = prefix.strip("/")
        if not self.prefix:
            raise UsageError("a lake needs a prefix of its own in the bucket", hint=f"--lake s3://{bucket}/lake")
        self._bucket = Bucket(bucket, aws)
        self._aws = aws

    @property
    def root(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def options(self) -> dict[str, str]:
        credentials = self._aws.credentials()
        options = {
            "aws_access_key_id": credentials["access_key_id"],
            "aws_secret_access_key": credentials["secret_access_key"],
            "aws_region": self._bucket.region,
            "aws_conditional_put": "etag",
        }
        if credentials["token"]:
            options["aws_session_token"] = credentials["token"]
        for name, value in obstore_endpoint(self._bucket.endpoint_url).items():
            options[f"aws_{name}"] = value
        if self._bucket.endpoint_url.startswith("http://"):
            options["allow_http"] = "true"
        return options

    def table_uri(self, table: str) -> str:
        return f"{self.root}/{table}"

    def plain_path(self, uri: str) -> str:
        return unquote(uri)

    def write(self, path: str, fill: Callable[[BinaryIO], None]) -> int:
        buffer = pa.BufferOutputStream()
        fill(buffer)
        data = buffer.getvalue()
        with self._in_words():
            self._bucket.store.put(f"{self.prefix}/{path}", data.to_pybytes())
        return int(data.size)

    def delete(self, path: str) -> None:
        with self._in_words():
            self._bucket.store.delete(f"{self.prefix}/{path}")

    def read_marker(self) -> str | None:
        from obstore.exceptions import NotFoundError

        with self._in_words():
            try:
                return bytes(self._bucket.store.get(f"{self.prefix}/{MARKER}").bytes()).decode()
            except (NotFoundError, FileNotFoundError):
                return None

    def write_marker(self, text: str) -> None:
        from obstore.exceptions import AlreadyExistsError

        with self._in_words():
            try:
                self._bucket.store.put(f"{self.prefix}/{MARKER}", text.encode(), mode="create")
            except (AlreadyExistsError, FileExistsError):
                return

    def is_empty(self) -> bool:
        with self._in_words():
            return not next(iter(self._bucket.store.list(f"{self.prefix}/", chunk_size=1)), None)

    def exists(self) -> bool:
        return not self.is_empty()

    def prepare(self, con: duckdb.DuckDBPyConnection) -> None:
        con.register_filesystem(self._filesystem)
        con.execute("SET parquet_metadata_cache = true")
        con.execute("SET validate_external_file_cache = 'NO_VALIDATION'")

    @cached_property
    def _filesystem(self) -> Any:
        return duckdb_filesystem(self._bucket, self.prefix)

    @contextmanager
    def scratch(self) -> Iterator[str]:
        folder = tempfile.mkdtemp(prefix="trailql-")
        try:
            yield folder
        finally:
            rmtree(folder, ignore_errors=True)

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except BaseError as error:
            # obstore's text may hold signed requests; boto3 is asked what is wrong.
            try:
                self._bucket.folders(f"{self.prefix}/")
            except SourceError as known:
                raise LakeError(known.message, at=self.root, hint=known.hint) from error
            kind = type(error).__name__.removesuffix("Error")
            raise LakeError(f"the lake's bucket cannot be used ({kind})", at=self.root) from error


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
        return S3Storage(str(lake), aws or Aws())
    folder = Path(lake).expanduser().absolute()
    if "%" in str(folder):
        raise LakeError("a lake's path cannot contain %: Delta takes it for an escape", at=str(lake))
    return FolderStorage(folder)


def marker_text(version: int) -> str:
    """What a new lake's `trailql.json` says."""
    return json.dumps({"layout_version": version, "what": "a trailql lake"}) + "\n"
