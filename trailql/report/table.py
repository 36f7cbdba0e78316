"""
Rows for eyes: columns under their names, or one record below the other.

What does not fit is cut so that the telling part stays: the end of an ARN, a URI or a path, both ends of an id, the
beginning of a sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import Any

from trailql.report.text import as_text, visible

NULL = "NULL"
_GAP = 2
_LEAST = 8
_LONG = 40
"""Text of more columns gives way before all other."""
_SAMPLE = 1000
"""Rows whose values tell what a column is."""
_ENDS_TELL = re.compile(r"arn:|[a-z][a-z0-9+.-]*://|[/~.]+/?\w", re.IGNORECASE)


def table_text(
    names: Sequence[str],
    values: Sequence[Sequence[Any]],
    *,
    width: int | None,
    whole: Collection[str] = (),
    null: str = "",
) -> str:
    """
    Columns under their names, numbers to the right, the widest columns cut with … where the width asks for it.

    Args:
        names, values: Heads and rows.
        width: The columns it has to fit into.
        whole: Names of columns that are never cut, because their values are copied.
        null: How a null is written.
    """
    cells = [[visible(shown(value, null)) for value in row] for row in values]
    heads = [visible(name) for name in names]
    widths = [max([cells_of(head), *(cells_of(row[i]) for row in cells)]) for i, head in enumerate(heads)]
    if width:
        room = width - _GAP * (len(heads) - 1)
        for bounds in _bounds(names, heads, values, widths, whole):
            widths = _fit(widths, bounds, room)
    right = [_are_numbers([row[i] for row in values]) for i in range(len(heads))]
    lines = [_line(heads, widths, right), (" " * _GAP).join("─" * each for each in widths)]
    lines += [_line(row, widths, right) for row in cells]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def fits(names: Sequence[str], values: Sequence[Sequence[Any]], width: int) -> bool:
    """Whether the columns can stand beside each other in that width and still tell something."""
    gaps = _GAP * (len(names) - 1)
    if len(names) * 2 + gaps > width:
        return False
    heads = [visible(name) for name in names]
    longest = [max([cells_of(head), *(len(shown(row[i], NULL)) for row in values)]) for i, head in enumerate(heads)]
    *_, least = _bounds(names, heads, values, longest, ())
    return sum(map(min, least, longest)) + gaps <= width


def _bounds(
    names: Sequence[str],
    heads: Sequence[str],
    values: Sequence[Sequence[Any]],
    widths: Sequence[int],
    whole: Collection[str],
) -> Iterator[list[int]]:
    """
    How narrow each column may become, in the order in which they give way.

    First long text, then all text to 24 columns, then to its head, and to 8. Numbers and times are not cut: what is
    left of them would be another number.
    """
    sample = values[:_SAMPLE]
    texts = [
        name not in whole and any(isinstance(row[i], str | dict | list | bytes) for row in sample)
        for i, name in enumerate(names)
    ]
    long = [is_text and size > _LONG for is_text, size in zip(texts, widths, strict=True)]
    head_sizes = [min(cells_of(head), 24) for head in heads]
    yield [_LONG if gives else size for gives, size in zip(long, widths, strict=True)]
    yield [max(head, 16) if gives else size for head, gives, size in zip(head_sizes, long, widths, strict=True)]
    yield [max(head, 24) if gives else size for head, gives, size in zip(head_sizes, texts, widths, strict=True)]
    yield [max(head, 12) if gives else size for head, gives, size in zip(head_sizes, texts, widths, strict=True)]
    yield [_LEAST if gives else size for gives, size in zip(texts, widths, strict=True)]


def records_text(names: Sequence[str], values: Sequence[Sequence[Any]], *, width: int | None, null: str = NULL) -> str:
    """
    One record below the other: a line for each column, JSON laid out, long text folded, nothing cut.

    Args:
        names, values: Names and rows.
        width: The columns to fold into; None leaves lines as long as they are.
        null: The word before the names of the columns that are null, which share the record's last line.
    """
    heads = [visible(name) for name in names]
    margin = min(max([*map(cells_of, heads), len(null)], default=0), 32)
    return "".join(_record(heads, row, number, margin, width, null) for number, row in enumerate(values, 1))


def _record(heads: Sequence[str], row: Sequence[Any], number: int, margin: int, width: int | None, null: str) -> str:
    lines = [f"─ {number:,} ".ljust(min(width or 80, 80), "─")]
    room = max(width - margin - _GAP, 20) if width else None
    for head, value in zip(heads, row, strict=True):
        if value is None:
            continue
        folded = [part for line in _value_lines(value, room) for part in fold(visible(line), room)]
        start = pad(head, margin) if cells_of(head) <= margin else head
        if cells_of(head) > margin:
            lines.append(start)
            start = " " * margin
        lines += [
            f"{start if not n else ' ' * margin}{' ' * _GAP}{line}".rstrip() for n, line in enumerate(folded or [""])
        ]
    absent = ", ".join(head for head, value in zip(heads, row, strict=True) if value is None)
    if absent:
        lines += [
            f"{pad(null, margin) if not n else ' ' * margin}{' ' * _GAP}{line}"
            for n, line in enumerate(fold(absent, room))
        ]
    return "\n".join(lines) + "\n"


def _value_lines(value: Any, room: int | None) -> list[str]:
    text = shown(value, "")
    if not text.startswith(("{", "[")):
        return [text]
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    return [text] if len(text) <= (room or 80) else _laid_out(text)


_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def _laid_out(text: str) -> list[str]:
    """JSON text over several lines, its tokens as they stand there: equal keys and odd numbers are not touched."""
    lines, depth, line = [], 0, ""
    tokens = _TOKENS.findall(text)
    for here, after in zip(tokens, [*tokens[1:], ""], strict=True):
        if here in ("{", "[") and after not in ("}", "]"):
            depth += 1
            lines.append(line + here)
            line = "  " * depth
        elif here == ",":
            lines.append(line + here)
            line = "  " * depth
        elif here in ("}", "]") and line.strip()[-1:] not in ("{", "["):
            depth -= 1
            lines.append(line)
            line = "  " * depth + here
        else:
            line += here + (" " if here == ":" else "")
    return [*lines, line]


def shown(value: Any, null: str) -> str:
    """A value in a cell: a double with as many digits as it has, null as it is to be written."""
    if value is None:
        return null
    return f"{value:.15g}" if isinstance(value, float) else as_text(value)


def cells_of(text: str) -> int:
    """How many columns of a terminal a text takes: two for most of Chinese and Japanese, none for accents."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def pad(text: str, size: int, *, right: bool = False) -> str:
    """A text with spaces to so many columns, behind or before it."""
    space = " " * (size - cells_of(text))
    return space + text if right else text + space


def cut(text: str, size: int) -> str:
    """
    A text that takes at most so many columns, with … for what is left out.

    Of an ARN, a URI and a path the end is kept, if possible from a : or / on; of one long word both ends; of everything
    else the beginning.
    """
    if cells_of(text) <= size:
        return text
    room = size - 1
    if _ENDS_TELL.match(text):
        end = _end(text, room)
        border = re.search(r"[:/]", end[: max(len(end) // 2, 1)])
        return "…" + (end[border.start() :] if border else end)
    if room >= _LEAST and not re.search(r"[\s{\[]", text):
        return _beginning(text, room - room // 2) + "…" + _end(text, room // 2)
    return _beginning(text, room) + "…"


def fold(text: str, room: int | None) -> list[str]:
    """A text in lines of so many columns, broken at spaces where there are some; what was indented stays indented."""
    lines: list[str] = []
    indent = " " * min(len(text) - len(text.lstrip(" ")) + 2, (room or 0) // 2) if text.startswith(" ") else ""
    while room and cells_of(text) > room:
        line = _beginning(text, room)
        space = line.rfind(" ")
        if space > room // 2:
            line = line[: space + 1]
        lines.append(line.rstrip(" "))
        text = indent + text[len(line) or 1 :]
    return [*lines, text]


def _beginning(text: str, room: int) -> str:
    if text.isascii():
        return text[:room]
    taken, end = 0, 0
    for character in text:
        taken += cells_of(character)
        if taken > room:
            break
        end += 1
    return text[:end]


def _end(text: str, room: int) -> str:
    if not room:
        return ""
    if text.isascii():
        return text[-room:]
    taken, start = 0, len(text)
    for character in reversed(text):
        taken += cells_of(character)
        if taken > room:
            break
        start -= 1
    while start < len(text) and not cells_of(text[start]):  # an accent whose letter is left out
        start += 1
    return text[start:]


def _fit(widths: Sequence[int], bounds: Sequence[int], room: int) -> list[int]:
    """The widest columns lose until all fit, or are at their bounds."""
    widths = list(widths)
    while sum(widths) > room:
        widest = max(range(len(widths)), key=lambda i: widths[i] if widths[i] > bounds[i] else -1)
        if widths[widest] <= bounds[widest]:
            break
        widths[widest] -= max(1, min(widths[widest] - bounds[widest], (sum(widths) - room) // 4))
    return widths


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    return (" " * _GAP).join(map(_in_place, cells, widths, right))


def _in_place(cell: str, size: int, right: bool) -> str:
    if cell.isascii() and len(cell) <= size:
        return cell.rjust(size) if right else cell.ljust(size)
    return pad(cut(cell, size), size, right=right)


def _are_numbers(values: Sequence[Any]) -> bool:
    there = [value for value in values if value is not None]
    return bool(there) and all(is_number(value) for value in there)


def is_number(value: Any) -> bool:
    """Whether a value stands to the right, and unquoted."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
