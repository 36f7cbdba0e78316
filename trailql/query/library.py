"""
The bundled SQL files: questions by name, each with its header.

A file is SQL that an analyst can read and run; its header says what it is:

    -- title: Failed console sign-ins
    -- parameter: minutes INTEGER = 15  length of the window
    SELECT … WHERE … to_minutes($minutes)

The id is the path: `queries/signin/failed_console_logins.sql` is `signin.failed_console_logins`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from trailql.errors import DetectionError, UsageError

HEADER_LINE = re.compile(r"^-- (?P<key>[a-z_&]+(?: [a-z]+)*):\s*(?P<value>.*)$")
CONTINUED_LINE = re.compile(r"^--\s{2,}(?P<value>\S.*)$")
_PARAMETER = re.compile(r"^(?P<name>[a-z_]+) (?P<type>[A-Z]+) = (?P<default>\S+)(?:\s+(?P<meaning>.*))?$")


def _time(text: str) -> str:
    datetime.fromisoformat(text.strip())
    return text.strip()


_TYPES: dict[str, Callable[[str], Any]] = {"INTEGER": int, "DOUBLE": float, "TEXT": str, "TIME": _time}
_MEANT = {"INTEGER": "a whole number", "DOUBLE": "a number", "TEXT": "text", "TIME": "a date or time, as 2026-10-01"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A `$name` of a bundled file that may be changed: its type (INTEGER, DOUBLE, TEXT, TIME), default and meaning."""

    name: str
    type: str
    default: Any
    meaning: str

    def read(self, text: str) -> Any:
        """
        A value given as text.

        Raises:
            UsageError: It is no value of this type.
        """
        try:
            return _TYPES[self.type](text)
        except ValueError as error:
            message = f"--param {self.name}={text}: not {_MEANT[self.type]}"
            raise UsageError(message, hint=f"--param {self.name}={self.default}") from error


@dataclass(frozen=True, slots=True)
class SqlFile:
    """
    A bundled SQL file.

    Args:
        id: `<folder>.<name>`.
        path: Where it lies.
        header: Header keys to values, without the parameters.
        parameters: In the order of the header.
        sql: The text below the header.
    """

    id: str
    path: Path
    header: Mapping[str, str]
    parameters: tuple[Parameter, ...]
    sql: str
    bundled: bool = field(default=True)

    @property
    def title(self) -> str:
        return self.header.get("title", self.id)

    @property
    def is_detection(self) -> bool:
        """Detections have a severity; the other files only answer a question."""
        return "severity" in self.header

    def values(self, given: Mapping[str, str]) -> dict[str, Any]:
        """
        The parameters' values: the defaults, changed by what was given as text.

        Raises:
            UsageError: A name the file does not have, or a value of the wrong type.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                offered = ", ".join(known) or "none"
                raise UsageError(f"{self.id} has no parameter {name!r}", hint=f"its parameters: {offered}")
        return {name: known[name].read(given[name]) if name in given else known[name].default for name in known}

    def values_over_all(self, given: Mapping[str, str]) -> dict[str, Any]:
        """The same for a question over all the lake's time; a detection is told so by its `$since` and `$until`."""
        values = self.values(given)
        if self.is_detection:
            values |= {"since": datetime(1970, 1, 1, tzinfo=UTC), "until": datetime(9999, 1, 1, tzinfo=UTC)}
        return values


def queries_folder() -> Path:
    """The folder of bundled SQL: inside the installed package, or beside it in a checkout."""
    inside = Path(__file__).resolve().parents[1] / "queries"
    return inside if inside.is_dir() else inside.parents[1] / "queries"


@cache
def bundled_files() -> tuple[SqlFile, ...]:
    """Every bundled SQL file, by id."""
    return tuple(sorted(_files(queries_folder()), key=lambda file: file.id))


def did_you_mean(name: str, files: Iterable[SqlFile]) -> str:
    """`did you mean X? ` for a name that is none, or nothing when none is like it."""
    short = {file.id.split(".", 1)[1]: file.id for file in files}
    names = {**short, **{id: id for id in short.values()}}
    near = get_close_matches(name.lower(), names, 1, cutoff=0.6)
    return f"did you mean {near[0]}? " if near else ""


def find_bundled(name: str) -> SqlFile | None:
    """The bundled file with that id, or with that name when only one folder has it."""
    exact = [file for file in bundled_files() if file.id == name]
    named = exact or [file for file in bundled_files() if file.id.split(".", 1)[1] == name]
    return named[0] if len(named) == 1 else None


def read_sql_file(path: Path, *, id: str) -> SqlFile:
    """
    Read one SQL file and its header.

    Raises:
        DetectionError: It cannot be read, or a parameter line does not say name, type and default; `at` names file and
            line.
    """
    header: dict[str, str] = {}
    parameters: list[Parameter] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DetectionError(f"cannot be read: {error}", at=f"{path}:1") from error
    key = ""
    body = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    for number, line in enumerate(lines[:body], 1):
        if match := HEADER_LINE.match(line):
            key = match["key"]
            if key == "parameter":
                parameters.append(_parameter(match["value"], at=f"{path}:{number}"))
            else:
                header[key] = match["value"].strip()
        elif (match := CONTINUED_LINE.match(line)) and key and key != "parameter":
            header[key] = f"{header[key]} {match['value'].strip()}".strip()
    return SqlFile(id, path, header, tuple(parameters), "\n".join(lines[body:]).strip().rstrip(";"))


def _files(folder: Path) -> Iterator[SqlFile]:
    for path in folder.rglob("*.sql"):
        yield read_sql_file(path, id=".".join(path.relative_to(folder).with_suffix("").parts))


def _parameter(text: str, *, at: str) -> Parameter:
    match = _PARAMETER.match(text.strip())
    if match is None or match["type"] not in _TYPES:
        raise DetectionError("a parameter line reads: name TYPE = default  meaning", at=at)
    try:
        default = _TYPES[match["type"]](match["default"])
    except ValueError as error:
        message = f"the default of {match['name']} is not {_MEANT[match['type']]}: {match['default']}"
        raise DetectionError(message, at=at) from error
    return Parameter(match["name"], match["type"], default, match["meaning"] or "")
