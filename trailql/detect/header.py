"""The header of a detection's file, line by line: what a key may be called and where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from trailql.detect.catalog import NEEDED
from trailql.query.library import CONTINUED_LINE, HEADER_LINE

KEYS = (*NEEDED, "cis", "false positives", "response", "lookback", "parameter")
ATTACK_ID = re.compile(r"T\d{4}(\.\d{3})?", re.ASCII)
CIS_ID = re.compile(r"4\.(1[0-6]|[1-9])", re.ASCII)
_LOOKS_LIKE_A_KEY = re.compile(r"^--\s*([A-Za-z_& -]+):")


def header_lines(lines: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The keys of the header and the lines they stand at."""
    for number, line in enumerate(_header(lines), 1):
        if match := HEADER_LINE.match(line):
            yield match["key"], number


def header_remarks(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Keys that are missing, empty, unknown, twice, or not read because of how the line is written."""
    header = _header(lines)
    first: dict[str, int] = {}
    for number, line in enumerate(header, 1):
        match = HEADER_LINE.match(line)
        if match and match["key"] in KEYS:
            key = match["key"]
            if key in first and key != "parameter":
                yield number, f"{key} stands twice, first at line {first[key]}, which is lost"
            first[key] = number
            continues = number < len(header) and CONTINUED_LINE.match(header[number])
            if not match["value"].strip() and not continues:
                yield number, f"{key} is empty"
        elif match:
            yield number, f"unknown key {match['key']!r}{_near(match['key'])}"
        elif not (CONTINUED_LINE.match(line) and first):
            yield number, _not_read(line)
    for key in NEEDED:
        if key not in first:
            yield 1, f"the header has no {key!r}"
    for number, line in enumerate(lines[len(header) :], len(header) + 1):
        match = HEADER_LINE.match(line)
        if match and match["key"] in KEYS:
            yield number, f"{match['key']} stands below the header, which ended at line {len(header)}, and is not read"


def _header(lines: Sequence[str]) -> list[str]:
    end = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return list(lines[:end])


def _not_read(line: str) -> str:
    found = _LOOKS_LIKE_A_KEY.match(line)
    near = _near(found[1].strip().lower()) if found else ""
    return f"not read: {line!r} is neither '-- key: value' nor goes on with '--   '{near}"


def _near(key: str) -> str:
    near = get_close_matches(key, KEYS, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(KEYS)}"
