"""
Who writes into a lake, and what a writer that was killed leaves behind.

A commit to one Delta table is all or nothing; an ingest makes several. Their files are all written before the first
commit, and every file's name begins with its batch, and that with its writer. So whoever comes next can finish what a
dead writer began: what belongs to a batch of which the first commit was made is committed too; the rest is deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

from trailql.errors import LakeError
from trailql.lake.lake import Lake, Snapshot, batch_of
from trailql.lake.parquet import written_file
from trailql.lake.storage import StoredFile
from trailql.schema import TABLES

_COMMITTED_AFTER = {
    "set_aside": ("events",),
    "aws_insights": ("events", "set_aside"),
    "files": ("events", "set_aside", "aws_insights"),
    "expired": ("events",),
    "findings": ("hunts",),
    "outbox": ("hunts",),
}
"""Tables whose rows speak of rows in others, which are committed before them."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A writer at work; its batches are numbered from 1."""

    name: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def batch(self) -> str:
        """A name for what is committed together, and part of its files' names."""
        return f"{self.name}-{next(self._numbers)}"


@dataclass(slots=True)
class Recovered:
    """What was left of dead writers: files whose commit was finished, and files that were deleted."""

    committed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)


@contextmanager
def writing(lake: Lake) -> Iterator[Writer]:
    """
    Write into a lake, after dead writers' work has been settled.

    Raises:
        LakeError: The lake cannot be written to.
    """
    recover(lake)
    writer = Writer(f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:12]}")
    with lake.storage.announce(writer.name) as note:
        try:
            yield writer
        except BaseException:
            note.stays = True
            with suppress(LakeError):
                _settle(lake, writer.name, Recovered())
                note.stays = False
            raise


def recover(lake: Lake) -> Recovered:
    """
    Finish or undo what dead writers began. Costs a listing of their notes when there is none.

    Raises:
        LakeError: The lake cannot be written to.
    """
    recovered = Recovered()
    for name in lake.storage.notes():
        with lake.storage.take_over(name) as is_dead:
            if is_dead:
                _settle(lake, name, recovered)
    return recovered


def finish_after(lake: Lake, leader: str) -> Recovered:
    """
    Commit what belongs to commits that were made to a table, whoever made them, and delete nothing.

    For whoever knows by other means than notes that the one before is dead: in S3 a note is believed for half an hour.
    Should its writer live and commit too, it commits the same files, which changes nothing.

    Args:
        lake: The lake.
        leader: The table, one that others follow, such as `hunts`.

    Raises:
        LakeError: The lake cannot be written to.
    """
    recovered = Recovered()
    followers = [table for table, leaders in _COMMITTED_AFTER.items() if leader in leaders]
    _commit_followers(lake, {table: stray_files(lake, table) for table in followers}, recovered)
    return recovered


def stray_files(lake: Lake, table: str) -> list[StoredFile]:
    """Files in a table's folder that are not, and never were, part of the table: someone's work in hand, or left."""
    snapshot = lake.snapshot(table)
    known = {part.path for part in snapshot.parts} | snapshot.dead_files()
    return [each for each in lake.storage.files(table) if each.path.removeprefix(f"{table}/") not in known]


def _settle(lake: Lake, writer: str, recovered: Recovered) -> None:
    left = {table: [each for each in stray_files(lake, table) if _is_by(each, writer)] for table in TABLES}
    _commit_followers(lake, left, recovered)
    for table in TABLES:
        for each in left[table]:
            if each.path not in recovered.committed:
                lake.storage.delete(each.path)
                recovered.deleted.append(each.path)


def _commit_followers(lake: Lake, left: Mapping[str, Sequence[StoredFile]], recovered: Recovered) -> None:
    for table, leaders in _COMMITTED_AFTER.items():
        for each in left.get(table, ()):
            batch = batch_of(each.path)
            if batch is None or not any(_holds(lake.snapshot(leader), batch) for leader in leaders):
                continue
            file = written_file(lake, table, each)
            lake.commit(table, [file], batch=batch)
            recovered.committed.append(each.path)


def _is_by(file: StoredFile, writer: str) -> bool:
    return (batch_of(file.path) or "").startswith(f"{writer}-")


def _holds(snapshot: Snapshot, batch: str) -> bool:
    return snapshot.delta is not None and snapshot.holds(batch)
