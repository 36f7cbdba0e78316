"""
One digest file: the hashes of an hour's log files, and the signature and hash of the digest before it.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trailql.integrity.names import YEARS

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z")


class BadDigest(Exception):
    """Not the JSON of a digest file."""


@dataclass(frozen=True, slots=True)
class Place:
    """An object in S3."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """Its S3 URI."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A log file as a digest lists it; the hash is that of its uncompressed bytes, hex."""

    place: Place
    sha256: str


@dataclass(frozen=True, slots=True)
class Previous:
    """What a digest says of the one before it; hash and signature in hex."""

    place: Place
    sha256: str
    signature: str


@dataclass(frozen=True, slots=True)
class Digest:
    """
    A digest file.

    Args:
        place: Where CloudTrail put it.
        start, end: The hour of deliveries it speaks of.
        end_text: The end as it is written, which is signed.
        fingerprint: Which public key goes with its signature.
        previous_signature: As it is written, None for null; it is signed.
        previous: The digest before it; None at the start of a chain.
        files: The log files delivered in that hour.
        problem: Why they cannot be told; empty where they can.
        sha256: Of its own uncompressed bytes, hex.
    """

    place: Place
    start: datetime
    end: datetime
    end_text: str
    fingerprint: str
    previous_signature: str | None
    previous: Previous | None
    files: tuple[ListedFile, ...]
    problem: str
    sha256: str


def parse_digest(body: bytes, sha256: str) -> Digest:
    """
    Read a digest file's uncompressed bytes.

    Args:
        body: JSON text.
        sha256: Their hash, hex.

    Raises:
        BadDigest: Not JSON, or something is missing in it; the message says what.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadDigest("not JSON") from error
    if not isinstance(document, dict):
        raise BadDigest("not a JSON object")
    if "previousDigestSignature" not in document:
        raise BadDigest("previousDigestSignature is missing")
    signature = _optional(document, "previousDigestSignature")
    bucket, key = _optional(document, "previousDigestS3Bucket"), _optional(document, "previousDigestS3Object")
    previous = None
    if bucket is not None and key is not None:
        previous = Previous(
            _place(document, "previousDigestS3Bucket", "previousDigestS3Object"),
            (_optional(document, "previousDigestHashValue") or "").lower(),
            signature or "",
        )
    end_text = _text(document, "digestEndTime")
    try:
        files, problem = tuple(map(_listed, _list(document, "logFiles"))), ""
    except BadDigest as error:
        files, problem = (), str(error)
    return Digest(
        place=_place(document, "digestS3Bucket", "digestS3Object"),
        start=_time(_text(document, "digestStartTime"), "digestStartTime"),
        end=_time(end_text, "digestEndTime"),
        end_text=end_text,
        fingerprint=_text(document, "digestPublicKeyFingerprint"),
        previous_signature=signature,
        previous=previous,
        files=files,
        problem=problem,
        sha256=sha256,
    )


def _listed(entry: Any) -> ListedFile:
    if not isinstance(entry, dict):
        raise BadDigest("an element of logFiles is no object")
    if entry.get("hashAlgorithm", "SHA-256") != "SHA-256":
        raise BadDigest(f"hashAlgorithm {str(entry['hashAlgorithm'])[:40]!r} is not SHA-256")
    return ListedFile(_place(entry, "s3Bucket", "s3Object"), _text(entry, "hashValue").lower())


def _place(document: dict[str, Any], bucket: str, key: str) -> Place:
    place = Place(_text(document, bucket), _text(document, key))
    if not place.bucket or "/" in place.bucket:
        raise BadDigest(f"{bucket} is no bucket's name")
    return place


def _text(document: dict[str, Any], name: str) -> str:
    if name not in document:
        raise BadDigest(f"{name} is missing")
    value = document[name]
    if not isinstance(value, str):
        raise BadDigest(f"{name} is no text")
    return value


def _optional(document: dict[str, Any], name: str) -> str | None:
    return None if document.get(name) is None else _text(document, name)


def _list(document: dict[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    if not isinstance(value, list):
        raise BadDigest(f"{name} is no list")
    return value


def _time(text: str, name: str) -> datetime:
    try:
        if _TIME.fullmatch(text):
            moment = datetime.fromisoformat(text).astimezone(UTC)
            if moment.year in YEARS:
                return moment
    except (ValueError, OverflowError):
        pass
    raise BadDigest(f"{name} is no time")
