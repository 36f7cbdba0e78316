"""
Copies on disk: folders, files and archives, whatever upper folders they have lost.

A digest names objects as s3://bucket/key. A copy is found by its file name; of several copies those count whose folders
agree with the key furthest up. Beside a digest may lie its signature, which S3 keeps in the object's metadata:

    DIGEST.json.gz.signature        the signature alone, hex
    DIGEST.json.gz.metadata.json    what `aws s3api head-object` prints
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from io import BytesIO

from trailql.errors import BadLogFile
from trailql.integrity.changes import names_trail_change
from trailql.integrity.digest import Place
from trailql.integrity.evidence import DigestCopy, LogCopy, ReadDigest, SavedSignature
from trailql.integrity.names import ChainName, common_folders, contradicts, path_of, plain_name, read_digest_name
from trailql.integrity.stored import MOST_DIGEST_BYTES, MOST_LOG_BYTES, NotRead, Stored, read_stored
from trailql.sources.keys import EVENT_FOLDERS, SIGNATURE_ENDINGS
from trailql.sources.source import LogFile

_MOST_SIGNATURE_BYTES = 64 * 1024
_KEEP_BYTES = 64 * 2**20


class Copies:
    """
    Files that were found, by name.

    Args:
        log_files: What there is, digests and their signatures included.
    """

    is_bucket = False

    def __init__(self, log_files: Iterable[LogFile]) -> None:
        self._files: dict[str, LogFile] = {}
        self._digests: dict[str, list[DigestCopy]] = {}
        self._logs: dict[str, list[str]] = {}
        self._signatures: dict[str, list[str]] = {}
        self._hashed: dict[str, Stored | BadLogFile] = {}
        self.unreadable: list[tuple[str, str]] = []
        for each in log_files:
            self._add(each)

    def _add(self, log_file: LogFile) -> None:
        if log_file.problem:
            self.unreadable.append((log_file.uri, log_file.problem))
            return
        path = path_of(log_file.uri)
        if path.endswith(SIGNATURE_ENDINGS):
            name = re.sub(r"\.(signature|metadata\.json)$", "", path)
            self._signatures.setdefault(plain_name(name), []).append(log_file.uri)
        elif (name_told := read_digest_name(path)) is not None:
            copy = DigestCopy(name_told, log_file.uri, version_tag=log_file.version_tag)
            self._digests.setdefault(plain_name(path), []).append(copy)
        elif log_file.facts.folder is not None:
            self._logs.setdefault(plain_name(path), []).append(log_file.uri)
            log_file = self._hashed_now(log_file) if log_file.version_tag.startswith("sha256:") else log_file
        else:
            return
        self._files[log_file.uri] = log_file

    def _hashed_now(self, log_file: LogFile) -> LogFile:
        """A member of a tar archive, which is held in memory for as long as it can be opened, read once and let go."""
        try:
            self._hashed[log_file.uri] = _telling(_read(log_file, MOST_LOG_BYTES, keep=_KEEP_BYTES))
        except BadLogFile as error:
            self._hashed[log_file.uri] = error
        return log_file.opened_by(BytesIO)

    def digests(self) -> Iterable[DigestCopy]:
        return [copy for copies in self._digests.values() for copy in copies]

    def find_digest(self, place: Place) -> list[DigestCopy]:
        found = self._digests.get(plain_name(place.key), [])
        best = set(_nearest([copy.file for copy in found], place))
        return [copy for copy in found if copy.file in best]

    def read_digest(self, copy: DigestCopy) -> ReadDigest | None:
        stored = _read(self._files[copy.file], MOST_DIGEST_BYTES, keep=MOST_DIGEST_BYTES, may_trail=True)
        return ReadDigest(stored, self._signature_of(copy))

    def begin(self, chain: ChainName) -> None:
        """Everything is at hand."""

    def find_logs(self, places: Sequence[Place]) -> list[list[LogCopy]]:
        return [self._find_log(place) for place in places]

    def _find_log(self, place: Place) -> list[LogCopy]:
        found = self._logs.get(plain_name(place.key), [])
        fitting = [uri for uri in found if not contradicts(path_of(uri), f"{place.bucket}/{place.key}")]
        return [self._log_copy(uri) for uri in _nearest(fitting, place)]

    def read_log(self, copy: LogCopy) -> Stored | None:
        hashed = self._hashed.get(copy.file)
        if isinstance(hashed, BadLogFile):
            raise hashed
        return hashed or _telling(_read(self._files[copy.file], MOST_LOG_BYTES, keep=_KEEP_BYTES))

    def homes(self) -> Iterable[tuple[str, str]]:
        files = (self._files[uri].facts for uris in self._logs.values() for uri in uris)
        return {(facts.account or "", facts.region or "") for facts in files if facts.folder in EVENT_FOLDERS}

    def logs(self, account: str, region: str, since: datetime | None, until: datetime | None) -> Iterator[LogCopy]:
        for uris in self._logs.values():
            for uri in uris:
                facts = self._files[uri].facts
                if (facts.account or "", facts.region or "") != (account, region) or facts.folder not in EVENT_FOLDERS:
                    continue
                if is_within(facts.delivered_at, since, until):
                    yield self._log_copy(uri)

    def _log_copy(self, uri: str) -> LogCopy:
        log_file = self._files[uri]
        return LogCopy(uri, log_file.facts, log_file.version_tag)

    def _signature_of(self, copy: DigestCopy) -> SavedSignature | None:
        """The signature that was saved beside it, or as near to it as possible; none where that file is damaged."""
        found = self._signatures.get(plain_name(path_of(copy.file)), [])
        if not found:
            return None
        nearest = max(sorted(found), key=lambda uri: common_folders(path_of(uri), path_of(copy.file)))
        try:
            stored = _read(self._files[nearest], _MOST_SIGNATURE_BYTES, keep=_MOST_SIGNATURE_BYTES)
        except BadLogFile as error:
            if (nearest, error.message) not in self.unreadable:
                self.unreadable.append((nearest, error.message))
            return None
        return parse_signature(stored.body.decode("utf-8", "replace"))


def _read(log_file: LogFile, most_bytes: int, *, keep: int, may_trail: bool = False) -> Stored:
    uri = log_file.uri
    try:
        stream = log_file.open()
    except BadLogFile as error:
        raise NotRead(error.message, at=uri, hint=error.hint) from error
    except OSError as error:
        raise NotRead(f"cannot be read: {(error.strerror or str(error)).lower()}", at=uri) from error
    return read_stored(stream, at=uri, most_bytes=most_bytes, keep_bytes=keep, may_trail=may_trail)


def _telling(stored: Stored) -> Stored:
    """The body is kept only where it may say that a trail was changed."""
    return stored if names_trail_change(stored.body) else replace(stored, body=b"")


def parse_signature(text: str) -> SavedSignature | None:
    """A saved signature: hex, or the metadata of the object as JSON; None where there is none in it."""
    if not text.lstrip().startswith("{"):
        return SavedSignature("".join(text.split())) if text.strip() else None
    try:
        document = json.loads(text)
        metadata = document.get("Metadata", document)
        told = [
            metadata.get(name) or "" for name in ("signature", "signature-algorithm", "backfill-generation-timestamp")
        ]
    except (ValueError, AttributeError, RecursionError):
        return None
    if not told[0] or not all(isinstance(each, str) for each in told):
        return None
    return SavedSignature(told[0], told[1], told[2])


def is_within(moment: datetime | None, since: datetime | None, until: datetime | None) -> bool:
    """Whether a delivery lies in `since <= t < until`; one of which no time is known does."""
    if moment is None:
        return True
    return (since is None or moment >= since) and (until is None or moment < until)


def _nearest(uris: list[str], place: Place) -> list[str]:
    if len(uris) < 2:
        return uris
    folders = {uri: common_folders(path_of(uri), f"{place.bucket}/{place.key}") for uri in uris}
    most = max(folders.values())
    return [uri for uri in uris if folders[uri] == most]
