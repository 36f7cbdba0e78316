"""SQL that runs elsewhere too: what other engines refuse, and what they answer differently without a word."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

ENGINES = ("trino", "spark")
_DRIFTS: dict[type[exp.Expr], str] = {
    exp.DateBin: "time_bucket has another origin elsewhere, or is missing; date_trunc is everywhere",
    exp.DayOfWeek: "dayofweek begins with another day and number elsewhere; isodow does not",
    exp.Median: "median is approximate, or missing, elsewhere",
    exp.PercentileCont: "quantile_cont is approximate, or missing, elsewhere",
}
_NOTES: dict[type[exp.Expr], str] = {
    exp.AnyValue: "any_value passes over NULL here, and may give it elsewhere",
    exp.Bracket: "a place behind the end of a list is NULL here, and an error elsewhere",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """What of a query means something else elsewhere, and at which of its lines, from 0."""

    line: int
    message: str
    is_note: bool = False


def drifts(sql: str) -> list[Drift]:
    """
    Everything in a query that does not mean the same on Trino and Spark.

    Args:
        sql: DuckDB's SQL, which parses there.
    """
    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # what it warns of is asked for here
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
        return sorted({*_in_tree(tree), *_not_translated(sql)}, key=lambda each: (each.line, each.message))
    except SqlglotError as error:
        return [Drift(0, f"sqlglot cannot read it, so it cannot be translated: {_first_line(error)}")]
    finally:
        logger.setLevel(level)


def _in_tree(tree: exp.Expr) -> Iterator[Drift]:
    for node in tree.walk():
        if drift := _DRIFTS.get(type(node)):
            yield Drift(_line(node), drift)
        if note := _NOTES.get(type(node)):
            yield Drift(_line(node), note, is_note=True)
        if isinstance(node, exp.Join) and (node.args.get("method") or "").upper() == "ASOF":
            yield Drift(_line(node), "ASOF JOIN is missing elsewhere; use lag, lead or max over a window")
        if isinstance(node, exp.Group) and node.args.get("all"):
            yield Drift(_line(node.parent), "GROUP BY ALL is missing elsewhere; name the columns")
        if isinstance(node, exp.Order) and any(_is_all(each) for each in node.expressions):
            yield Drift(_line(node.parent), "ORDER BY ALL is missing elsewhere; name the columns")
        if isinstance(node, exp.Star) and any(node.args.get(key) for key in ("except_", "replace", "rename")):
            yield Drift(_line(node.parent), "* EXCLUDE, REPLACE and RENAME are missing elsewhere; name the columns")
        if isinstance(node, exp.Select):
            yield from _aliases_in_having(node)


def _aliases_in_having(select: exp.Select) -> Iterator[Drift]:
    having = select.args.get("having")
    if not having:
        return
    aliases = {
        each.alias.lower()
        for each in select.expressions
        if isinstance(each, exp.Alias) and not (isinstance(each.this, exp.Column) and each.this.name == each.alias)
    }
    for column in having.find_all(exp.Column):
        if not column.table and column.name.lower() in aliases and column.find_ancestor(exp.Select) is select:
            yield Drift(_line(column), f"HAVING names the alias {column.name}, which is refused elsewhere; repeat it")


def _is_all(ordered: exp.Expr) -> bool:
    return isinstance(ordered.this, exp.Var) and ordered.this.name.upper() == "ALL"


def _not_translated(sql: str) -> Iterator[Drift]:
    for engine in ENGINES:
        try:
            sqlglot.transpile(sql, read="duckdb", write=engine, unsupported_level=ErrorLevel.RAISE)
        except SqlglotError as error:
            yield Drift(0, f"cannot be translated for {engine.capitalize()}: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _line(node: exp.Expr | None) -> int:
    """The line of the first thing inside that knows its own."""
    lines = [each.meta["line"] for each in node.walk() if "line" in each.meta] if node else []
    return min(lines) - 1 if lines else 0
