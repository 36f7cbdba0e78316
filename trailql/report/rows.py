"""
Rows to bytes in every output format: table, csv, json, jsonl, md, parquet.

`table` and `md` are for eyes and may change; the others are promises: columns are added, not renamed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trailql.errors import UsageError
from trailql.report.text import as_text, harmless_cell, plain, visible

if TYPE_CHECKING:
    import pyarrow as pa


class Format(StrEnum):
    """Output formats; `parquet` goes to a file or into a pipe, not to a terminal."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    MD = "md"
    PARQUET = "parquet"


def write_rows(rows: pa.Table, format: Format, output: Path | None) -> None:
    """
    Write a result to a file, or to standard output.

    Raises:
        UsageError: Parquet to a terminal, or a file that cannot be written.
    """
    if format is Format.PARQUET:
        _write_parquet(rows, output)
        return
    write_text(render(rows, format, width=None if output else terminal_width()), output)


def write_values(
    names: Sequence[str],
    values: Sequence[Sequence[Any]],
    format: Format,
    output: Path | None,
    *,
    whole: Collection[str] = (),
) -> None:
    """Write plain Python rows; see `write_rows`, and for `whole` `table_text`."""
    width = None if output else terminal_width()
    write_text(render_values(names, values, format, width=width, whole=whole), output)


def write_objects(objects: Sequence[Any], format: Format, output: Path | None) -> None:
    """Write JSON objects as they are: one document, or one a line."""
    if format is Format.JSON:
        write_text(json.dumps(objects, indent=2, ensure_ascii=False) + "\n", output)
    else:
        write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in objects), output)


def write_text(text: str, output: Path | None) -> None:
    try:
        if output:
            output.write_text(text, encoding="utf-8")
        else:
            sys.stdout.write(text)
            sys.stdout.flush()
    except OSError as error:
        if output is None:
            raise
        raise UsageError(f"cannot be written: {(error.strerror or str(error)).lower()}", at=str(output)) from error


def render(rows: pa.Table, format: Format, *, width: int | None) -> str:
    """A result as text; `width` folds a table to that many columns, None leaves it as wide as it is."""
    names = rows.column_names
    values = zip(*(column.to_pylist() for column in rows.columns), strict=True) if names else iter(())
    return render_values(names, list(values), format, width=width)


def render_values(
    names: Sequence[str],
    values: Sequence[Sequence[Any]],
    format: Format,
    *,
    width: int | None,
    whole: Collection[str] = (),
) -> str:
    """The same for plain Python rows; for `whole` see `table_text`."""
    match format:
        case Format.CSV:
            return _csv(names, values)
        case Format.JSON:
            return json.dumps([_object(names, row) for row in values], indent=2, ensure_ascii=False) + "\n"
        case Format.JSONL:
            return "".join(json.dumps(_object(names, row), ensure_ascii=False) + "\n" for row in values)
        case Format.MD:
            return _markdown(names, values)
    return table_text(names, values, width=width, whole=whole)


def table_text(
    names: Sequence[str], values: Sequence[Sequence[Any]], *, width: int | None, whole: Collection[str] = ()
) -> str:
    """
    Columns under their names, numbers to the right, the widest columns cut with … where the width asks for it.

    Args:
        names, values: Heads and rows.
        width: The columns it has to fit into.
        whole: Names of columns that are never cut, because their values are copied.
    """
    cells = [[visible(as_text(value)) for value in row] for row in values]
    heads = [visible(name) for name in names]
    widths = [max([len(head), *(len(row[i]) for row in cells)]) for i, head in enumerate(heads)]
    if width:
        least = [
            size if name in whole else max(8, min(len(head), 20))
            for name, head, size in zip(names, heads, widths, strict=True)
        ]
        widths = _fit(widths, least, width - 2 * (len(heads) - 1))
    right = [bool(values) and all(_is_number(row[i]) for row in values) for i in range(len(heads))]
    lines = [_line(heads, widths, right), "  ".join("─" * each for each in widths)]
    lines += [_line(row, widths, right) for row in cells]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _fit(widths: list[int], least: list[int], room: int) -> list[int]:
    widths = list(widths)
    while sum(widths) > room:
        widest = max(range(len(widths)), key=lambda i: widths[i] if widths[i] > least[i] else -1)
        if widths[widest] <= least[widest]:
            break
        widths[widest] -= max(1, min(widths[widest] - least[widest], (sum(widths) - room) // 4))
    return widths


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    shown = [cell if len(cell) <= size else cell[: size - 1] + "…" for cell, size in zip(cells, widths, strict=True)]
    aligned = zip(shown, widths, right, strict=True)
    return "  ".join(cell.rjust(size) if flush else cell.ljust(size) for cell, size, flush in aligned)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _csv(names: Sequence[str], values: Iterable[Sequence[Any]]) -> str:
    lines = [[_quoted(harmless_cell(visible(name))) for name in names]]
    lines += [[_quoted(_cell(value)) for value in row] for row in values]
    return "".join(",".join(line) + "\n" for line in lines)


def _cell(value: Any) -> str:
    if _is_number(value):
        return repr(value)
    text = as_text(value)
    return harmless_cell(text.replace("\0", "\\x00"))


def _quoted(cell: str) -> str:
    """RFC 4180; Python's own writer before 3.13 leaves a lone carriage return unquoted, which ends the line."""
    if any(special in cell for special in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _markdown(names: Sequence[str], values: Iterable[Sequence[Any]]) -> str:
    def line(cells: Iterable[str]) -> str:
        return (
            "| "
            + " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for cell in cells)
            + " |"
        )

    rows = [line(visible(as_text(value)) for value in row) for row in values]
    return "\n".join([line(map(visible, names)), "|" + " --- |" * len(names), *rows]) + "\n"


def _object(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """One row as JSON; of two columns with one name both survive, the second as `name_2`."""
    found: dict[str, Any] = {}
    for name, value in zip(names, row, strict=True):
        key, again = name, 2
        while key in found:
            key, again = f"{name}_{again}", again + 1
        found[key] = plain(value)
    return found


def _write_parquet(rows: pa.Table, output: Path | None) -> None:
    import pyarrow.parquet as pq

    if output is None:
        if sys.stdout.isatty():
            raise UsageError("parquet is no text for a terminal", hint="--output result.parquet, or a pipe")
        pq.write_table(rows, sys.stdout.buffer, compression="zstd")
        return
    try:
        pq.write_table(rows, output, compression="zstd")
    except OSError as error:
        raise UsageError(f"cannot be written: {(error.strerror or str(error)).lower()}", at=str(output)) from error


def terminal_width() -> int | None:
    """The width to fit a table into: the terminal's, or what COLUMNS says; unlimited in a pipe."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return shutil.get_terminal_size().columns
    return None
