"""Patterns of dates and times: MySQL's and Joda's letters in those of DuckDB's strftime."""

from __future__ import annotations

import re

from trailql.errors import QueryError

_MYSQL = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I", "I": "%I", "i": "%M",
    "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "r": "%I:%M:%S %p", "S": "%S", "s": "%S",
    "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G", "Y": "%Y", "y": "%y", "%": "%%",
}  # fmt: skip
_JODA = {
    "yyyy": "%Y", "YYYY": "%Y", "y": "%Y", "Y": "%Y", "yy": "%y", "YY": "%y", "MM": "%m", "M": "%-m",
    "MMM": "%b", "MMMM": "%B",
    "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M",
    "ss": "%S", "s": "%-S", "SSS": "%g", "SSSSSS": "%f", "a": "%p", "E": "%a", "EE": "%a", "EEE": "%a", "EEEE": "%A",
    "DDD": "%j", "D": "%-j", "xxxx": "%G", "ww": "%V", "e": "%u", "Z": "%z", "ZZ": "%z", "z": "%Z",
}  # fmt: skip
_UTC = {"Z": "+0000", "ZZ": "+00:00", "ZZZ": "UTC", "z": "UTC"}
_JODA_PIECES = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")


def from_mysql(pattern: str, *, parsing: bool = False) -> str:
    """
    A pattern of `date_format` and `date_parse`.

    Raises:
        QueryError: A letter that DuckDB cannot write.
    """
    found = ""
    place = 0
    while place < len(pattern):
        letter = pattern[place]
        if letter != "%":
            found += letter
            place += 1
            continue
        follows = pattern[place + 1 : place + 2]
        known = _MYSQL.get(follows)
        if known is None and follows and not follows.isalpha():
            known = follows
        if known is None:
            raise QueryError(f"the time pattern %{follows} is not supported", hint="%Y-%m-%d %H:%i:%s")
        found += known.replace("%-", "%") if parsing else known
        place += 2
    return found


def from_joda(pattern: str, *, parsing: bool = False, zone: str = "") -> str:
    """
    A pattern of `format_datetime` and `parse_datetime`.

    Args:
        pattern: With Joda's letters.
        parsing: For reading.
        zone: SQL of the zone that is shown; UTC when empty.

    Raises:
        QueryError: Letters that DuckDB cannot write.
    """
    found = ""
    for piece in _JODA_PIECES.finditer(pattern):
        if not parsing and piece[0] in _UTC:
            if zone not in {"", "'UTC'"}:
                raise QueryError(f"the time pattern {piece[0]} is not supported in another zone", hint="without it")
            found += _UTC[piece[0]]
            continue
        if piece[1] is not None:
            found += (piece[1].replace("''", "'") or "'").replace("%", "%%")
        elif piece[2]:
            known = _JODA.get(piece[0])
            if known is None:
                raise QueryError(f"the time pattern {piece[0]} is not supported", hint="yyyy-MM-dd HH:mm:ss")
            found += known.replace("%-", "%") if parsing else known
        else:
            found += piece[0].replace("%", "%%")
    return found
