"""
A bucket read as log files: folders, pages of keys, and objects, each with its retries.

Objects and deep listings come through obstore (ten times boto3's rate for small objects, outside Python's lock);
whatever fails there is asked again through boto3, whose answers name the reason. Nothing here keeps state: what is
known already is the ledger's business.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from random import random
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from trailql.errors import SourceError, Unreadable, UsageError
from trailql.sources.aws import CHECK_BUCKET, GONE, Aws, CredentialsExpired, check_installed, in_words
from trailql.sources.keys import read_key, skip_reason
from trailql.sources.source import LogFile

if TYPE_CHECKING:
    from obstore.store import S3Store

PAGE_KEYS = 1000
"""Keys S3 lists in one request."""

_WHOLE_BYTES = 8 * 1024 * 1024
"""Objects up to this size are read in one request, larger ones in ranges of it."""
_ATTEMPTS = 4
_STALL_SECONDS = 8
"""A read that brings nothing for so long is given up and tried again; S3 answers within a second or two."""
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class S3Object:
    """
    An object as a listing or a notification names it.

    Args:
        key: Its key.
        etag: Without quotes; empty when nobody told.
        size_bytes: Its size; -1 when nobody told.
    """

    key: str
    etag: str = ""
    size_bytes: int = -1


def is_s3_uri(source: str) -> bool:
    """Whether a source lies in S3."""
    return source.lower().startswith(("s3://", "s3a://", "s3n://"))


def split_s3_uri(uri: str) -> tuple[str, str]:
    """
    Bucket and key (or prefix) of an S3 URI.

    Raises:
        UsageError: No bucket in it.
    """
    bucket, _, key = uri.partition("://")[2].partition("/")
    if not bucket:
        raise UsageError(f"{uri!r} names no bucket", hint="s3://central-trail-bucket/optional/prefix")
    return bucket, key


class Bucket:
    """
    One bucket, opened for reading.

    Args:
        name: Its name.
        aws: The session to ask with.

    Raises:
        SourceError: The libraries for it are not installed.
    """

    def __init__(self, name: str, aws: Aws) -> None:
        check_installed()
        self.name = name
        self.aws = aws
        self._expired: CredentialsExpired | None = None
        self._payer = {"RequestPayer": "requester"} if aws.access.request_payer else {}

    def uri(self, key: str) -> str:
        """The URI of a key."""
        return f"s3://{self.name}/{key}"

    def check(self) -> None:
        """
        One request that finds out whether there is such a bucket.

        Raises:
            SourceError: There is none, or no way to ask.
        """
        assert self.region

    def folders(self, prefix: str) -> list[str]:
        """
        The prefixes one level below, each ending in `/`; one request for each thousand.

        Raises:
            SourceError: The bucket cannot be listed.
        """
        found: list[str] = []
        for page in self._pages(Prefix=prefix, Delimiter="/"):
            found += [entry["Prefix"] for entry in page.get("CommonPrefixes", ())]
        return found

    def objects(self, prefix: str, *, start_after: str = "", before: str = "") -> Iterator[list[S3Object]]:
        """
        Every object below a prefix in the order of the keys, page by page; one request for each thousand.

        Args:
            prefix: Where.
            start_after: Only keys behind this one.
            before: Stop at this key.

        Raises:
            SourceError: The bucket cannot be listed.
        """
        last = start_after
        try:
            if prefix and not prefix.endswith("/"):
                raise ValueError("obstore lists whole folders only")
            for page in self._quick_pages(prefix, start_after):
                kept = [each for each in page if not before or each.key < before]
                last = page[-1].key if page else last
                yield kept
                if len(kept) < len(page):
                    return
            return
        except _quick_errors():
            pass  # boto3 says why, or gets through
        options = {"StartAfter": last} if last else {}
        for answer in self._pages(Prefix=prefix, **options):
            page = [_object(entry) for entry in answer.get("Contents", ())]
            kept = [each for each in page if not before or each.key < before]
            yield kept
            if len(kept) < len(page):
                return

    def log_file(self, found: S3Object) -> LogFile:
        """The object as log file."""
        facts = read_key(found.key)
        skip = skip_reason(facts) or ("a folder marker" if found.key.endswith("/") and not found.size_bytes else "")
        opener = partial(self.open, found)
        return LogFile(self.uri(found.key), found.size_bytes, found.etag, opener, facts, skip=skip, is_remote=True)

    def head_or_gone(self, key: str) -> S3Object:
        """
        The object's ETag and size, asked for; without them when it cannot be told, and reading it says why.

        Raises:
            CredentialsExpired: Nothing can be asked any more.
        """
        try:
            with in_words(self.uri(key)):
                answer = self._client.head_object(Bucket=self.name, Key=key, **self._payer)
        except CredentialsExpired:
            raise
        except SourceError:
            return S3Object(key)
        return S3Object(key, answer["ETag"].strip('"'), answer["ContentLength"])

    def get_with_metadata(self, key: str, most_bytes: int) -> tuple[bytes, dict[str, str]] | None:
        """
        An object's bytes as stored and its user-defined metadata; None when there is no such object.

        Args:
            key: Its key.
            most_bytes: Refuse larger ones.

        Raises:
            SourceError: It cannot be read; the message names the reason.
        """
        uri = self.uri(key)
        try:
            with in_words(uri):
                answer = self._patient_client.get_object(Bucket=self.name, Key=key, **self._payer)
        except SourceError as error:
            if error.message == GONE:
                return None
            raise
        if answer["ContentLength"] > most_bytes:
            raise SourceError(f"more than {most_bytes // 2**20} MiB", at=uri)
        with in_words(uri):
            data: bytes = answer["Body"].read()
        return data, {name.lower(): value for name, value in answer.get("Metadata", {}).items()}

    def open(self, found: S3Object) -> BinaryIO:
        """
        The object's bytes; a large object comes in ranges while it is read.

        Raises:
            Unreadable: It cannot be read, after all retries; the message names the reason.
            CredentialsExpired: Nothing can be read any more.
        """
        if self._expired:
            raise self._expired
        if found.size_bytes > _WHOLE_BYTES:
            ranges = _Ranges(partial(self._range, found), found.size_bytes)
            return io.BufferedReader(ranges, _WHOLE_BYTES)
        return io.BytesIO(self._range(found, 0, found.size_bytes))

    def _range(self, found: S3Object, start: int, end: int) -> bytes:
        if found.size_bytes >= 0 and end <= start:
            return b""
        try:
            data = self._quick_get(found, start, end)
            if found.size_bytes < 0 or len(data) == end - start:
                return data
        except _quick_errors():
            pass
        return self._patient_get(found, start, end)

    def _quick_get(self, found: S3Object, start: int, end: int) -> bytes:
        options: dict[str, Any] = {"if_match": f'"{found.etag}"'} if found.etag else {}
        if found.size_bytes > _WHOLE_BYTES:
            options["range"] = (start, end)
        answer = self.store.get(found.key, options=options)  # type: ignore[arg-type]
        data = bytes(answer.bytes())
        self.aws.count("GetObject", 1)
        return data

    def _patient_get(self, found: S3Object, start: int, end: int) -> bytes:
        """Through boto3, which retries what the service answers; what breaks in the middle is tried again here."""
        options: dict[str, Any] = dict(self._payer)
        if found.etag:
            options["IfMatch"] = f'"{found.etag}"'
        if found.size_bytes > _WHOLE_BYTES:
            options["Range"] = f"bytes={start}-{end - 1}"
        uri, problem = self.uri(found.key), ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE_SECONDS * 2**attempt * (0.5 + random() / 2))  # noqa: S311
            try:
                with in_words(uri):
                    body = self._patient_client.get_object(Bucket=self.name, Key=found.key, **options)["Body"]
            except CredentialsExpired as error:
                self._expired = error
                raise
            except SourceError as error:
                raise Unreadable(error.message, at=uri, hint=error.hint) from error
            try:
                data: bytes = body.read()
            except Exception as error:
                problem = f"broke off while reading ({type(error).__name__})"
                continue
            if found.size_bytes < 0 or len(data) == end - start:
                return data
            problem = f"{len(data):,} bytes came, {end - start:,} were announced"
        raise Unreadable(f"{problem}, {_ATTEMPTS} times", at=uri, hint="the next ingest tries again")

    def _pages(self, **options: Any) -> Iterator[dict[str, Any]]:
        where = self.uri(options.get("Prefix", ""))
        with in_words(where):
            paginator = self._client.get_paginator("list_objects_v2")
            yield from paginator.paginate(Bucket=self.name, **self._payer, **options)

    def _quick_pages(self, prefix: str, start_after: str) -> Iterator[list[S3Object]]:
        offset = start_after or None
        listing = self.store.list(prefix or None, offset=offset, chunk_size=PAGE_KEYS)
        pages = 0
        try:
            for chunk in listing:
                pages += 1
                yield [
                    S3Object(meta["path"], (meta["e_tag"] or "").strip('"'), meta["size"])
                    for meta in chunk
                    if meta["path"].startswith(prefix)
                ]
        finally:
            self.aws.count("ListObjectsV2", max(pages, 1))

    @cached_property
    def _client(self) -> Any:
        return self.aws.client("s3", region=self.region)

    @cached_property
    def _patient_client(self) -> Any:
        return self.aws.client("s3", region=self.region, retries="standard")

    @property
    def endpoint_url(self) -> str:
        """Where requests go: AWS's endpoint of the Region, or the one that options, environment or profile name."""
        return str(self._client.meta.endpoint_url)

    @cached_property
    def region(self) -> str:
        """
        Where the bucket lies, asked once.

        Raises:
            SourceError: There is no such bucket, or no way to ask.
        """
        from botocore.exceptions import ClientError

        client = self.aws.client("s3")
        with in_words(f"s3://{self.name}"):
            try:
                headers = client.head_bucket(Bucket=self.name)["ResponseMetadata"]["HTTPHeaders"]
            except ClientError as error:  # a refusal names the Region as well, and a policy may well refuse this
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
                headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
                if status == 404:
                    raise SourceError(
                        "there is no such bucket",
                        at=f"s3://{self.name}",
                        hint=CHECK_BUCKET,
                    ) from error
                if status not in {301, 403} and "x-amz-bucket-region" not in headers:
                    raise
        region = str(headers.get("x-amz-bucket-region") or client.meta.region_name or "us-east-1")
        if region == client.meta.region_name:
            self.__dict__["_client"] = client
        return region

    @cached_property
    def store(self) -> S3Store:
        """obstore's view of the bucket, with this session's credentials."""
        from obstore.store import S3Store

        return S3Store(
            self.name,
            region=self.region,
            credential_provider=self.aws.credentials,  # type: ignore[arg-type]  # its keys are an S3Credential's
            request_payer=self.aws.access.request_payer,
            client_options=obstore_client(self.endpoint_url),  # type: ignore[arg-type]
            retry_config={
                "max_retries": 3,
                "retry_timeout": timedelta(seconds=60),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=200),
                    "max_backoff": timedelta(seconds=5),
                    "base": 2,
                },
            },
            **obstore_endpoint(self.endpoint_url),
        )


def duckdb_filesystem(bucket: Bucket, folder: str) -> Any:
    """
    A filesystem through which DuckDB reads the files below one prefix of a bucket, and nothing else.

    Args:
        bucket: Where.
        folder: The prefix, without a slash at its end.

    Raises:
        SourceError: There are no credentials.
    """
    import s3fs

    root = f"{bucket.name}/{folder}/"

    class Unchanging(s3fs.S3FileSystem):  # type: ignore[misc]  # s3fs has no types
        """Reads only, and asks for each file once: a lake never writes a second file under a name."""

        cachable = False

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self._known: dict[str, Any] = {}

        async def _info(self, path: str, *arguments: Any, **options: Any) -> Any:
            self._check(path)
            if path not in self._known:
                self._known[path] = await super()._info(path, *arguments, **options)
            return self._known[path]

        def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
            self._check(path)
            if mode != "rb":
                raise PermissionError(f"{path} is open for reading only")
            return super()._open(path, mode=mode, **options)

        async def _glob(self, path: str, *arguments: Any, **options: Any) -> Any:
            self._check(path)
            return await super()._glob(path, *arguments, **options)

        def _check(self, path: str) -> None:
            plain = self._strip_protocol(path)
            if not f"{plain}/".startswith(root) or ".." in plain.split("/"):
                raise PermissionError(f"{plain} is outside the lake")

    credentials = bucket.aws.credentials()
    return Unchanging(
        key=credentials["access_key_id"],
        secret=credentials["secret_access_key"],
        token=credentials["token"],
        endpoint_url=obstore_endpoint(bucket.endpoint_url).get("endpoint"),
        client_kwargs={"region_name": bucket.region},
        use_listings_cache=False,
        skip_instance_cache=True,
    )


class _Ranges(io.RawIOBase):
    """A large object as a file, one range at a time."""

    def __init__(self, read_range: Callable[[int, int], bytes], size: int) -> None:
        self._read_range = read_range
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def readall(self) -> bytes:
        parts = []
        while self._position < self._size:
            end = min(self._position + _WHOLE_BYTES, self._size)
            parts.append(self._read_range(self._position, end))
            self._position = end
        return b"".join(parts)

    def readinto(self, buffer: Any) -> int:
        end = min(self._position + len(buffer), self._size)
        data = self._read_range(self._position, end)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def obstore_endpoint(endpoint_url: str) -> dict[str, Any]:
    """What boto3 settled on, from options, environment or profile, for obstore; AWS's own endpoint is its default."""
    host = urlsplit(endpoint_url).hostname or ""
    return (
        {}
        if host.endswith((".amazonaws.com", ".amazonaws.com.cn")) and "vpce" not in host
        else {"endpoint": endpoint_url}
    )


def obstore_client(endpoint_url: str) -> dict[str, Any]:
    """How obstore connects: a stalled read is given up, and a company's own certificates count."""
    options: dict[str, Any] = {
        "allow_http": endpoint_url.startswith("http://"),
        "connect_timeout": timedelta(seconds=10),
        "read_timeout": timedelta(seconds=_STALL_SECONDS),
        "timeout": timedelta(seconds=120),
        "pool_idle_timeout": timedelta(seconds=20),
    }
    bundle = os.environ.get("AWS_CA_BUNDLE")
    if bundle and not options["allow_http"]:
        options["root_certificate"] = Path(bundle).read_bytes()
    return options


def _object(entry: dict[str, Any]) -> S3Object:
    return S3Object(entry["Key"], entry["ETag"].strip('"'), entry["Size"])


def _quick_errors() -> tuple[type[BaseException], ...]:
    """What obstore raises; its texts may hold signed requests and are never shown."""
    from obstore.exceptions import BaseError

    return (BaseError, OSError, ValueError)
