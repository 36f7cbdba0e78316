"""What `trailql tables` and `trailql describe` print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trailql.lake.describe import table_summaries
from trailql.lake.lake import Lake
from trailql.query.describe import DescribedColumn
from trailql.report.rows import Format
from trailql.report.table import fold, pad
from trailql.report.text import visible
from trailql.schema import TABLE_MEANINGS, VIEW_MEANINGS

Named = tuple[list[str], list[list[Any]]]


def table_rows(lake: Lake, format: Format) -> Named:
    """Column names and a row for each table, then for each view; sizes in MB for eyes, in bytes for machines."""
    for_eyes = format in (Format.TABLE, Format.MD)
    names = ["table", "rows", "MB" if for_eyes else "bytes", "first_day", "last_day", "meaning"]
    rows: list[list[Any]] = []
    for each in table_summaries(lake):
        count: Any = f"{each.rows:,}" if for_eyes else each.rows
        size: Any = f"{each.bytes / 1e6:,.1f}" if for_eyes else each.bytes
        rows.append([each.table, count, size, each.first_day, each.last_day, TABLE_MEANINGS[each.table]])
    rows += [[view, None, None, None, None, meaning] for view, meaning in VIEW_MEANINGS.items()]
    return names, rows


def column_rows(
    columns: Sequence[DescribedColumn], examples: Mapping[str, Sequence[str]] | None, format: Format
) -> Named:
    """Column names and a row for each column."""
    names = ["column", "type", "meaning", *(["examples"] if examples is not None else [])]
    rows: list[list[Any]] = []
    for column in columns:
        row: list[Any] = [column.name, column.type, column.meaning]
        if examples is not None:
            values = list(examples.get(column.name, ()))
            row.append(" | ".join(values) if format in (Format.TABLE, Format.MD, Format.CSV) else values)
        rows.append(row)
    return names, rows


def columns_text(
    columns: Sequence[DescribedColumn], examples: Mapping[str, Sequence[str]] | None, width: int | None
) -> str:
    """Columns for eyes: the fields of a struct indented under it, meanings and examples folded to the width."""
    names = ["  " * column.name.count(".") + column.name.rpartition(".")[2] for column in columns]
    first, second = max(map(len, names)) + 2, max(len(column.type) for column in columns) + 2
    room = max(width - first - second, 20) if width else None
    lines = []
    for name, column in zip(names, columns, strict=True):
        folded = fold(column.meaning, room)
        values = (examples or {}).get(column.name)
        if values:
            folded += fold("such as: " + " | ".join(map(visible, values)), room)
        start = name.ljust(first) + column.type.ljust(second)
        lines += [(start if not number else pad("", first + second)) + line for number, line in enumerate(folded)]
    return "\n".join(line.rstrip() for line in lines) + "\n"
