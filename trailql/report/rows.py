"""
Rows to bytes in every output format: table, csv, json, jsonl, md, parquet, arrow.

`table` and `md` are for eyes and may change; the others are promises: columns are added, not renamed.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from trailql.errors import OutputError, TrailqlError, UsageError
from trailql.report.table import NULL, fits, is_number, records_text, shown, table_text
from trailql.report.text import as_text, harmless_cell, json_text, plain, visible

if TYPE_CHECKING:
    import pyarrow as pa


class Format(StrEnum):
    """Output formats; `parquet` and `arrow` go to a file or into a pipe, not to a terminal."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    MD = "md"
    PARQUET = "parquet"
    ARROW = "arrow"

    @property
    def is_text(self) -> bool:
        """Whether people can read it."""
        return self not in (Format.PARQUET, Format.ARROW)


def write_rows(rows: pa.Table, format: Format, output: Path | None, *, wide: bool = False) -> None:
    """
    Write a result to a file, or to standard output.

    Args:
        rows: The result.
        format: How.
        output: The file; None for standard output.
        wide: One record below the other instead of a table, with nothing cut.

    Raises:
        UsageError: Parquet or Arrow to a terminal, or a file that cannot be written.
        OutputError: The disk is full.
    """
    if format.is_text:
        terminal = output is None and sys.stdout.isatty()
        width = None if output else terminal_width()
        write_text(render(rows, format, width=width, wide=wide, terminal=terminal), output)
    else:
        _write_binary(rows, format, output)


def write_values(
    names: Sequence[str],
    values: Sequence[Sequence[Any]],
    format: Format,
    output: Path | None,
    *,
    whole: Collection[str] = (),
    wide: bool = False,
) -> None:
    """Write plain Python rows; see `write_rows`, and for `whole` `table_text`."""
    width = None if output else terminal_width()
    terminal = output is None and sys.stdout.isatty()
    write_text(render_values(names, values, format, width=width, whole=whole, wide=wide, terminal=terminal), output)


def write_objects(objects: Sequence[Any], format: Format, output: Path | None) -> None:
    """Write JSON objects as they are: one document, or one a line."""
    if format is Format.JSON:
        write_text(json_text(objects, indent=2) + "\n", output)
    else:
        write_text("".join(json_text(each) + "\n" for each in objects), output)


def write_text(text: str, output: Path | None) -> None:
    """
    Write text to a file, or to standard output.

    Raises:
        UsageError: The file cannot be written.
        OutputError: The disk is full.
    """
    try:
        if output:
            output.write_text(text, encoding="utf-8")
        else:
            sys.stdout.write(text)
            sys.stdout.flush()
    except OSError as error:
        if output is None:
            raise
        raise not_written(error, str(output)) from error


def not_written(error: OSError, at: str) -> TrailqlError:
    """What to say where something cannot be written: the user's choice was wrong, or the disk is full."""
    words = f"cannot be written: {(error.strerror or str(error)).lower()}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
        return OutputError(words, at=at)
    return UsageError(words, at=at)


def render(rows: pa.Table, format: Format, *, width: int | None, wide: bool = False, terminal: bool = False) -> str:
    """
    A result as text; null is written as NULL in a table.

    Args:
        rows: The result.
        format: A format that is text.
        width: The columns a table is folded to, or shown as records if it is much too wide; None leaves it as it is.
        wide: One record below the other.
        terminal: Whether it goes to a terminal, which must not obey what stands in a log.
    """
    from trailql.query.result import values_of

    names = rows.column_names
    values = list(zip(*map(values_of, rows.columns), strict=True)) if names else []
    return render_values(names, values, format, width=width, wide=wide, terminal=terminal, null=NULL)


def render_values(
    names: Sequence[str],
    values: Sequence[Sequence[Any]],
    format: Format,
    *,
    width: int | None,
    whole: Collection[str] = (),
    wide: bool = False,
    terminal: bool = False,
    null: str = "",
) -> str:
    """The same for plain Python rows; for `whole` and `null` see `table_text`."""
    match format:
        case Format.CSV:
            text = _csv(names, values)
            return _harmless_lines(text) if terminal else text
        case Format.JSON:
            return json_text(_objects(names, values), indent=2) + "\n"
        case Format.JSONL:
            return "".join(json_text(each) + "\n" for each in _objects(names, values))
        case Format.MD:
            return _markdown(names, values, null)
    if wide or (width and not whole and not fits(names, values, width)):
        return records_text(names, values, width=width)
    return table_text(names, values, width=width, whole=whole, null=null)


def _csv(names: Sequence[str], values: Iterable[Sequence[Any]]) -> str:
    lines = [[_quoted(harmless_cell(visible(name))) for name in names]]
    lines += [[_quoted(_cell(value), is_text=isinstance(value, str)) for value in row] for row in values]
    return "".join((",".join(line) or '""') + "\n" for line in lines)


def _cell(value: Any) -> str:
    if is_number(value):
        return repr(value) if isinstance(value, int | float) else str(value)
    text = as_text(value)
    return harmless_cell(text.replace("\0", "\\x00"))


def _quoted(cell: str, *, is_text: bool = False) -> str:
    """
    RFC 4180; an empty text is `""`, a null nothing.

    Python's own writer before 3.13 leaves a lone carriage return unquoted, which ends the line.
    """
    if any(special in cell for special in ',"\r\n') or (is_text and not cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _harmless_lines(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n"))


def _markdown(names: Sequence[str], values: Iterable[Sequence[Any]], null: str) -> str:
    def line(cells: Iterable[str]) -> str:
        return (
            "| "
            + " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for cell in cells)
            + " |"
        )

    rows = [line(visible(shown(value, null)) for value in row) for row in values]
    return "\n".join([line(map(visible, names)), "|" + " --- |" * len(names), *rows]) + "\n"


def _objects(names: Sequence[str], values: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows as JSON objects; of two columns with one name both survive, the second as `name_2`."""
    from trailql.query.result import unique_names

    keys = unique_names(names)
    return [{key: plain(value) for key, value in zip(keys, row, strict=True)} for row in values]


def _write_binary(rows: pa.Table, format: Format, output: Path | None) -> None:
    from trailql.query.result import unique_names

    rows = rows.rename_columns(unique_names(rows.column_names))
    if output is None:
        if sys.stdout.isatty():
            raise UsageError(f"{format} is no text for a terminal", hint=f"--output result.{format}, or a pipe")
        _fill(rows, format, sys.stdout.buffer, is_stream=True)
        sys.stdout.flush()
        return
    try:
        with output.open("wb") as file:
            _fill(rows, format, file, is_stream=False)
    except OSError as error:
        raise not_written(error, str(output)) from error


def _fill(rows: pa.Table, format: Format, file: IO[bytes], *, is_stream: bool) -> None:
    """Arrow goes into a pipe as a stream, because the end of an Arrow file says where its parts lie."""
    if format is Format.ARROW:
        import pyarrow.ipc

        make = pyarrow.ipc.new_stream if is_stream else pyarrow.ipc.new_file
        with make(file, rows.schema) as writer:
            writer.write_table(rows)
    else:
        import pyarrow.parquet as pq

        pq.write_table(_storable(rows), file, compression="zstd")


def _storable(rows: pa.Table) -> pa.Table:
    """Parquet has no type for intervals and unions, also inside of structs and lists: such columns become text."""
    import pyarrow as pa

    from trailql.query.result import values_of

    for number, field in enumerate(rows.schema):
        if re.search(r"interval|union", str(field.type)):
            texts = [None if value is None else as_text(value) for value in values_of(rows.column(number))]
            rows = rows.set_column(number, field.name, pa.array(texts, pa.string()))
    return rows


def terminal_width() -> int | None:
    """The width to fit a table into: the terminal's, or what COLUMNS says; unlimited in a pipe."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return shutil.get_terminal_size().columns
    return None
