"""A trail's log files and signed digests, made for a test, and what can be done to them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.made import ACCOUNT, REGION, record, trail

FIRST = datetime.fromisoformat("2026-10-01T10:00:00+00:00")
"""Where the first hour of a made chain begins."""
HOUR = timedelta(hours=1)
HOURS = 6
ORGANIZATION = "o-exampleorg1"
Json = dict[str, Any]


@cache
def private_key(which: int = 0) -> RSAPrivateKey:
    """A key pair of this run, the same each time it is asked for."""
    return generate_private_key(65537, 2048)


@dataclass
class Key:
    """A public key as ListPublicKeys tells of it; `encoding` is `pkcs1`, `spki` or `broken`."""

    fingerprint: str
    which: int = 0
    since: datetime = FIRST - timedelta(days=5)
    until: datetime = FIRST + timedelta(days=25)
    encoding: str = "pkcs1"

    @property
    def der(self) -> bytes:
        """Its bytes."""
        if self.encoding == "broken":
            return b"\x30\x03\x02\x01\x01"
        form = PublicFormat.PKCS1 if self.encoding == "pkcs1" else PublicFormat.SubjectPublicKeyInfo
        return private_key(self.which).public_key().public_bytes(Encoding.DER, form)

    def as_json(self) -> Json:
        """An element of PublicKeyList, as the AWS CLI prints it."""
        return {
            "Value": base64.b64encode(self.der).decode(),
            "ValidityStartTime": self.since.isoformat(),
            "ValidityEndTime": self.until.isoformat(),
            "Fingerprint": self.fingerprint,
        }


@dataclass
class Made:
    """
    A bucket with one trail in it.

    Args:
        name: Of the case: makes bucket, trail and fingerprint its own.
        organization: `o-…` for an organization's trail.
        objects: Stored bytes by key.
        metadata: User-defined metadata by key.
        labels: `digest 3`, `log 3.1`, `backfill 2` by key.
        keys: What ListPublicKeys answers.
    """

    name: str
    organization: str = ""
    prefix: str = ""
    trail: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bucket = f"trail-{self.name}"
        self.trail = self.trail or f"t_{self.name}"
        self.fingerprint = hashlib.sha256(self.name.encode()).hexdigest()[:32]
        self.keys = self.keys or [Key(self.fingerprint)]

    @property
    def root(self) -> str:
        """Key prefix of the account."""
        return f"{self.prefix}AWSLogs/{self.organization + '/' if self.organization else ''}{ACCOUNT}"

    @property
    def arn(self) -> str:
        """The trail's."""
        return f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{self.trail}"

    def key(self, label: str) -> str:
        """Key of `digest 3`, `log 3.1` or `backfill 2`."""
        (found,) = [key for key, told in self.labels.items() if told == label]
        return found

    def digest_key(self, end: datetime, *, backfill: bool = False) -> str:
        """Where a digest lies."""
        name = f"{ACCOUNT}_CloudTrail-Digest_{REGION}_{self.trail}_{REGION}_{end:%Y%m%dT%H%M%SZ}"
        return f"{self.root}/CloudTrail-Digest/{REGION}/{end:%Y/%m/%d}/{name}{'_backfill' if backfill else ''}.json.gz"

    def add_log(self, hour: int, number: int, body: bytes | None = None) -> Json:
        """Deliver a log file in an hour, counted from 1; gives its entry in a digest."""
        at = FIRST + (hour - 1) * HOUR + timedelta(minutes=7 * number)
        if body is None:
            body = trail(record(100 * hour + number, at=at - timedelta(minutes=4)))
        name = f"{ACCOUNT}_CloudTrail_{REGION}_{at:%Y%m%dT%H%MZ}_{abs(hour):08d}{number:08d}.json.gz"
        key = f"{self.root}/CloudTrail/{REGION}/{at:%Y/%m/%d}/{name}"
        self.objects[key] = gzip.compress(body, mtime=0)
        self.labels[key] = f"log {hour}.{number}"
        return {
            "s3Bucket": self.bucket,
            "s3Object": key,
            "hashValue": hashlib.sha256(body).hexdigest(),
            "hashAlgorithm": "SHA-256",
            "newestEventTime": None,
            "oldestEventTime": None,
        }

    def add_digest(
        self,
        hour: int,
        files: list[Json],
        previous: str | None,
        *,
        backfill: bool = False,
        start: datetime | None = None,
        end: datetime | None = None,
        sign_with: int = 0,
        **fields: Any,
    ) -> str:
        """Deliver a signed digest of an hour, tied to a previous one by its key; gives its key."""
        end = end or FIRST + hour * HOUR
        key = self.digest_key(end, backfill=backfill)
        before = self.objects.get(previous or "")
        document = {
            "awsAccountId": ACCOUNT,
            "digestStartTime": _iso(start or end - HOUR),
            "digestEndTime": _iso(end),
            "digestS3Bucket": self.bucket,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": self.fingerprint,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": None,
            "oldestEventTime": None,
            "previousDigestS3Bucket": self.bucket if previous else None,
            "previousDigestS3Object": previous,
            "previousDigestHashValue": hashlib.sha256(gzip.decompress(before)).hexdigest() if before else None,
            "previousDigestHashAlgorithm": "SHA-256" if previous else None,
            "previousDigestSignature": self.metadata[previous]["signature"] if previous else None,
            "logFiles": files,
        } | fields
        self.labels[key] = f"{'backfill' if backfill else 'digest'} {hour}"
        self.store_digest(key, document, sign_with=sign_with)
        if backfill:
            self.metadata[key]["backfill-generation-timestamp"] = _iso(end + 3 * HOUR)
        return key

    def store_digest(self, key: str, document: Json, *, sign_with: int = 0) -> None:
        """Write a digest and sign it."""
        body = json.dumps(document, separators=(",", ":")).encode()
        self.objects[key] = gzip.compress(body, mtime=0)
        self.metadata[key] = {
            "signature": sign(document, f"{document['digestS3Bucket']}/{document['digestS3Object']}", body, sign_with),
            "signature-algorithm": "SHA256withRSA",
        }

    def chain(self, hours: int = HOURS, *, logs: int = 2, empty: tuple[int, ...] = (), sign_with: int = 0) -> Made:
        """A whole chain of hours 1 to `hours`."""
        previous = None
        for hour in range(1, hours + 1):
            files = [self.add_log(hour, number) for number in range(1, logs + 1)] if hour not in empty else []
            previous = self.add_digest(hour, files, previous, sign_with=sign_with)
        return self

    # What can be done to them.

    def content(self, label: str) -> bytes:
        """Uncompressed bytes."""
        return gzip.decompress(self.objects[self.key(label)])

    def change(self, label: str, change: Callable[[bytes], bytes]) -> None:
        """Change the uncompressed bytes of an object."""
        self.objects[self.key(label)] = gzip.compress(change(self.content(label)), mtime=0)

    def change_stored(self, label: str, change: Callable[[bytes], bytes]) -> None:
        """Change the stored bytes of an object."""
        key = self.key(label)
        self.objects[key] = change(self.objects[key])

    def edit(self, label: str, *, without: str = "", **fields: Any) -> None:
        """Change fields of a digest's JSON without signing it anew."""
        document = json.loads(self.content(label)) | fields
        document.pop(without, None)
        self.change(label, lambda _: json.dumps(document, separators=(",", ":")).encode())

    def delete(self, *labels: str) -> None:
        """Delete objects."""
        for label in labels:
            key = self.key(label)
            self.objects.pop(key)
            self.metadata.pop(key, None)

    def move(self, label: str, key: str) -> None:
        """Move an object to another key."""
        old = self.key(label)
        self.objects[key] = self.objects.pop(old)
        if old in self.metadata:
            self.metadata[key] = self.metadata.pop(old)

    def swap(self, one: str, other: str) -> None:
        """Swap two objects' bytes."""
        here, there = self.key(one), self.key(other)
        self.objects[here], self.objects[there] = self.objects[there], self.objects[here]

    def write(self, folder: Path, *, signatures: str = "newest", flat: bool = False) -> Path:
        """
        Write a copy of the bucket to disk.

        Args:
            folder: Where.
            signatures: Which digests' metadata to save beside them: `newest`, `all` or `none`.
            flat: All files in one folder.
        """
        standard, backfill = (
            sorted(key for key in self.metadata if ("_backfill" in key) is is_backfill) for is_backfill in (False, True)
        )
        saved = {"newest": [*standard[-1:], *backfill[-1:]], "all": standard + backfill, "none": []}[signatures]
        for key, stored in self.objects.items():
            path = folder / (key.rpartition("/")[2] if flat else key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stored)
            if key in saved:
                told = {"ContentLength": len(stored), "Metadata": self.metadata[key]}
                path.with_name(f"{path.name}.metadata.json").write_text(json.dumps(told))
        return folder

    def write_keys(self, path: Path) -> Path:
        """Write the public keys as `aws cloudtrail list-public-keys` prints them."""
        path.write_text(json.dumps({"PublicKeyList": [key.as_json() for key in self.keys]}))
        return path


def sign(document: Json, place: str, body: bytes, which: int = 0) -> str:
    """A digest's signature, hex."""
    previous = document.get("previousDigestSignature")
    lines = (document["digestEndTime"], place, hashlib.sha256(body).hexdigest(), previous or "null")
    return private_key(which).sign("\n".join(lines).encode(), PKCS1v15(), SHA256()).hex()


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
