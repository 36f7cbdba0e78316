"""What every source hands on: log files, each with its name, its size and a way to open it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from trailql.sources.keys import KeyFacts


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
    """

    uri: str
    size_bytes: int
    version_tag: str
    open: Callable[[], BinaryIO]
    facts: KeyFacts = field(default_factory=KeyFacts)
    skip: str = ""
    problem: str = ""

    def __post_init__(self) -> None:
        # A file name is bytes and need not be text; its URI is.
        object.__setattr__(self, "uri", self.uri.encode("utf-8", "backslashreplace").decode())

    @property
    def order(self) -> tuple[str, str]:
        """Delivery minute, then name: the order that keeps a batch within a day or two."""
        delivered = self.facts.delivered_at
        return (delivered.isoformat() if delivered else "", self.uri)
