"""
The public keys CloudTrail's digest files are signed with, as `aws cloudtrail list-public-keys` prints them.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListPublicKeys.html
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from trailql.errors import SourceError, UsageError

SIGNED_WITHIN = timedelta(hours=2)
"""How long after its hour a digest is signed at most; the AWS CLI asks for keys of so much longer as well."""
_MOST_FILE_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class PublicKey:
    """
    A public key of CloudTrail's in one Region.

    Args:
        fingerprint: As the digests name it; not computed from the key.
        value: DER, an RSAPublicKey (PKCS #1) or a SubjectPublicKeyInfo.
        since, until: When digests were signed with it; None where that is not told.
        region: Whose; empty where the file does not say.
    """

    fingerprint: str
    value: bytes
    since: datetime | None = None
    until: datetime | None = None
    region: str = ""

    def is_of(self, region: str) -> bool:
        """Whether it may sign a Region's digests."""
        return not self.region or self.region == region

    def is_in_use(self, end: datetime) -> bool:
        """Whether a digest whose hour ends then can have been signed with it."""
        return (self.until is None or end <= self.until) and (self.since is None or end + SIGNED_WITHIN >= self.since)


class PublicKeys:
    """Public keys, by fingerprint."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._by_fingerprint: dict[str, list[PublicKey]] = {}
        for key in keys:
            known = self._by_fingerprint.setdefault(key.fingerprint, [])
            if key not in known:
                known.append(key)

    def __iter__(self) -> Iterator[PublicKey]:
        return (key for keys in self._by_fingerprint.values() for key in keys)

    def find(self, fingerprint: str, region: str) -> list[PublicKey]:
        """The keys of that fingerprint, those of the Region."""
        return [key for key in self._by_fingerprint.get(fingerprint, ()) if key.is_of(region)]

    def cover(self, region: str, end: datetime) -> bool:
        """Whether there is any key for that Region and hour, so that a fingerprint nobody knows is suspicious."""
        return any(key.is_of(region) and key.is_in_use(end) for key in self)


def load_public_keys(path: Path) -> PublicKeys:
    """
    Read keys from a file.

    Args:
        path: `aws cloudtrail list-public-keys` output, `trailql keys save` output, or a JSON list of such documents.

    Raises:
        SourceError: It cannot be read.
        UsageError: It holds something else.
    """
    hint = "trailql keys save keys.json --region eu-west-1"
    try:
        if path.stat().st_size > _MOST_FILE_BYTES:
            raise UsageError("too large for a file of public keys", at=str(path), hint=hint)
        text = path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read: {(error.strerror or str(error)).lower()}", at=str(path)) from error
    try:
        document = json.loads(text)
        documents = document if isinstance(document, list) else [document]
        return PublicKeys([key for each in documents for key in _keys_of(each)])
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        message = "not what `aws cloudtrail list-public-keys` prints"
        raise UsageError(message, at=str(path), hint=hint) from error


def save_public_keys(keys: Iterable[PublicKey], path: Path) -> int:
    """
    Keep keys in a file, together with those it holds already; returns how many it holds then.

    Raises:
        UsageError: The file holds something else, or cannot be written.
    """
    before = load_public_keys(path) if path.exists() else PublicKeys(())
    together = sorted(
        PublicKeys([*before, *keys]), key=lambda key: (key.region, _iso(key.since) or "", key.fingerprint)
    )
    text = json.dumps({"PublicKeyList": [_as_json(key) for key in together]}, indent=2) + "\n"
    aside = path.with_name(f"{path.name}.unfinished")
    try:
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, path)
    except OSError as error:
        raise UsageError(f"cannot be written: {(error.strerror or str(error)).lower()}", at=str(path)) from error
    return len(together)


def key_from_api(entry: dict[str, Any], region: str) -> PublicKey:
    """A key as boto3 hands it on."""
    return PublicKey(
        fingerprint=entry["Fingerprint"],
        value=_der(entry["Value"]),
        since=_time(entry.get("ValidityStartTime")),
        until=_time(entry.get("ValidityEndTime")),
        region=region,
    )


def _keys_of(document: Any) -> Iterator[PublicKey]:
    for entry in document["PublicKeyList"]:
        region = entry.get("Region") or document.get("Region") or ""
        yield key_from_api(entry, str(region))


def _as_json(key: PublicKey) -> dict[str, Any]:
    return {
        "Value": base64.b64encode(key.value).decode(),
        "ValidityStartTime": _iso(key.since),
        "ValidityEndTime": _iso(key.until),
        "Fingerprint": key.fingerprint,
        "Region": key.region,
    }


def _der(value: str | bytes) -> bytes:
    """DER, from base64 text, base64 bytes, or DER as it is."""
    if isinstance(value, bytes) and value[:1] == b"\x30":
        return value
    text = value.encode() if isinstance(value, str) else value
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("a key is neither DER nor base64") from error


def _time(value: Any) -> datetime | None:
    """A time as boto3 (datetime), the AWS CLI (ISO text, or seconds in version 1) and we write it."""
    if value is None or isinstance(value, datetime):
        moment = value
    elif isinstance(value, int | float):
        moment = datetime.fromtimestamp(value, UTC)
    else:
        moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
