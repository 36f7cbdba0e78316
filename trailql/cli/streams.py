"""Standard output that says what is wrong with it: a reader that has gone, a full disk, a closed descriptor."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trailql.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class ReaderGone(Exception):
    """Whoever read our output (head, less) has seen enough."""


class _Out(io.FileIO):
    """Writes to standard output; what fails here is known to be no file of the lake."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise ReaderGone from None
        except OSError as error:
            closed = error.errno == errno.EBADF
            message = "is closed" if closed else f"cannot be written: {(error.strerror or str(error)).lower()}"
            raise OutputError(message, at="standard output") from error


def watch_stdout() -> None:
    """
    Replace `sys.stdout` by one whose failures are `ReaderGone` and `OutputError`, whoever writes to it.

    A closed standard output fails when something is written to it. Its number is taken, so that no file opened later
    gets it, and with it what libraries print.
    """
    if sys.stdout is None:
        number = os.open(os.devnull, os.O_RDONLY)
        if number != 1:
            os.dup2(number, 1)
            os.close(number)
        encoding, is_terminal = "utf-8", False
    else:
        sys.stdout.flush()
        encoding, is_terminal = sys.stdout.encoding, sys.stdout.isatty()
    raw = _Out(1, "wb", closefd=False)
    buffer = io.BufferedWriter(raw, 64 * 1024)
    sys.stdout = io.TextIOWrapper(buffer, encoding, errors="backslashreplace", line_buffering=is_terminal)


@contextmanager
def as_far_as_read() -> Iterator[None]:
    """Goes on when the reader has gone: for commands whose exit code is a verdict."""
    try:
        yield
    except ReaderGone:
        drop_stdout()


def drop_stdout() -> None:
    """What is still to be written goes nowhere, so that Python does not complain about it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
