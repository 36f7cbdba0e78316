"""Answers longer than the screen, a screen at a time."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_USUAL = ("less", "-RSFX")


def show(text: str) -> None:
    """
    Write text to the terminal, through $PAGER or less when it is longer than the screen.

    The text reaches the pager on its standard input; no shell sees any of it. It must be harmless already.
    """
    screen = shutil.get_terminal_size().lines
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or text.count("\n") < screen - 1:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    command = _pager()
    if command is None:
        _by_hand(text, screen)
        return
    with _deaf_to_ctrl_c():
        try:
            pager = subprocess.Popen(  # noqa: S603 - the user's own $PAGER, and no shell
                command, stdin=subprocess.PIPE, env={"LESS": "RSFX", **os.environ}
            )
        except OSError:
            _by_hand(text, screen)
            return
        assert pager.stdin
        with suppress(BrokenPipeError):
            pager.stdin.write(text.encode())
        with suppress(BrokenPipeError):
            pager.stdin.close()
        pager.wait()


def _pager() -> list[str] | None:
    with suppress(ValueError):
        chosen = shlex.split(os.environ.get("PAGER", ""))
        if chosen and shutil.which(chosen[0]):
            return chosen
    return list(_USUAL) if shutil.which(_USUAL[0]) else None


def _by_hand(text: str, screen: int) -> None:
    lines = text.splitlines(keepends=True)
    page = max(screen - 1, 1)
    for begin in range(0, len(lines), page):
        sys.stdout.writelines(lines[begin : begin + page])
        sys.stdout.flush()
        left = len(lines) - begin - page
        if left <= 0:
            break
        try:
            answer = input(f"-- {left:,} more lines: Enter goes on, q ends --")
        except (EOFError, KeyboardInterrupt):
            print()
            break
        if answer.strip().lower().startswith("q"):
            break


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ctrl-C is the pager's while it runs; it gets the usual handling, not ours."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
