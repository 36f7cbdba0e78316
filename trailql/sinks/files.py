"""JSON Lines: on standard output, or at the end of a file."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trailql.errors import SinkError
from trailql.sinks.alert import Alert, as_json
from trailql.sinks.sink import Key, Kind, Sink


class _Stdout:
    def send(self, alert: Alert) -> None:
        sys.stdout.write(as_json(alert) + "\n")
        sys.stdout.flush()

    def close(self) -> None:
        return None


class _File:
    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path

    def send(self, alert: Alert) -> None:
        line = (as_json(alert) + "\n").encode()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if _is_torn(self._path):  # a line that somebody killed, or a full disk, has cut short
                    line = b"\n" + line
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SinkError(
                f"{self._path} cannot be written: {(error.strerror or str(error)).lower()}", at=self._name
            ) from error

    def close(self) -> None:
        return None


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _make_file(name: str, values: Mapping[str, Any]) -> Sink:
    return _File(name, values["path"])


STDOUT = Kind({}, lambda name, values: _Stdout())
FILE = Kind({"path": Key("path", "the file; lines are added at its end", is_needed=True)}, _make_file)
