"""
Everything trailql raises on purpose, each with the exit code the command line ends with.

    TrailqlError            base: something the user can act on      2
    ├── UsageError          an option or argument is wrong           2
    ├── BadLogFile          one log file cannot be read              3  (ingest catches it, counts it, goes on)
    │   └── Unreadable      its bytes could not be had; tried again  3
    ├── SourceError         the place the logs lie in is unreadable  4
    ├── LakeError           no lake there, or not one of ours        5
    ├── QueryError          the SQL cannot run                       6
    ├── DetectionError      a detection file is malformed            7
    ├── OutputError         the answer cannot be written             8
    ├── BusyError           another round of the hunt is at work     9
    └── SinkError           an alert cannot be delivered             3  (the outbox keeps it, and tries again)

Exit code 1 is kept for "it ran, and what was asked about is so" (`--fail-on` was met, `verify` found something
invalid), 0 for "it ran".
"""

from __future__ import annotations

from collections.abc import Iterable

_NAMED = 8


def some_of(names: Iterable[str]) -> str:
    """The first few names in order, for a message, and how many more there are."""
    found = sorted(set(names))
    more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


class TrailqlError(Exception):
    """
    Base of every error a user can act on.

    Args:
        message: What happened, in one sentence.
        at: Where: an S3 URI, a path, or path:line.
        hint: What to try next, as a command where there is one.
    """

    exit_code = 2

    def __init__(self, message: str, *, at: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.at}: {self.message}" if self.at else self.message


class UsageError(TrailqlError):
    """An option or argument that cannot be meant."""

    exit_code = 2


class BadLogFile(TrailqlError):
    """
    One log file that cannot be read: not gzip, not JSON, no container we know, too large.

    Ingest catches this one class, records the file as rejected with the reason and goes on with the next.
    """

    exit_code = 3


class Unreadable(BadLogFile):
    """A log file whose bytes could not be had, so that nothing is known of its content; the next ingest tries again."""


class SourceError(TrailqlError):
    """The place the log files should lie in does not exist or cannot be listed."""

    exit_code = 4


class LakeError(TrailqlError):
    """No lake at that path, a folder that is something else, or a lake of a newer layout."""

    exit_code = 5


class QueryError(TrailqlError):
    """SQL that does not parse, does not bind, is not allowed, or failed while running."""

    exit_code = 6


class DetectionError(TrailqlError):
    """A detection file whose header or SQL is malformed; `at` names file and line."""

    exit_code = 7


class OutputError(TrailqlError):
    """The answer is there and has nowhere to go: the disk is full, or standard output is closed."""

    exit_code = 8


class BusyError(TrailqlError):
    """Something else does the same work right now; nothing was done."""

    exit_code = 9


class SinkError(TrailqlError):
    """
    An alert that a sink did not take.

    Args:
        message: What happened, without anything secret.
        at: The sink's name.
        hint: What to try.
        retry_after: Seconds the sink asked to be left alone for.
        is_alert: The sink refused this very alert, and may take others.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        at: str | None = None,
        hint: str | None = None,
        retry_after: float | None = None,
        is_alert: bool = False,
    ) -> None:
        super().__init__(message, at=at, hint=hint)
        self.retry_after = retry_after
        self.is_alert = is_alert
