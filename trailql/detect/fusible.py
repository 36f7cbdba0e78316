"""Why a per-event detection runs by itself instead of in the one scan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from trailql.detect.fuse import condition_of
from trailql.query.tree import nodes


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, and whether it was most likely wanted: nobody writes a subquery by accident."""

    text: str
    is_wanted: bool


def why_not_fused(con: duckdb.DuckDBPyConnection, sql: str, tree: dict[str, Any]) -> Reason | None:
    """
    Why a detection that gives whole events is no plain `SELECT * FROM events WHERE …`; None if it is.

    Args:
        con: Any connection.
        sql: Its SQL.
        tree: The parsed statement.
    """
    if condition_of(con, sql, {}, 0):
        return None
    return next(_reasons(tree["node"]), Reason("it does more than filter events", is_wanted=False))


def _reasons(node: dict[str, Any]) -> Iterator[Reason]:
    if node.get("type") != "SELECT_NODE":
        yield Reason("it puts several SELECTs together", is_wanted=True)
        return
    if (node.get("cte_map") or {}).get("map"):
        yield Reason("it has a WITH", is_wanted=True)
    table = node.get("from_table") or {}
    if table.get("type") != "BASE_TABLE":
        yield Reason("it reads from more than the table events", is_wanted=True)
    elif table.get("alias"):
        yield Reason(f"events is called {table['alias']}; take the alias away", is_wanted=False)
    elif table.get("sample") or node.get("sample"):
        yield Reason("it takes a sample", is_wanted=False)
    for key, what in (
        ("modifiers", "it has ORDER BY, LIMIT or DISTINCT, of which a detection has no use"),
        ("having", "it has HAVING"),
        ("qualify", "it has QUALIFY"),
        ("group_expressions", "it has GROUP BY"),
    ):
        if node.get(key):
            yield Reason(what, is_wanted=False)
    if not node.get("where_clause"):
        yield Reason("it has no WHERE", is_wanted=False)
    classes = {each.get("class") for each in nodes(node.get("where_clause"))}
    if "SUBQUERY" in classes:
        yield Reason("its WHERE asks a subquery", is_wanted=True)
    if "WINDOW" in classes:
        yield Reason("its WHERE has a window", is_wanted=True)
    yield Reason("it selects more or less than *", is_wanted=False)
