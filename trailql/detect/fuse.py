"""
All per-event detections in one scan.

A detection that only filters, `SELECT * FROM events WHERE …`, is a condition. Every row is asked all of them at once: a
list of `CASE WHEN condition THEN number END`, because DuckDB evaluates a CASE only for the rows its first part has
left, while the same conditions as a list of booleans are all evaluated everywhere (measured: 40 times slower).
Conditions that begin with one service are asked only of its rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from trailql.lake.parquet import sql_text
from trailql.query.tree import nodes

_MOST_EVENT_IDS = 1000
_ELSEWHERE = frozenset({"SUBQUERY", "WINDOW"})


@dataclass(frozen=True, slots=True)
class Condition:
    """
    What a per-event detection asks of an event.

    Args:
        sql: The condition, its parameters renamed so that many can stand in one query.
        source: The `eventSource` it needs; None when it may be any.
        names: The `eventName`s it needs one of; None when it may be any.
        parameters: Values by their new names.
    """

    sql: str
    source: str | None
    names: frozenset[str] | None
    parameters: Mapping[str, Any]


def condition_of(con: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any], number: int) -> Condition | None:
    """
    The condition of a detection that only filters.

    Args:
        con: Any connection.
        sql: The detection's SQL.
        values: Its parameters.
        number: Makes the parameters' new names different from other detections'.

    Returns:
        None when the SQL does more than filter `events`, or does not parse.
    """
    rows = con.execute("SELECT json_serialize_sql($text)", {"text": sql}).fetchall()
    tree = json.loads(rows[0][0])
    if tree.get("error") or len(tree["statements"]) != 1:
        return None
    node = tree["statements"][0]["node"]
    if not _only_filters(node):
        return None
    where = node["where_clause"]
    used = {}
    for each in nodes(where):
        if each.get("class") in _ELSEWHERE:
            return None
        if each.get("class") == "PARAMETER":
            name = str(each["identifier"])
            each["identifier"] = f"{name}_{number}"
            used[each["identifier"]] = values.get(name)
    tree["statements"][0]["named_param_map"] = []
    written = con.execute("SELECT json_deserialize_sql($tree::JSON)", {"tree": json.dumps(tree)}).fetchall()[0][0]
    sources = _needed(where, "eventsource")
    source = next(iter(sources)) if sources and len(sources) == 1 else None
    return Condition(written.split(" WHERE ", 1)[1], source, _needed(where, "eventname"), used)


def fused_sql(conditions: Mapping[int, Condition], since: str, until: str) -> list[tuple[str, dict[str, Any]]]:
    """
    Queries that give, by condition, account, actor and day, the events that meet it; each with its parameters.

    Conditions that name a service and its calls share one query, whose scan passes over all other calls; what asks
    about any call, such as everything root does, has one of its own, in which only the asked columns are read.

    Args:
        conditions: By their numbers.
        since, until: SQL of the times the events lie between.
    """
    between = f"eventTime >= {since} AND eventTime < {until}"
    named = {number: each for number, each in conditions.items() if each.source and each.names}
    found = []
    for number, each in conditions.items():
        if number not in named:
            rows = f"SELECT {number} AS number, {_COLUMNS} FROM events WHERE {between} AND {each.sql}"
            found.append((_grouped(rows), dict(each.parameters)))
    if named:
        by_call: dict[str, dict[str, list[str]]] = {}
        for number, each in named.items():
            for name in sorted(each.names or ()):
                cases = by_call.setdefault(str(each.source), {}).setdefault(name, [])
                cases.append(f"CASE WHEN {each.sql} THEN {number} END")
        whens = " ".join(
            f"WHEN {sql_text(source)} THEN CASE eventName {_of_calls(names)} END" for source, names in by_call.items()
        )
        calls = ", ".join(sql_text(name) for name in sorted({name for names in by_call.values() for name in names}))
        rows = f"""
            SELECT unnest(CASE eventSource {whens} END) AS number, {_COLUMNS}
            FROM events WHERE {between} AND eventName IN ({calls})
        """
        parameters = {name: value for each in named.values() for name, value in each.parameters.items()}
        found.append((_grouped(rows), parameters))
    return found


_COLUMNS = """
    coalesce(recipientAccountId, userIdentity.accountId) AS account, actor(userIdentity) AS actor, eventTime, eventID,
    awsRegion, sourceIPAddress, eventName, errorCode, requestParameters
"""


def _of_calls(names: Mapping[str, Sequence[str]]) -> str:
    """Only the conditions that ask about a call are asked of it."""
    return " ".join(
        f"WHEN {sql_text(name)} THEN list_filter([{', '.join(cases)}], lambda n: n IS NOT NULL)"
        for name, cases in names.items()
    )


def _grouped(rows: str) -> str:
    return f"""
        SELECT
            number, account, actor, CAST(eventTime AS DATE) AS day,
            min(eventTime) AS first_event_time,
            max(eventTime) AS last_event_time,
            CASE WHEN min(awsRegion) = max(awsRegion) THEN min(awsRegion) END AS region,
            CASE WHEN min(sourceIPAddress) = max(sourceIPAddress) THEN min(sourceIPAddress) END AS source_ip,
            list(eventID ORDER BY eventTime, eventID)[:{_MOST_EVENT_IDS}] AS event_ids,
            count(*) AS calls,
            list_sort(list(DISTINCT eventName)) AS event_names,
            list_sort(list(DISTINCT errorCode) FILTER (errorCode IS NOT NULL)) AS error_codes,
            arg_min(requestParameters, (eventTime, eventID)) FILTER (requestParameters IS NOT NULL) AS request
        FROM ({rows})
        GROUP BY number, account, actor, CAST(eventTime AS DATE)
    """


def _only_filters(node: dict[str, Any]) -> bool:
    table, stars = node.get("from_table") or {}, node.get("select_list") or []
    return (
        node.get("type") == "SELECT_NODE"
        and table.get("type") == "BASE_TABLE"
        and (table.get("qualified_name") or {}).get("path") == ["events"]
        and not table.get("alias")
        and not table.get("sample")
        and len(stars) == 1
        and stars[0].get("class") == "STAR"
        and not any(stars[0].get(key) for key in ("exclude_list", "replace_list", "rename_list", "expr", "columns"))
        and not any(
            node.get(key) for key in ("modifiers", "group_expressions", "group_sets", "having", "sample", "qualify")
        )
        and not node["cte_map"]["map"]
        and bool(node.get("where_clause"))
    )


def _needed(where: dict[str, Any], column: str) -> frozenset[str] | None:
    """The texts of which a condition needs one in a column, by one of its conjuncts."""
    parts = where["children"] if where.get("type") == "CONJUNCTION_AND" else [where]
    for each in parts:
        if each.get("type") == "COMPARE_EQUAL":
            operands = [each.get("left") or {}, each.get("right") or {}]
        elif each.get("type") == "COMPARE_IN":
            operands = each.get("children") or [{}]
        else:
            continue
        names = [name.lower() for name in operands[0].get("column_names", [])]
        literals = [operand.get("literal") or {} for operand in operands[1:]]
        if names == [column] and literals and all(literal.get("kind") == "STRING" for literal in literals):
            return frozenset(str(literal["text"]) for literal in literals)
    return None
