"""
All per-event detections in one scan.

A detection that only filters, `SELECT * FROM events WHERE …`, is a condition. Every row is asked all of them at once: a
list of `CASE WHEN condition THEN number END`, because DuckDB evaluates a CASE only for the rows its first part has
left, while the same conditions as a list of booleans are all evaluated everywhere (measured: 40 times slower).
Conditions that begin with one service are asked only of its rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
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
        sql: The whole condition, its parameters renamed so that many can stand in one query.
        rest: What it asks beyond its service and calls.
        source: The `eventSource` it needs; None when it may be any.
        names: The `eventName`s it needs one of; None when it may be any.
        parameters: Values by their new names.
    """

    sql: str
    rest: str
    source: str | None
    names: frozenset[str] | None
    parameters: Mapping[str, Any]


def condition_of(con: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any], number: int) -> Condition | None:
    """The condition of one detection; see `conditions_of`."""
    return conditions_of(con, {number: (sql, values)}).get(number)


def conditions_of(
    con: duckdb.DuckDBPyConnection, asked: Mapping[int, tuple[str, Mapping[str, Any]]]
) -> dict[int, Condition]:
    """
    The conditions of detections that only filter.

    Args:
        con: Any connection.
        asked: SQL and parameters of each detection, by a number, which makes the parameters' new names different
            from other detections'.

    Returns:
        By number; detections that do more than filter `events`, or do not parse, are missing.
    """
    texts = [sql for sql, _ in asked.values()]
    parsed = con.execute("SELECT list_transform($texts, lambda t: json_serialize_sql(t))", {"texts": texts}).fetchall()
    found: dict[int, Condition] = {}
    wheres: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
    for (number, (_, values)), text in zip(asked.items(), parsed[0][0], strict=True):
        tree = json.loads(text)
        where = _where(tree)
        if where is None:
            continue
        used = {}
        for each in nodes(where):
            if each.get("class") == "PARAMETER":
                name = str(each["identifier"])
                each["identifier"] = f"{name}_{number}"
                used[each["identifier"]] = values.get(name)
        sources, names = _needed(where, "eventsource"), _needed(where, "eventname")
        found[number] = Condition("", "", next(iter(sources)) if sources and len(sources) == 1 else None, names, used)
        tree["statements"][0]["named_param_map"] = []
        wheres[number] = tree, where
    written = _written(con, [tree for tree, _ in wheres.values()])
    for tree, where in wheres.values():
        tree["statements"][0]["node"]["where_clause"] = _without(where, {"eventsource", "eventname"})
    rests = _written(con, [tree for tree, _ in wheres.values()])
    return {
        number: replace(condition, sql=sql, rest=rest if condition.source and condition.names else sql)
        for (number, condition), sql, rest in zip(found.items(), written, rests, strict=True)
    }


def _where(tree: dict[str, Any]) -> dict[str, Any] | None:
    """The condition of a parsed statement that only filters."""
    if tree.get("error") or len(tree["statements"]) != 1:
        return None
    node = tree["statements"][0]["node"]
    if not _only_filters(node):
        return None
    where: dict[str, Any] = node["where_clause"]
    return None if any(each.get("class") in _ELSEWHERE for each in nodes(where)) else where


def _written(con: duckdb.DuckDBPyConnection, trees: Sequence[dict[str, Any]]) -> list[str]:
    """The conditions of parsed statements as SQL; `true` where there is none."""
    texts = [json.dumps(tree) for tree in trees]
    sql = "SELECT list_transform($trees, lambda t: json_deserialize_sql(t::JSON))"
    rows = con.execute(sql, {"trees": texts}).fetchall()
    return [text.partition(" WHERE ")[2] or "true" for text in rows[0][0]]


CALLS_PRESENT = "SELECT DISTINCT eventSource, eventName FROM events WHERE eventTime >= $since AND eventTime < $until"


def of_calls(conditions: Mapping[int, Condition], calls: Iterable[tuple[str, str]]) -> dict[int, Condition]:
    """
    The conditions that any event can meet, and of those only the calls there are.

    Most rules of a large set are about calls that nobody made; to plan their part of the query takes longer than it
    takes to see that.

    Args:
        conditions: By their numbers.
        calls: The services and names of all events.
    """
    present: dict[str, set[str]] = {}
    for source, name in calls:
        present.setdefault(source, set()).add(name)
    found = {}
    for number, each in conditions.items():
        if not (each.source and each.names):
            found[number] = each
        elif names := each.names & present.get(each.source, set()):
            found[number] = replace(each, names=frozenset(names))
    return found


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
                cases.append(f"CASE WHEN {each.rest} THEN {number} END")
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
    return next((texts for each in _conjuncts(where) if (texts := _texts(each, column))), None)


def _without(where: dict[str, Any], columns: Set[str]) -> dict[str, Any] | None:
    """A condition without the first conjunct that asks for certain texts of each column; None when nothing is left."""
    kept = _conjuncts(where)
    for column in columns:
        first = next((each for each in kept if _texts(each, column)), None)
        kept = [each for each in kept if each is not first]
    if len(kept) < 2:
        return kept[0] if kept else None
    return {**where, "children": kept}


def _conjuncts(where: dict[str, Any]) -> list[dict[str, Any]]:
    return list(where["children"]) if where.get("type") == "CONJUNCTION_AND" else [where]


def _texts(condition: dict[str, Any], column: str) -> frozenset[str]:
    """The texts one of which `column = 'text'` or `column IN ('text', …)` asks for; none when it asks otherwise."""
    if condition.get("type") == "COMPARE_EQUAL":
        operands = [condition.get("left") or {}, condition.get("right") or {}]
    elif condition.get("type") == "COMPARE_IN":
        operands = condition.get("children") or [{}]
    else:
        return frozenset()
    names = [name.lower() for name in operands[0].get("column_names", [])]
    literals = [operand.get("literal") or {} for operand in operands[1:]]
    if names != [column] or any(literal.get("kind") != "STRING" for literal in literals):
        return frozenset()
    return frozenset(str(literal["text"]) for literal in literals)
