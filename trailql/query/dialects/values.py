"""Expressions on their way from Trino's SQL to DuckDB's, and what names mean where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from zlib import crc32

from sqlglot import exp

from trailql.errors import QueryError
from trailql.lake.parquet import sql_text
from trailql.query.dialects import types as t
from trailql.query.dialects import zoned
from trailql.query.dialects.tables import Field
from trailql.query.dialects.types import Type

UNITS = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")
"""Units of time that Trino's functions take."""


@dataclass(frozen=True, slots=True)
class Value:
    """
    An expression in DuckDB's SQL.

    Args:
        sql: Safe to stand anywhere.
        type: In Trino's terms.
        name: What its column is called without an alias.
        fields: Of a struct of the base table, whose `sql` is the struct as it lies in the lake.
        json: JSON text and keys it was read from, for a further dot.
        instant: The same moment as TIMESTAMPTZ column of the base table.
        day: Pattern of a partition column made of `event_date`, and that column.
        is_fixed: Depends on no column.
        literal: The text of a string literal.
        around: What stands before and behind an aggregate, outside its OVER and FILTER.
        node: What it was written as, for messages.
    """

    sql: str
    type: Type = t.UNKNOWN
    name: str = ""
    fields: tuple[Field, ...] = ()
    json: tuple[str, tuple[str, ...]] | None = None
    instant: str = ""
    day: tuple[str, str] | None = None
    is_fixed: bool = False
    literal: str | None = None
    around: tuple[str, str] = ("", "")
    node: exp.Expr | None = None


@dataclass(slots=True)
class Source:
    """Something in FROM: its alias and its columns by lower-case name; `owner` is the base table's alias in SQL."""

    names: tuple[str, ...]
    columns: dict[str, Value]
    order: list[str]
    is_base: bool = False


@dataclass(slots=True)
class Scope:
    """What names mean at one place of the query."""

    sources: list[Source] = field(default_factory=list)
    parent: Scope | None = None
    lambdas: dict[str, Value] = field(default_factory=dict)
    tables: dict[str, list[tuple[str, Type]]] = field(default_factory=dict)
    merged: dict[str, Value] = field(default_factory=dict)

    def inner(self) -> Scope:
        return Scope(parent=self, tables=dict(self.tables))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def shown(value: Value) -> str:
    """A value as the query writes it."""
    if value.name:
        return value.name
    if value.literal is not None:
        return repr(value.literal)
    text = value.node.sql("trino", normalize_functions=False) if value.node is not None else "this"
    return text if len(text) <= 60 else text[:59] + "…"


def unknown(what: str, instead: str | None = None) -> QueryError:
    return QueryError(
        f"{what} is not supported in Lake and Athena queries here", hint=instead and f"instead: {instead}"
    )


def json_value(document: str, keys: tuple[str, ...], name: str) -> Value:
    return Value(
        f"json_extract_string({document}, {sql_text(json_path(keys))})", t.VARCHAR, name, json=(document, keys)
    )


def json_path(keys: Sequence[str]) -> str:
    if any('"' in key or "\\" in key for key in keys):
        return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
    return "$" + "".join(f'."{key}"' for key in keys)


def local(value: Value) -> str:
    """A moment as the clock on the wall shows it."""
    if value.type.kind == "timestamptz":
        return zoned.wall(value.sql, value.type.zone)
    return value.sql


def one_type(values: Sequence[Value], word: str) -> Type:
    kind = t.UNKNOWN
    for each in values:
        joined = t.common(kind, each.type)
        if joined.kind == "unknown" and kind.kind != "unknown" and each.type.kind != "unknown":
            raise QueryError(f"{word} cannot give {kind} here and {each.type} there", hint="CAST(… AS varchar)")
        kind = joined
    return kind


def time_hint(value: Value) -> str | None:
    return f"from_iso8601_timestamp({shown(value)})" if value.type.kind == "varchar" else None


def parameter(text: str) -> str:
    """A name for a lambda's parameter: the same for the same text, so that GROUP BY knows an expression again."""
    return f"p{crc32(text.encode()):x}"
