"""The lake's columns as SQL sees them: types, meanings, frequent values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from trailql.errors import UsageError
from trailql.schema import TABLES, VIEWS, duckdb_type, walk

if TYPE_CHECKING:
    from trailql.query.engine import OpenLake

_EXAMPLES = 3
_LONGEST = 60

_ASKED = TABLES | VIEWS


@dataclass(frozen=True, slots=True)
class DescribedColumn:
    """
    A column, or a field of a struct column.

    Args:
        name: As SQL takes it: `userIdentity.sessionContext.sessionIssuer.arn`.
        type: DuckDB's; the fields of a STRUCT follow it.
        meaning: In a sentence.
    """

    name: str
    type: str
    meaning: str


def describe_table(table: str) -> list[DescribedColumn]:
    """
    The columns of a table, structs before their fields.

    Raises:
        UsageError: There is no such table.
    """
    return [
        DescribedColumn(".".join(path), "STRUCT" if column.fields else duckdb_type(column), column.meaning)
        for path, column in walk(_ASKED[table_named(table)])
    ]


def table_named(name: str) -> str:
    """
    The table of that name, in any case.

    Raises:
        UsageError: There is none.
    """
    if name.lower() in _ASKED:
        return name.lower()
    near = get_close_matches(name.lower(), _ASKED, 1)
    hint = f"did you mean {near[0]}?" if near else f"the tables are {', '.join(_ASKED)}"
    raise UsageError(f"there is no table {name!r} in a lake", hint=hint)


def frequent_values(lake: OpenLake, table: str) -> Mapping[str, Sequence[str]]:
    """
    A few frequent values of each column that is no struct, in one pass over the table; about the most frequent ones.

    Raises:
        QueryError: The table cannot be read.
    """
    names = [name for name, type in _leaves(table)]
    picked = ", ".join(f"approx_top_k(left({_path_sql(name)}::VARCHAR, {_LONGEST + 1}), {_EXAMPLES})" for name in names)
    row = lake.sql(f'SELECT {picked} FROM "{table_named(table)}"').rows()[0]
    return {
        name: [value if len(value) <= _LONGEST else value[:_LONGEST] + "…" for value in values or () if value]
        for name, values in zip(names, row, strict=True)
    }


def _leaves(table: str) -> Iterator[tuple[str, str]]:
    for column in describe_table(table):
        if column.type != "STRUCT":
            yield column.name, column.type


def _path_sql(name: str) -> str:
    return ".".join(f'"{part}"' for part in name.split("."))
