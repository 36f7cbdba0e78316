"""
Where digests and log files are looked for: in copies, in a bucket, or in a lake's ledger.

Every kind answers the same questions; `trailql.integrity.verify` does not know which one it asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trailql.integrity.digest import Place
from trailql.integrity.names import ChainName, DigestName
from trailql.integrity.stored import Stored
from trailql.sources.keys import KeyFacts


@dataclass(frozen=True, slots=True)
class SavedSignature:
    """
    A digest's own signature, which S3 keeps in the object's metadata.

    Args:
        value: Hex.
        algorithm: `SHA256withRSA`; empty where it was not saved.
        backfill_time: `backfill-generation-timestamp`, of backfill digests.
    """

    value: str
    algorithm: str = ""
    backfill_time: str = ""


@dataclass(frozen=True, slots=True)
class DigestCopy:
    """
    A digest file that is there.

    Args:
        name: What its name says.
        file: Its URI.
        place: Where it lies in S3, for an object in a bucket; None for a copy.
        version_tag: As the ledger has it.
    """

    name: DigestName
    file: str
    place: Place | None = None
    version_tag: str = ""


@dataclass(frozen=True, slots=True)
class LogCopy:
    """
    A log file that is there.

    Args:
        file: Its URI.
        facts: What its name says.
        version_tag: As the ledger has it.
    """

    file: str
    facts: KeyFacts
    version_tag: str = ""


@dataclass(frozen=True, slots=True)
class ReadDigest:
    """A digest file's bytes and its own signature, None where there is none."""

    stored: Stored
    signature: SavedSignature | None


class Evidence(Protocol):
    """
    A place that holds digests and log files.

    Args:
        is_bucket: Objects lie at their own keys, as CloudTrail stored them, with their metadata.
    """

    is_bucket: bool

    def digests(self) -> Iterable[DigestCopy]:
        """All digest files there are."""

    def find_digest(self, place: Place) -> list[DigestCopy]:
        """Copies of the digest that CloudTrail put there."""

    def read_digest(self, copy: DigestCopy) -> ReadDigest | None:
        """
        Its content and signature; None when it is not there after all.

        Raises:
            BadLogFile: It cannot be read.
        """

    def begin(self, chain: ChainName) -> None:
        """Log files of a chain will be asked for next."""

    def find_logs(self, places: Sequence[Place]) -> list[list[LogCopy]]:
        """For each place in S3, the copies of the log file that CloudTrail put there."""

    def read_log(self, copy: LogCopy) -> Stored | None:
        """
        Its content's hash; None when it is not there after all. May be called from several threads.

        Raises:
            BadLogFile: It cannot be read.
        """

    def homes(self) -> Iterable[tuple[str, str]]:
        """Accounts and Regions of which there are log files."""

    def logs(self, account: str, region: str, since: datetime | None, until: datetime | None) -> Iterator[LogCopy]:
        """All log files of an account and Region that were delivered in `since <= t < until`, by their names."""
