"""Digests and log files where CloudTrail put them: in S3, at their own keys, with their metadata."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from threading import Lock

from trailql.errors import SourceError
from trailql.integrity.changes import names_trail_change
from trailql.integrity.copies import is_within
from trailql.integrity.digest import Place
from trailql.integrity.evidence import DigestCopy, LogCopy, ReadDigest, SavedSignature
from trailql.integrity.names import ChainName, read_digest_name
from trailql.integrity.stored import MOST_DIGEST_BYTES, MOST_LOG_BYTES, NotRead, Stored, read_stored
from trailql.sources.aws import Aws, CredentialsExpired
from trailql.sources.keys import EVENT_FOLDERS, read_key
from trailql.sources.s3 import Bucket, split_s3_uri
from trailql.sources.trail_prefixes import NothingThere, TrailPrefix, find_trail_prefixes, list_days

_KEEP_BYTES = 64 * 2**20
_DIGESTS = frozenset({"CloudTrail-Digest"})


class InBucket:
    """
    A bucket, or a prefix of one.

    Args:
        uri: `s3://bucket/optional/prefix`.
        aws: The session.
        accounts, regions: Only these; empty for all.
        since, until: Which days of digests to list; None for all.

    Raises:
        SourceError: There is no such bucket, or it cannot be listed.
    """

    is_bucket = True

    def __init__(
        self,
        uri: str,
        aws: Aws,
        *,
        accounts: frozenset[str] = frozenset(),
        regions: frozenset[str] = frozenset(),
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> None:
        name, self._prefix = split_s3_uri(uri)
        self._aws = aws
        self._accounts, self._regions = accounts, regions
        self._since, self._until = since, until
        self._buckets: dict[str, Bucket] = {}
        self._lock = Lock()
        self._bucket = self._named(name)
        self._bucket.check()
        self._log_prefixes: list[TrailPrefix] | None = None

    def _named(self, name: str) -> Bucket:
        with self._lock:
            if name not in self._buckets:
                self._buckets[name] = Bucket(name, self._aws)
            return self._buckets[name]

    def digests(self) -> Iterable[DigestCopy]:
        try:
            prefixes = self._prefixes(_DIGESTS)
        except NothingThere:
            return
        first = (self._since - timedelta(days=1)).date() if self._since else None
        last = (self._until + timedelta(days=1)).date() if self._until else None
        for _, page in list_days(self._bucket, [(prefix, first) for prefix in prefixes], last):
            for each in page:
                if (name := read_digest_name(each.key)) is not None:
                    place = Place(self._bucket.name, each.key)
                    yield DigestCopy(name, place.uri, place, each.etag)

    def _prefixes(self, folders: frozenset[str]) -> list[TrailPrefix]:
        found = find_trail_prefixes(
            self._bucket, self._prefix, accounts=self._accounts, regions=self._regions, folders=folders
        )
        return list(found.prefixes)

    def find_digest(self, place: Place) -> list[DigestCopy]:
        name = read_digest_name(place.key)
        return [DigestCopy(name, place.uri, place)] if name else []

    def read_digest(self, copy: DigestCopy) -> ReadDigest | None:
        assert copy.place is not None
        found = self._fetch(copy.place, MOST_DIGEST_BYTES)
        if found is None:
            return None
        data, metadata = found
        stored = read_stored(
            BytesIO(data), at=copy.file, most_bytes=MOST_DIGEST_BYTES, keep_bytes=MOST_DIGEST_BYTES, may_trail=True
        )
        names = ("signature", "signature-algorithm", "backfill-generation-timestamp")
        told = [metadata.get(name, "") for name in names]
        return ReadDigest(stored, SavedSignature(*told) if any(told) else None)

    def _fetch(self, place: Place, most_bytes: int) -> tuple[bytes, dict[str, str]] | None:
        if not place.key:
            return None
        try:
            return self._named(place.bucket).get_with_metadata(place.key, most_bytes)
        except CredentialsExpired:
            raise
        except SourceError as error:
            raise NotRead(error.message, at=place.uri, hint=error.hint) from error

    def begin(self, chain: ChainName) -> None:
        """Log files are asked for one by one."""

    def find_logs(self, places: Sequence[Place]) -> list[list[LogCopy]]:
        return [[LogCopy(place.uri, read_key(place.key))] for place in places]

    def read_log(self, copy: LogCopy) -> Stored | None:
        bucket, key = split_s3_uri(copy.file)
        found = self._fetch(Place(bucket, key), MOST_LOG_BYTES)
        if found is None:
            return None
        stored = read_stored(BytesIO(found[0]), at=copy.file, most_bytes=MOST_LOG_BYTES, keep_bytes=_KEEP_BYTES)
        return stored if names_trail_change(stored.body) else replace(stored, body=b"")

    def homes(self) -> Iterable[tuple[str, str]]:
        if self._log_prefixes is None:
            try:
                self._log_prefixes = self._prefixes(EVENT_FOLDERS)
            except NothingThere:
                self._log_prefixes = []
        return {(each.account, each.region) for each in self._log_prefixes if each.has_days}

    def logs(self, account: str, region: str, since: datetime | None, until: datetime | None) -> Iterator[LogCopy]:
        self.homes()
        own = [each for each in self._log_prefixes or () if (each.account, each.region) == (account, region)]
        first, last = since.date() if since else None, until.date() if until else None
        for _, page in list_days(self._bucket, [(prefix, first) for prefix in own], last):
            for each in page:
                facts = read_key(each.key)
                if facts.folder in EVENT_FOLDERS and facts.delivered_at and is_within(facts.delivered_at, since, until):
                    yield LogCopy(self._bucket.uri(each.key), facts, each.etag)
