"""
Dots into JSON columns: `requestParameters.bucketName` reads the key, as text.

DuckDB by itself would give a JSON value, quotes and all, that equals no text; and our columns are JSON text, which it
does not look into.
"""

from __future__ import annotations

import json
from typing import Any

import duckdb

from trailql.lake.parquet import sql_text
from trailql.query.tree import nodes
from trailql.schema import EVENT_COLUMNS

_JSON = {column.name.lower(): column.name for column in EVENT_COLUMNS if column.kind == "json"}


def with_dots(con: duckdb.DuckDBPyConnection, text: str, tree: dict[str, Any]) -> str:
    """
    The statement with every dot into a JSON column as `json_extract_string`; the text itself where there is none.

    Args:
        con: Any connection.
        text: The statement.
        tree: Parsed; it is changed.
    """
    columns = [node for node in nodes(tree) if node.get("class") == "COLUMN_REF"]
    found = [(node, place) for node in columns if (place := _place(node["column_names"])) is not None]
    if not found:
        return text
    for node, place in found:
        _replace(con, node, place)
    whole = json.dumps({"error": False, "statements": [tree]})
    return str(con.execute("SELECT json_deserialize_sql($tree::JSON)", {"tree": whole}).fetchall()[0][0])


def _place(names: list[str]) -> int | None:
    """Where in `t.requestParameters.x` the JSON column stands, if there is more behind it."""
    for place in range(min(2, len(names) - 1)):
        if names[place].lower() in _JSON:
            return place
    return None


def _replace(con: duckdb.DuckDBPyConnection, node: dict[str, Any], place: int) -> None:
    names, keys = node["column_names"][: place + 1], node["column_names"][place + 1 :]
    column = ".".join('"' + name.replace('"', '""') + '"' for name in names)
    path = sql_text("".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys))
    name = '"' + (node["alias"] or keys[-1]).replace('"', '""') + '"'
    query = f"SELECT json_extract_string({column}, {path}) AS {name}"
    rows = con.execute("SELECT json_serialize_sql($text)", {"text": query}).fetchall()
    made = json.loads(rows[0][0])["statements"][0]["node"]["select_list"][0]
    node.clear()
    node.update(made)
