"""What somebody types, cut into what can be run: SQL up to a `;`, dot commands, bundled queries by name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trailql.query.library import find_bundled

_SQL = re.compile(
    r"""
    [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)      # 'text' with backslashes
    | '(?:[^']|'')*(?:'|\Z)              # 'text'
    | "(?:[^"]|"")*(?:"|\Z)              # "name"
    | --[^\n]*                           # comment
    | /\*.*?(?:\*/|\Z)                   # comment
    | \$(\w*)\$.*?(?:\$\1\$|\Z)          # $$text$$
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"\s+|--[^\n]*(?:\n|\Z)|/\*.*?(?:\*/|\Z)", re.DOTALL)
_WORDS = frozenset({"help", "quit", "exit"})


class Reader:
    """
    Takes lines, and gives what can be run as soon as it is whole.

    A dot command and a bundled query's name, with `param=value` behind it, are whole at the end of their line; SQL is
    at a `;` outside of quotes and comments.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._is_waiting = False

    def feed(self, line: str) -> Iterator[str]:
        """What this line completes, without its `;`."""
        if not self._is_waiting and is_command(line):
            self._lines.clear()
            yield line.strip().rstrip(";").rstrip()
            return
        self._lines.append(line)
        if not self._is_waiting:
            self._is_waiting = not is_empty("\n".join(self._lines))
        if ";" in line:
            *whole, rest = _split("\n".join(self._lines))
            self._lines = [rest] if rest.strip() else []
            self._is_waiting = not is_empty(rest)
            yield from (text.strip() for text in whole if not is_empty(text))

    def rest(self) -> Iterator[str]:
        """What is left when nothing more comes."""
        if self._is_waiting:
            yield "\n".join(self._lines).strip()
        self._lines.clear()
        self._is_waiting = False

    @property
    def is_waiting(self) -> bool:
        """Whether there is the beginning of a statement."""
        return self._is_waiting


def is_whole(text: str) -> bool:
    """Whether Enter runs a text, instead of beginning another line of it."""
    reader = Reader()
    for line in text.split("\n"):
        list(reader.feed(line))
    return not reader.is_waiting


def is_command(line: str) -> bool:
    """Whether a line is a dot command, or a bundled query with its parameters."""
    words = line.strip().rstrip(";").split()
    if not words:
        return False
    if words[0].startswith(".") or (len(words) == 1 and words[0].lower() in _WORDS):
        return True
    return find_bundled(words[0]) is not None and all("=" in word for word in words[1:2])


def is_empty(text: str) -> bool:
    """Whether a text is nothing but white space and comments."""
    return not _COMMENT.sub("", text)


def _split(text: str) -> list[str]:
    """The text between the `;` that end statements."""
    parts, begin = [], 0
    for match in _SQL.finditer(text):
        if match["end"]:
            parts.append(text[begin : match.start()])
            begin = match.end()
    return [*parts, text[begin:]]
