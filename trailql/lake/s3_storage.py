"""A lake below a prefix of an S3 bucket."""

from __future__ import annotations

import hashlib
import io
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from shutil import rmtree
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote

import pyarrow as pa

from trailql.errors import LakeError, SourceError, UsageError
from trailql.lake.storage import HASH, MARKER, WRITING, Hold, Note, StoredFile
from trailql.sources.aws import Aws
from trailql.sources.s3 import Bucket, duckdb_filesystem, obstore_endpoint, split_s3_uri

if TYPE_CHECKING:
    import duckdb

_NOTE_SECONDS = 120
_DEAD_SECONDS = 30 * 60
"""A writer's note this old is a dead writer's."""
_LEASE_SECONDS = 5 * 60


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

    def write(self, path: str, fill: Callable[[BinaryIO], None]) -> StoredFile:
        buffer = pa.BufferOutputStream()
        fill(buffer)
        data = buffer.getvalue().to_pybytes()
        path = path.replace(HASH, hashlib.sha256(data).hexdigest()[:32])
        with self._in_words():
            self._bucket.store.put(f"{self.prefix}/{path}", data)
        return StoredFile(path, len(data), time.time())

    def delete(self, path: str) -> None:
        with self._in_words():
            self._bucket.store.delete(f"{self.prefix}/{path}")

    def files(self, folder: str) -> Iterator[StoredFile]:
        with self._in_words():
            for page in self._bucket.store.list(f"{self.prefix}/{folder}/"):
                for meta in page:
                    path = meta["path"].removeprefix(f"{self.prefix}/")
                    if "/_delta_log/" not in path:
                        yield StoredFile(path, meta["size"], meta["last_modified"].timestamp())

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        with self._in_words():
            yield io.BufferedReader(_Chunks(iter(self._bucket.store.get(f"{self.prefix}/{path}").stream())))

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

    @contextmanager
    def announce(self, writer: str) -> Iterator[Note]:
        """The note is an object, written again every few minutes: one that grows old is a dead writer's."""
        key = f"{self.prefix}/{WRITING}/{writer}"
        ended = threading.Event()

        def write_note() -> None:
            with self._in_words():
                self._bucket.store.put(key, b"")

        def keep_fresh() -> None:
            while not ended.wait(_NOTE_SECONDS):
                with suppress(LakeError):
                    write_note()

        write_note()
        thread = threading.Thread(target=keep_fresh, name="trailql-note", daemon=True)
        thread.start()
        told = Note()
        try:
            yield told
        finally:
            ended.set()
            thread.join()
            if not told.stays:
                with suppress(LakeError):
                    self.delete(f"{WRITING}/{writer}")

    def notes(self) -> list[str]:
        names = [each.path.rsplit("/", 1)[1] for each in self.files(WRITING)]
        return sorted(name for name in names if not name.startswith("."))

    @contextmanager
    def take_over(self, writer: str) -> Iterator[bool]:
        path = f"{WRITING}/{writer}"
        found = [each for each in self.files(WRITING) if each.path == path]
        if not found or found[0].modified > time.time() - _DEAD_SECONDS:
            yield False
            return
        with self._in_words():
            self._bucket.store.put(f"{self.prefix}/{path}", b"")  # young again: whoever looks now lets it be
        yield True
        self.delete(path)

    @contextmanager
    def hold(self, name: str) -> Iterator[Hold]:
        """The lease is an object that says until when; it is taken and renewed by conditional puts alone."""
        lease = _Lease(self, f"{self.prefix}/{WRITING}/.{name}.lease")
        if not lease.take():
            yield Hold(False)
            return
        ended = threading.Event()

        def renew() -> None:
            while not ended.wait(_LEASE_SECONDS / 5):
                with suppress(LakeError):
                    lease.renew()

        thread = threading.Thread(target=renew, name="trailql-lease", daemon=True)
        thread.start()
        try:
            yield Hold(True, lease.after_crash)
        finally:
            ended.set()
            thread.join()
            with suppress(LakeError):
                lease.give_back()


class _Lease:
    """
    An object that holds until when somebody has a name for himself.

    Args:
        storage: Where it lies.
        key: Its key.
    """

    def __init__(self, storage: S3Storage, key: str) -> None:
        self._storage = storage
        self._key = key
        self._tag: str | None = None
        self.after_crash = False
        """Whoever had it last did not give it back."""

    def take(self) -> bool:
        """Whether nobody else has it; then it is ours for some minutes."""
        from obstore.exceptions import NotFoundError

        with self._storage._in_words():
            try:
                found = self._storage._bucket.store.get(self._key)
                until = float(bytes(found.bytes()).decode() or 0)
            except (NotFoundError, FileNotFoundError):
                return self._put({"mode": "create"}, _LEASE_SECONDS)
        if until > time.time():
            return False
        self.after_crash = until > 0
        return self._put({"mode": {"e_tag": found.meta["e_tag"]}}, _LEASE_SECONDS)

    def renew(self) -> None:
        """Keep it for some more minutes."""
        self._put({"mode": {"e_tag": self._tag}}, _LEASE_SECONDS)

    def give_back(self) -> None:
        """Let it go at once."""
        self._put({"mode": {"e_tag": self._tag}}, None)

    def _put(self, condition: dict[str, Any], seconds: float | None) -> bool:
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        until = b"0" if seconds is None else f"{time.time() + seconds:.3f}".encode()
        with self._storage._in_words():
            try:
                self._tag = self._storage._bucket.store.put(self._key, until, **condition)["e_tag"]
            except (AlreadyExistsError, PreconditionError, FileExistsError):
                return False
        return True


class _Chunks(io.RawIOBase):
    """What comes in chunks, as a file."""

    def __init__(self, chunks: Iterator[Any]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(bytes(chunk))
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)
