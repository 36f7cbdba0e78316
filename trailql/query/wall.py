"""
What a query may do: read the lake's tables with one SELECT, and nothing else.

DuckDB itself is locked down as well (no files but the lake's, no network, no extensions, no settings). This wall stands
before it: it reads the parsed statement, not its text, and lets through what it knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import duckdb

from trailql.errors import QueryError
from trailql.query.tree import nodes
from trailql.query.words import in_words

_QUERY_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series", "json_each", "json_tree", "repeat", "repeat_row"})
_SCHEMAS = frozenset({(), ("main",), ("memory", "main")})
_FUNCTION_SCHEMAS = frozenset({(), ("main",), ("system", "main"), ("trino",)})
_REFUSED = frozenset(
    """
    getenv getvariable current_setting set_config write_log sleep_ms setseed setval nextval currval current_query
    query query_table parse_duckdb_log_message txid_current
    """.split()
)
_REFUSED_BEGINNINGS = (
    "pg_", "duckdb_", "read_", "has_", "inet_", "pragma_", "parquet_", "sniff_", "json_execute", "current_schema",
)  # fmt: skip
_WRITTEN = "the lake is written by trailql ingest alone"
_OTHER_STATEMENT = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(alter|create|delete|drop|grant|insert|merge|msck|revoke|unload|update|use|vacuum)\b",
    re.IGNORECASE | re.DOTALL,
)
_HINT = "a query sees the lake's tables (trailql tables), and no other files or settings"


class NotOfTheLake(QueryError):
    """
    SQL that makes no sense in our dialect, but may in another: it does not parse, or names an unknown table.

    `is_slip` when the table's name is nearly one of ours.
    """

    is_foreign_table = False
    is_slip = False


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that may run: its text, its parsed tree, the names of its `$parameters`, and where it came from."""

    text: str
    tree: dict[str, Any]
    parameters: frozenset[str]
    dialect: str = "duckdb"


def checked(con: duckdb.DuckDBPyConnection, text: str, tables: Collection[str]) -> Statement:
    """
    A statement, if it does nothing but read the lake.

    Args:
        con: Any connection.
        text: SQL.
        tables: Names of the lake's tables.

    Raises:
        QueryError: It does not parse, is not one SELECT, or names another table, a file, or a function that reaches
            out of the lake.
    """
    tree = _parsed(con, text)
    _check(tree, tables)
    names = {str(each["identifier"]) for each in nodes(tree) if each.get("class") == "PARAMETER"}
    return Statement(text, tree, frozenset(names))


def _parsed(con: duckdb.DuckDBPyConnection, text: str) -> dict[str, Any]:
    """The statement's tree, if it is a single one that only reads."""
    try:
        rows = con.execute("SELECT json_serialize_sql($text)", {"text": text}).fetchall()
    except duckdb.Error as error:
        raise QueryError(in_words(error)) from error
    tree = json.loads(rows[0][0])
    if tree.get("error"):
        if tree.get("error_type") == "not implemented":
            raise QueryError("only SELECT is allowed here", hint=_WRITTEN)
        if first := _OTHER_STATEMENT.match(text):
            raise QueryError(f"only SELECT is allowed here, not {first[1].upper()}", hint=_WRITTEN)
        raise NotOfTheLake(in_words(tree.get("error_message", "")))
    statements = tree.get("statements", [])
    if not statements:
        raise QueryError("there is no statement", hint="SELECT count(*) FROM events")
    if len(statements) != 1:
        raise QueryError("one statement at a time, please")
    return statements[0]  # type: ignore[no-any-return]


def _check(tree: dict[str, Any], tables: Collection[str]) -> None:
    """Let a statement pass, or say what of it is not allowed."""
    parts = list(nodes(tree))
    known = {name.lower() for name in tables}
    for node in parts:
        known |= {entry["key"].lower() for entry in (node.get("cte_map") or {}).get("map", [])}
        if str(node.get("type")) in {"RECURSIVE_CTE_NODE", "CTE_NODE"}:
            known.add(str(node.get("cte_name", "")).lower())
    for node in parts:
        kind = node.get("type")
        if isinstance(kind, str) and kind.endswith("_NODE") and kind not in _QUERY_NODES:
            raise QueryError("only SELECT is allowed here, also inside WITH", hint=_HINT)
        if kind == "BASE_TABLE":
            _check_table(_path(node), known, tables)
        if kind == "SHOW_REF" and not _is_of_ours(node, known):
            raise QueryError("only the lake's own tables can be described", hint="trailql tables")
        if kind == "TABLE_FUNCTION":
            function = node.get("function") or {}
            name = _path(function)[-1].lower() if _path(function) else ""
            if name not in _TABLE_FUNCTIONS:
                raise QueryError(f"the table function {name} is not allowed here", hint=_HINT)
        if node.get("class") == "FUNCTION":
            _check_function(_path(node))


def _check_table(path: tuple[str, ...], known: Collection[str], tables: Collection[str]) -> None:
    name = path[-1].lower()
    if tuple(part.lower() for part in path[:-1]) in _SCHEMAS and name in known:
        return
    near = get_close_matches(name, [each.lower() for each in tables], 1)
    hint = f"did you mean {near[0]}? " if near else ""
    hint += "the tables are events, files, set_aside and others, see trailql tables"
    if path[:-1] or not near:
        hint += "; queries written for CloudTrail Lake or Athena: --dialect lake, --dialect athena"
    error = NotOfTheLake(f"there is no table {'.'.join(path)} in the lake", hint=hint)
    error.is_foreign_table = True
    error.is_slip = bool(get_close_matches(name, [each.lower() for each in tables], 1, 0.75))
    raise error


def _check_function(path: tuple[str, ...]) -> None:
    name = path[-1].lower() if path else ""
    schema = tuple(part.lower() for part in path[:-1])
    if schema not in _FUNCTION_SCHEMAS or name in _REFUSED or name.startswith(_REFUSED_BEGINNINGS):
        raise QueryError(f"the function {'.'.join(path)} is not allowed here", hint=_HINT)


def _is_of_ours(node: dict[str, Any], known: Collection[str]) -> bool:
    """DESCRIBE and SUMMARIZE of a query or a table of ours, SHOW TABLES."""
    if node.get("query"):
        return True
    name = str(node.get("table_name", "")).strip('"').lower()
    return name in {*known, "__show_tables_expanded", "tables", ""} and not node.get("schema_name")


def _path(node: dict[str, Any]) -> tuple[str, ...]:
    """The names of a table or function, from catalog to its own."""
    named = (node.get("qualified_name") or {}).get("path")
    if named:
        return tuple(named)
    keys = (
        ("catalog_name", "schema_name", "table_name")
        if "table_name" in node
        else ("catalog", "schema", "function_name")
    )
    return tuple(str(node[key]) for key in keys if node.get(key))
