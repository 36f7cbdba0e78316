"""What every source hands on: log files, each with its name, its size and a way to open it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO

from trailql.sources.keys import KeyFacts


@dataclass(frozen=True, slots=True)
class Earlier:
    """
    What the ledger says of an earlier content of the same URI.

    Args:
        size_bytes: Its size as stored.
        version_tag: Its modification time, CRC or ETag.
        sha256_stored: Its hash, hex.
        ingested_at: When it was read, UTC.
    """

    size_bytes: int
    version_tag: str
    sha256_stored: str
    ingested_at: datetime

    def differs_from(self, sha256_stored: str | None) -> bool:
        """Whether the content is another one, not only touched or uploaded again."""
        return bool(sha256_stored) and sha256_stored != self.sha256_stored

    def in_words(self) -> str:
        """For the ledger and the user."""
        return (
            f"changed in place: was {self.size_bytes:,} bytes, SHA-256 {self.sha256_stored}, "
            f"when read at {self.ingested_at:%Y-%m-%dT%H:%M:%SZ}"
        )


@dataclass(frozen=True, slots=True)
class LogFile:
    """
    One object that may be a CloudTrail log file.

    Args:
        uri: Its name for good: an absolute path, `archive!/member`, or an S3 URI.
        size_bytes: Size as stored.
        version_tag: What changes when the object does: modification time in nanoseconds, CRC, or ETag.
        open: Opens the stored bytes for reading.
        facts: What the path and the file name say.
        skip: Why it will not be read; empty for a candidate.
        problem: Why it cannot be read at all (a broken link, say); empty for a candidate.
        is_remote: Whether opening it waits for a network.
        is_plain: Whether `trailql.sources.local.plain_log_file` makes it again of its URI, size and version tag.
        earlier: What the ledger holds of another version of it.
    """

    uri: str
    size_bytes: int
    version_tag: str
    open: Callable[[], BinaryIO]
    facts: KeyFacts = field(default_factory=KeyFacts)
    skip: str = ""
    problem: str = ""
    is_remote: bool = False
    is_plain: bool = False
    earlier: Earlier | None = None

    def __post_init__(self) -> None:
        # A file name is bytes and need not be text; its URI is.
        if not self.uri.isascii():
            object.__setattr__(self, "uri", self.uri.encode("utf-8", "backslashreplace").decode())

    def with_earlier(self, earlier: Earlier) -> LogFile:
        """The same log file, with what the ledger holds of another version of it."""
        return replace(self, earlier=earlier)

    def opened_by(self, opener: Callable[[], BinaryIO]) -> LogFile:
        """The same log file, its bytes from elsewhere."""
        return replace(self, open=opener)
