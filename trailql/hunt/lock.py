"""One round of a hunt at a time, on whatever machine; a killed one leaves nothing behind that would stop the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trailql.errors import BusyError
from trailql.lake.lake import Lake


@contextmanager
def alone(lake: Lake, hunt: str) -> Iterator[bool]:
    """
    Be the only round of a hunt on a lake.

    A lake on disk has a lock that the system takes back when the process ends, however it ends. A lake in S3 has a
    lease of five minutes that is renewed every minute; after a crash the next round waits for its end. Should both fail
    (a process that was stopped for longer than its lease), the commit of the round does not get through.

    Gives whether the round before was killed.

    Raises:
        BusyError: Another round is at work.
    """
    with lake.storage.hold(f"hunt-{hunt}") as held:
        if not held.is_ours:
            hint = "it ends by itself; in S3, after a crash, five minutes later"
            raise BusyError(f"another round of the hunt {hunt} is at work", at=lake.root, hint=hint)
        yield held.after_crash
