"""How far a running query is: a line on stderr that goes again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_AFTER_SECONDS = 1.0
_EVERY_SECONDS = 0.2


@contextmanager
def query_progress(quiet: bool = False) -> Iterator[Callable[[float], None] | None]:
    """
    Show how much of a query is done and how long it has taken, when it takes more than a second.

    Only where stderr is a terminal; the line is gone before the answer is printed.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    begun = time.monotonic()
    shown = 0.0

    def show(share: float) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - begun < _AFTER_SECONDS or now - shown < _EVERY_SECONDS:
            return
        shown = now
        done = f"{share:4.0%} done, " if share > 0 else ""
        print(f"\r\033[K{done}{now - begun:.0f} s, Ctrl-C cancels", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        if shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
