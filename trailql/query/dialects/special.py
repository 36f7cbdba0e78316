"""Functions that need more than their arguments' SQL: lambdas, units and patterns of time, types, paths into JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from trailql.errors import QueryError
from trailql.lake.parquet import sql_text
from trailql.query.dialects import types as t
from trailql.query.dialects import zoned
from trailql.query.dialects.casts import attempted
from trailql.query.dialects.formats import from_joda, from_mysql
from trailql.query.dialects.values import (
    UNITS,
    Scope,
    Value,
    json_path,
    json_value,
    local,
    one_type,
    parameter,
    shown,
    time_hint,
    unknown,
)

if TYPE_CHECKING:
    from trailql.query.dialects.translate import Translator

_JSON_STEP = re.compile(
    r"""\.\s*([\w:/@$-]+)|\[\s*"((?:[^"\\]|\\.)*)"\s*\]|\[\s*'([^']*)'\s*\]|\[\s*([\w-]+)\s*\]|(\[\s*\*\s*\]|\.\*)"""
)
EVERY = object()
"""The step `[*]` of a JSON path."""
_NOT_IN_RE2 = re.compile(r"\(\?<?[=!]|\(\?>|(?<!\\)(?:\\\\)*\\[1-9kGZ]|(?<=[*+?])\+")
_GROUP = re.compile(r"(?<!\\)\((?!\?)|\(\?<(\w+)>")
_Special = Callable[["Translator", exp.Anonymous, Scope], Value]
SPECIAL: dict[str, _Special] = {}


def _is(*names: str) -> Callable[[_Special], _Special]:
    def keep(method: _Special) -> _Special:
        SPECIAL.update(dict.fromkeys(names, method))
        return method

    return keep


def _arguments(node: exp.Anonymous, *amounts: int) -> list[exp.Expr]:
    if len(node.expressions) not in amounts:
        counts = " or ".join(map(str, amounts))
        raise QueryError(f"{node.name} takes {counts} arguments, not {len(node.expressions)}")
    return list(node.expressions)


# JSON and maps


@_is("element_at")
def _element_at(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    container, key = _arguments(node, 2)
    value, at = to.raw(container, scope), to.value(key, scope)
    if value.json is not None and value.type.kind == "map" and at.literal is not None:
        return json_value(value.json[0], (*value.json[1], at.literal), "")
    value = to.final(value)
    match value.type.kind:
        case "array":
            if at.type.kind not in {*t.INTEGERS, "unknown"}:
                hint = (
                    f"element_at({shown(value)}, 1).{at.literal}" if at.literal and value.type.element.fields else None
                )
                raise QueryError(f"{shown(value)} is an array: element_at needs a whole number", hint=hint)
            at_sql = at.sql if re.fullmatch(r"-?[1-9]\d*", at.sql) else f"CAST({at.sql} AS BIGINT)"
            return Value(f"{value.sql}[{at_sql}]" if at.sql != "0" else f"trino.at({value.sql}, 0)", value.type.element)
        case "map":
            return Value(f"{value.sql}[{at.sql}]", value.type.value)
        case "unknown":
            return Value(f"{value.sql}[{at.sql}]")
    key_name = at.literal or "key"
    raise QueryError(
        f"{shown(value)} is {value.type}: element_at needs an array or a map",
        hint=f"json_extract_scalar({shown(value)}, '$.{key_name}')" if value.type.kind in {"varchar", "json"} else None,
    )


@_is("json_extract", "json_extract_scalar", "json_size")
def _json_extract(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    document, path = _arguments(node, 2)
    value, way = to.raw(document, scope), to.value(path, scope)
    name = node.name.lower()
    if value.type.kind not in {"varchar", "json", "unknown"}:
        raise QueryError(f"{shown(value)} is {value.type}: {name} needs JSON text", hint=_instead_of_path(value, way))
    if way.literal is None:
        raise unknown(f"{name} with a path that is no literal")
    steps = json_steps(way.literal)
    sql = _json_pointer(steps)
    if EVERY in steps:
        return _every(to.final(value), name, steps)
    if name == "json_size":
        return Value(f"CAST(trino.json_size({to.final(value).sql}, {sql_text(sql)}) AS BIGINT)", t.BIGINT)
    if name == "json_extract":
        # A column of the lake is valid JSON; a text from inside it need not be.
        if value.type.kind == "json" or (value.json is not None and not value.json[1]):
            return Value(f"json_extract({value.sql}, {sql_text(sql)})", t.JSON)
        return Value(f"trino.json_at({to.final(value).sql}, {sql_text(sql)})", t.JSON)
    return Value(f"trino.json_scalar_at({to.final(value).sql}, {sql_text(sql)})", t.VARCHAR)


def _every(value: Value, name: str, steps: list[Any]) -> Value:
    """Presto gives the array of all that a path of [*] finds; NULL where what stands before it is not there."""
    if name != "json_extract":
        raise unknown(f"{name} with [*] in its path", "CAST(json_extract(…, '$.a[*].b') AS array(json))")
    before = sql_text(_json_pointer(steps[: steps.index(EVERY)]))
    found = f"to_json(json_extract({value.sql}, {sql_text(_json_pointer(steps))}))"
    there = f"json_type(trino.json_at({value.sql}, {before})) IN ('ARRAY', 'OBJECT')"
    return Value(f"CASE WHEN {there} THEN {found} END", t.JSON)


def json_steps(path: str) -> list[Any]:
    """
    The keys and places of a JSON path; a place reads a key of that name in an object, as in Trino.

    Raises:
        QueryError: It holds more than those.
    """
    text = path.strip()
    if not text.startswith("$"):
        text = "$." + text if re.match(r"[A-Za-z_]", text) else "$" + text
    place = 1
    steps: list[Any] = []
    while place < len(text):
        found = _JSON_STEP.match(text, place)
        if found is None:
            raise QueryError(f"Invalid JSON path: {path!r}", hint='keys and places alone, such as $.items[0]."a-b"')
        if found[5]:
            steps.append(EVERY)
        elif (plain := found[1] or found[4]) is not None:
            steps.append(int(plain) if plain.isdecimal() else plain)
        else:
            key = found[2] if found[2] is not None else found[3]
            steps.append(re.sub(r"\\(.)", r"\1", key))
        place = found.end()
    return steps


def _json_pointer(steps: list[Any]) -> str:
    if EVERY in steps:
        if any(isinstance(each, str) and ('"' in each or "\\" in each) for each in steps):
            raise QueryError("a JSON path of [*] and quotes is not supported", hint="UNNEST(CAST(… AS array(json)))")
        return "$" + "".join(
            "[*]" if each is EVERY else f"[{each}]" if isinstance(each, int) else f'."{each}"' for each in steps
        )
    if any(isinstance(each, int) or not each or '"' in each or "\\" in each for each in steps):
        return "".join("/" + str(each).replace("~", "~0").replace("/", "~1") for each in steps)
    return "$" + "".join(f'."{each}"' for each in steps)


def _instead_of_path(value: Value, way: Value) -> str | None:
    if value.type.kind != "map":
        return "json_format(CAST(… AS json))" if value.type.kind in {"row", "array"} else None
    steps = json_steps(way.literal) if way.literal else []
    first = f"element_at({shown(value)}, '{steps[0] if steps else 'key'}')"
    rest = json_path([str(each) for each in steps[1:]])
    return first if len(steps) < 2 else f"json_extract_scalar({first}, '{rest}')"


@_is("json_exists", "json_value", "json_query")
def _sql_json(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    document, path = _arguments(node, 2)
    value, way = to.value(document, scope), to.value(path, scope)
    text = re.sub(r"^\s*(lax|strict)\s+", "", way.literal or "")
    steps = json_steps(text)
    if EVERY in steps:
        raise unknown(f"{node.name} with [*] in its path", "CAST(json_extract(…, '$.a[*].b') AS array(json))")
    sql = sql_text(_json_pointer(steps))
    match node.name.lower():
        case "json_exists":
            return Value(f"(trino.json_at({value.sql}, {sql}) IS NOT NULL)", t.BOOLEAN)
        case "json_value":
            return Value(f"trino.json_scalar_at({value.sql}, {sql})", t.VARCHAR)
    return Value(f"CAST(trino.json_at({value.sql}, {sql}) AS VARCHAR)", t.VARCHAR)


# Lists and lambdas


@_is("transform")
def _transform(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    array, function = _arguments(node, 2)
    value = _array(to, node, array, scope)
    names, body = to.lambda_(function, scope, [value.type.element])
    return Value(f"list_transform({value.sql}, lambda {names[0]}: {body.sql})", t.array_of(body.type))


@_is("filter")
def _filter(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    array, function = _arguments(node, 2)
    value = _array(to, node, array, scope)
    names, body = to.lambda_(function, scope, [value.type.element])
    return Value(f"list_filter({value.sql}, lambda {names[0]}: {body.sql})", value.type)


@_is("any_match", "all_match", "none_match")
def _match(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    array, function = _arguments(node, 2)
    value = _array(to, node, array, scope)
    names, body = to.lambda_(function, scope, [value.type.element])
    return Value(f"trino.{node.name.lower()}(list_transform({value.sql}, lambda {names[0]}: {body.sql}))", t.BOOLEAN)


@_is("reduce")
def _reduce(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    array, first, step, last = _arguments(node, 4)
    value, begin = _array(to, node, array, scope), to.value(first, scope)
    kind = begin.type
    names, body = to.lambda_(step, scope, [kind, value.type.element])
    if body.type.kind != "unknown":
        kind = body.type
    begin_sql = f"CAST({begin.sql} AS {t.duckdb_name(kind)})" if kind.kind != "unknown" else begin.sql
    reduced = f"list_reduce({value.sql}, lambda {', '.join(names)}: {body.sql}, {begin_sql})"
    ends, result = to.lambda_(last, scope, [kind])
    return Value(f"list_transform([{reduced}], lambda {ends[0]}: {result.sql})[1]", result.type)


@_is("zip_with")
def _zip_with(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    one, other, function = _arguments(node, 3)
    left, right = _array(to, node, one, scope), _array(to, node, other, scope)
    place = parameter(node.sql())
    body = to.bound(
        function,
        scope,
        [Value(f"{left.sql}[{place}]", left.type.element), Value(f"{right.sql}[{place}]", right.type.element)],
    )
    longest = f"greatest(len({left.sql}), len({right.sql}))"
    sql = f"list_transform(range(1, {longest} + 1), lambda {place}: {body.sql})"
    return Value(_unless_null(sql, [left, right]), t.array_of(body.type))


def _unless_null(sql: str, values: list[Value]) -> str:
    """NULL where one of the values is."""
    return f"CASE WHEN {' AND '.join(f'{each.sql} IS NOT NULL' for each in values)} THEN {sql} END"


@_is("zip")
def _zip(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    values = [_array(to, node, each, scope) for each in node.expressions]
    place = parameter(node.sql())
    longest = ", ".join(f"len({each.sql})" for each in values)
    fields = [(f"field{number}", each.type.element) for number, each in enumerate(values)]
    parts = ", ".join(f"{name} := {each.sql}[{place}]" for (name, _), each in zip(fields, values, strict=True))
    sql = f"list_transform(range(1, greatest({longest}) + 1), lambda {place}: struct_pack({parts}))"
    return Value(_unless_null(sql, values), t.array_of(t.row_of(*fields)))


@_is("array_sort")
def _array_sort(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    arguments = _arguments(node, 1, 2)
    value = _array(to, node, arguments[0], scope)
    if len(arguments) == 2:
        return _sorted_by(to, node, value, arguments[1], scope)
    return Value(f"list_sort({value.sql}, 'ASC', 'NULLS LAST')", value.type)


def _sorted_by(to: Translator, node: exp.Anonymous, value: Value, order: exp.Expr, scope: Scope) -> Value:
    """Each element's place is how many the comparator puts before it."""
    each, other = parameter(node.sql()), parameter(f"other {node.sql()}")
    element = value.type.element
    before = to.bound(order, scope, [Value(other, element), Value(f"{each}", element)])
    placed = (
        f"list_transform({value.sql}, lambda {each}, {each}_i: {{'place': "
        f"len(list_filter({value.sql}, lambda {other}: {before.sql} < 0)), 'i': {each}_i, 'value': {each}}})"
    )
    return Value(f"list_transform(list_sort({placed}), lambda {each}: {each}.value)", value.type)


@_is("sequence")
def _sequence(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    values = [to.value(each, scope) for each in _arguments(node, 2, 3)]
    kind = t.common(values[0].type, values[1].type)
    listed = ", ".join(each.sql for each in values)
    if kind.kind not in t.TIMES:
        return Value(f"trino.sequence({listed})", t.array_of(kind))
    if len(values) == 2 and kind.kind != "date":
        raise QueryError("sequence of times needs a step", hint="sequence(a, b, INTERVAL '1' HOUR)")
    step = (
        values[2].sql
        if len(values) == 3
        else f"to_days(CASE WHEN {values[0].sql} <= {values[1].sql} THEN 1 ELSE -1 END)"
    )
    found = f"generate_series({values[0].sql}, {values[1].sql}, {step})"
    return Value(f"CAST({found} AS {t.duckdb_name(kind)}[])", t.array_of(kind))


@_is("map_concat")
def _map_concat(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    if len(node.expressions) < 2:
        raise QueryError("map_concat takes 2 or more arguments")
    first, *others = (_map(to, node, each, scope) for each in node.expressions)
    sql = first.sql
    for each in others:
        sql = f"trino.map_concat({sql}, {each.sql})"
    return Value(sql, first.type)


@_is("length")
def _length(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value = to.value(_arguments(node, 1)[0], scope)
    if value.type.kind not in {"varchar", "varbinary", "unknown"}:
        hint = (
            f"cardinality({shown(value)})"
            if value.type.kind in {"array", "map"}
            else f"CAST({shown(value)} AS varchar)"
        )
        raise QueryError(f"{shown(value)} is {value.type}: length needs text", hint=hint)
    return Value(f"{'octet_length' if value.type.kind == 'varbinary' else 'length'}({value.sql})", t.BIGINT)


@_is("array_join")
def _array_join(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    arguments = _arguments(node, 2, 3)
    value = _array(to, node, arguments[0], scope)
    others = [to.value(each, scope).sql for each in arguments[1:]]
    element = value.type.element
    texts = value.sql
    if element.kind not in {"varchar", "unknown"}:
        each = parameter(node.sql())
        texts = f"list_transform({value.sql}, lambda {each}: {to.as_varchar(Value(each, element))})"
    return Value(f"trino.array_join({', '.join([texts, *others])})", t.VARCHAR)


@_is("transform_values", "transform_keys")
def _transform_map(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    mapping, function = _arguments(node, 2)
    value = _map(to, node, mapping, scope)
    each = parameter(node.sql())
    body = to.bound(function, scope, _entry(each, value.type))
    is_key = node.name.lower() == "transform_keys"
    key, inner = (body.sql, f"{each}.value") if is_key else (f"{each}.key", body.sql)
    kind = t.map_of(body.type, value.type.value) if is_key else t.map_of(value.type.key, body.type)
    entry = f"{{'key': {key}, 'value': {inner}}}"
    return Value(f"map_from_entries(list_transform(map_entries({value.sql}), lambda {each}: {entry}))", kind)


@_is("map_filter")
def _map_filter(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    mapping, function = _arguments(node, 2)
    value = _map(to, node, mapping, scope)
    each = parameter(node.sql())
    body = to.bound(function, scope, _entry(each, value.type))
    return Value(f"map_from_entries(list_filter(map_entries({value.sql}), lambda {each}: {body.sql}))", value.type)


@_is("map")
def _make_map(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    arguments = _arguments(node, 0, 2)
    if not arguments:
        return Value("MAP {}", t.map_of(t.UNKNOWN, t.UNKNOWN))
    keys, values = (_array(to, node, each, scope) for each in arguments)
    return Value(f"trino.map_of({keys.sql}, {values.sql})", t.map_of(keys.type.element, values.type.element))


@_is("map_from_entries")
def _map_from_entries(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value = _array(to, node, _arguments(node, 1)[0], scope)
    fields = value.type.element.fields
    if len(fields) != 2:
        raise QueryError("map_from_entries needs an array of rows of two fields")
    each = parameter(node.sql())
    entry = f"{{'key': {each}.\"{fields[0][0]}\", 'value': {each}.\"{fields[1][0]}\"}}"
    return Value(
        f"map_from_entries(list_transform({value.sql}, lambda {each}: {entry}))", t.map_of(fields[0][1], fields[1][1])
    )


@_is("map_agg", "multimap_agg")
def _map_agg(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    key, value = (to.value(each, scope) for each in _arguments(node, 2))
    name = node.name.lower()
    inner = t.array_of(value.type) if name == "multimap_agg" else value.type
    return Value(f"trino.{name}(list({key.sql}), list({value.sql}))", t.map_of(key.type, inner))


@_is("row")
def _row(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    values = [to.value(each, scope) for each in node.expressions]
    fields = [(f"field{place}", each.type) for place, each in enumerate(values)]
    parts = ", ".join(f"{name} := {each.sql}" for (name, _), each in zip(fields, values, strict=True))
    return Value(f"struct_pack({parts})", t.row_of(*fields), is_fixed=all(each.is_fixed for each in values))


def _array(to: Translator, node: exp.Anonymous, each: exp.Expr, scope: Scope) -> Value:
    value = to.value(each, scope)
    if value.type.kind not in {"array", "unknown"}:
        hint = "CAST(json_parse(…) AS array(json))" if value.type.kind in {"varchar", "json"} else None
        raise QueryError(f"{shown(value)} is {value.type}: {node.name} needs an array", hint=hint)
    return value


def _map(to: Translator, node: exp.Anonymous, each: exp.Expr, scope: Scope) -> Value:
    value = to.value(each, scope)
    if value.type.kind not in {"map", "unknown"}:
        raise QueryError(f"{shown(value)} is {value.type}: {node.name} needs a map")
    return value


def _entry(each: str, kind: t.Type) -> list[Value]:
    return [Value(f"{each}.key", kind.key), Value(f"{each}.value", kind.value)]


# Conditions


@_is("coalesce")
def _coalesce(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    values = [to.value(each, scope) for each in node.expressions]
    return Value(
        f"coalesce({', '.join(each.sql for each in values)})",
        one_type(values, "COALESCE"),
        is_fixed=all(each.is_fixed for each in values),
    )


@_is("nullif")
def _nullif(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    one, other = (to.value(each, scope) for each in _arguments(node, 2))
    return Value(f"CASE WHEN {to.compare('=', one, other).sql} THEN NULL ELSE {one.sql} END", one.type)


@_is("greatest", "least")
def _extreme(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    values = [to.value(each, scope) for each in node.expressions]
    return Value(
        f"trino.{node.name.lower()}([{', '.join(each.sql for each in values)}])",
        one_type(values, node.name.upper()),
        is_fixed=all(each.is_fixed for each in values),
    )


@_is("try")
def _try(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value = to.value(_arguments(node, 1)[0], scope)
    return Value(attempted(value.sql), value.type)


@_is("typeof")
def _typeof(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value = to.value(_arguments(node, 1)[0], scope)
    return Value(sql_text(str(value.type)), t.VARCHAR)


@_is("grouping")
def _grouping(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    return Value(f"grouping({', '.join(to.value(each, scope).sql for each in node.expressions)})", t.BIGINT)


@_is("concat")
def _concat(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    return to.concatenated([to.value(each, scope) for each in node.expressions], "concat")


@_is("concat_ws")
def _concat_ws(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    values = [to.value(each, scope) for each in node.expressions]
    if len(values) == 2 and values[1].type.kind == "array":
        return Value(f"trino.concat_ws_list({values[0].sql}, {values[1].sql})", t.VARCHAR)
    rest = ", ".join(each.sql for each in values[1:])
    return Value(f"trino.concat_ws_list({values[0].sql}, [{rest}])", t.VARCHAR)


@_is("format")
def _format(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    values = [to.value(each, scope) for each in node.expressions]
    pattern = values[0].literal if values else None
    if pattern is None or not re.fullmatch(r"(?:[^%]|%%|%-?\d*s|%d|%,d|%-?\d+d|%x|%,?\.\d+f)*", pattern):
        raise unknown("format with this pattern", "%s, %d, %,d, %05d, %.2f")
    needs = re.findall(r"%(?!%)[-,.\d]*([sdfx])", pattern.replace("%%", ""))
    if len(needs) != len(values) - 1:
        raise QueryError(f"format: {len(needs)} places in the pattern, {len(values) - 1} values")
    arguments = [
        _formatted(to, each) if need == "s" else f"CAST({each.sql} AS {'DOUBLE' if need == 'f' else 'BIGINT'})"
        for need, each in zip(needs, values[1:], strict=True)
    ]
    return Value(f"printf({', '.join([values[0].sql, *arguments])})", t.VARCHAR)


def _formatted(to: Translator, value: Value) -> str:
    """What Java writes for %s."""
    text = f"trino.java_double({value.sql})" if value.type.kind == "double" else to.as_varchar(value)
    return f"coalesce({text}, 'null')"


@_is("count")
def _count(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    if not node.expressions or isinstance(node.expressions[0], exp.Star):
        return Value("count(*)", t.BIGINT)
    return to.plain_function(node, scope)


@_is("approx_percentile")
def _approx_percentile(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value, part = (to.value(each, scope) for each in _arguments(node, 2))
    kind = t.array_of(value.type) if part.type.kind == "array" else value.type
    return Value(f"quantile_disc({value.sql}, {part.sql})", kind)


@_is("cardinality")
def _cardinality(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value = to.value(_arguments(node, 1)[0], scope)
    if value.type.kind == "array":
        return Value(f"len({value.sql})", t.BIGINT)
    if value.type.kind not in {"map", "unknown"}:
        raise QueryError(f"{shown(value)} is {value.type}: cardinality needs an array or a map")
    return Value(f"CAST(cardinality({value.sql}) AS BIGINT)", t.BIGINT)


@_is("json_format")
def _json_format(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value = to.value(_arguments(node, 1)[0], scope)
    if value.type.kind not in {"json", "unknown"}:
        raise QueryError(f"{shown(value)} is {value.type}: json_format needs json", hint="json_format(CAST(… AS json))")
    return Value(f"CAST({value.sql} AS VARCHAR)", t.VARCHAR)


@_is("reverse")
def _reverse(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value = to.value(_arguments(node, 1)[0], scope)
    if value.type.kind not in {"array", "varchar", "unknown"}:
        raise QueryError(f"{shown(value)} is {value.type}: reverse needs a text or an array")
    return Value(f"{'list_reverse' if value.type.kind == 'array' else 'reverse'}({value.sql})", value.type)


@_is("regexp_like", "regexp_extract_all", "regexp_replace", "regexp_split", "regexp_count", "regexp_position")
def _regexp(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    if len(node.expressions) > 1 and isinstance(node.expressions[1], exp.Literal):
        node = node.copy()
        names = _with_re2(node.expressions[1])
        if len(node.expressions) > 2 and isinstance(node.expressions[2], exp.Literal):
            for place, name in enumerate(names, 1):
                text = node.expressions[2]
                text.set("this", text.this.replace(f"${{{name}}}", f"${place}"))
    return to.plain_function(node, scope)


def _with_re2(pattern: exp.Literal) -> list[str]:
    """A pattern as DuckDB's RE2 takes it; gives the names of its groups, in order and empty for those without."""
    text = str(pattern.this)
    if missing := _NOT_IN_RE2.search(text):
        what = {"(?=": "lookahead", "(?!": "lookahead", "(?<=": "lookbehind", "(?<!": "lookbehind"}.get(missing[0])
        raise QueryError(
            f"regular expressions know no {what or missing[0]} here: {text[:60]!r}",
            hint="two conditions, such as regexp_like(…) AND NOT regexp_like(…)",
        )
    pattern.set("this", text.replace("(?<", "(?P<"))
    return [each[1] or "" for each in _GROUP.finditer(text)]


@_is("regexp_extract")
def _regexp_extract(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    found = _regexp(to, node, scope)
    pattern = to.value(node.expressions[1], scope).literal
    if len(node.expressions) == 3 and (pattern is None or re.search(r"\||\)(?:[?*]|\{0)", pattern)):
        return replace(found, sql=f"nullif({found.sql}, '')")  # a group that took no part gives NULL
    return found


# Times


def _unit(to: Translator, node: exp.Expr, scope: Scope, name: str) -> str:
    is_name = isinstance(node, exp.Column | exp.Var | exp.Identifier)
    found = node.name if is_name else to.value(node, scope).literal
    unit = (found or "").lower()
    if unit not in UNITS:
        raise QueryError(f"{name}: {found or node.sql('trino')!r} is no unit of time", hint=", ".join(UNITS))
    return unit


def _time(to: Translator, node: exp.Expr, scope: Scope, name: str) -> Value:
    value = to.final(to.raw(node, scope))
    if value.type.kind == "varchar" and to.dialect == "lake" and value.literal is not None:
        return Value(f"CAST({value.sql} AS TIMESTAMP)", t.TIMESTAMP, is_fixed=True)
    if value.type.kind not in {*t.TIMES, "unknown"}:
        raise QueryError(f"{shown(value)} is {value.type}: {name} needs a time", hint=time_hint(value))
    return value


@_is("date_diff")
def _date_diff(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    unit, first, second = _arguments(node, 3)
    name = _unit(to, unit, scope, "date_diff")
    one, two = _time(to, first, scope, "date_diff"), _time(to, second, scope, "date_diff")
    zones = [each.type.zone for each in (one, two) if each.type.kind == "timestamptz"]
    walls = [_wall(replace(each, type=replace(each.type, zone=zones[0] if zones else ""))) for each in (one, two)]
    return Value(f"date_sub({sql_text(name)}, {', '.join(walls)})", t.BIGINT, is_fixed=one.is_fixed and two.is_fixed)


def _wall(value: Value) -> str:
    sql = local(value)
    return f"CAST({sql} AS TIMESTAMP)" if value.type.kind == "date" else sql


@_is("date_add")
def _date_add(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    unit, amount, moment = _arguments(node, 3)
    name = _unit(to, unit, scope, "date_add")
    number, value = to.value(amount, scope), _time(to, moment, scope, "date_add")
    if value.type.kind == "date" and name in {"millisecond", "second", "minute", "hour"}:
        raise QueryError(f"date_add: a date has no {name}", hint=f"date_add('{name}', …, CAST(… AS timestamp))")
    function = {"millisecond": "to_milliseconds", "week": "to_weeks", "quarter": "to_quarters"}.get(name, f"to_{name}s")
    count = f"CAST({number.sql} AS {'BIGINT' if name in {'second', 'minute', 'hour', 'millisecond'} else 'INTEGER'})"
    sql = f"({value.sql} + {function}({count}))"
    if value.type.zone and name not in {"millisecond", "second", "minute", "hour"}:  # by the clock on the wall
        sql = zoned.moment(f"({local(value)} + {function}({count}))", value.type.zone)
    if value.type.kind == "date":
        sql = f"CAST({sql} AS DATE)"
    return Value(sql, value.type, is_fixed=number.is_fixed and value.is_fixed)


@_is("date_trunc")
def _date_trunc(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    unit, moment = _arguments(node, 2)
    name = _unit(to, unit, scope, "date_trunc")
    value = _time(to, moment, scope, "date_trunc")
    sql = f"date_trunc({sql_text(name)}, {local(value)})"
    if value.type.kind == "timestamptz":
        sql = zoned.moment(sql, value.type.zone)
    elif value.type.kind == "date":
        sql = f"CAST({sql} AS DATE)"
    return Value(sql, value.type, is_fixed=value.is_fixed)


@_is("last_day_of_month")
def _last_day(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value = _time(to, _arguments(node, 1)[0], scope, "last_day_of_month")
    return Value(f"last_day({local(value)})", t.DATE, is_fixed=value.is_fixed)


@_is(
    "year", "quarter", "month", "week", "week_of_year", "day", "day_of_month", "day_of_week", "dow", "day_of_year",
    "doy", "year_of_week", "yow", "hour", "minute", "second", "millisecond",
)  # fmt: skip
def _part(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value = to.final(to.raw(_arguments(node, 1)[0], scope))
    return to.part_of_time(node.name, value)


@_is("date")
def _date(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value = to.final(to.raw(_arguments(node, 1)[0], scope))
    return to.casted(value, t.DATE)


@_is("date_format", "format_datetime")
def _date_format(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    moment, pattern = _arguments(node, 2)
    name = node.name.lower()
    value, wanted = _time(to, moment, scope, name), to.value(pattern, scope)
    if wanted.literal is None:
        raise unknown(f"{name} with a pattern that is no literal")
    is_mysql = name == "date_format"
    written = from_mysql(wanted.literal) if is_mysql else from_joda(wanted.literal, zone=value.type.zone)
    sql = _wall(value)
    return Value(f"strftime({sql}, {sql_text(written)})", t.VARCHAR, is_fixed=value.is_fixed)


@_is("date_parse", "parse_datetime")
def _date_parse(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    text, pattern = _arguments(node, 2)
    name = node.name.lower()
    value, wanted = to.final(to.raw(text, scope)), to.value(pattern, scope)
    if value.type.kind not in {"varchar", "unknown"}:
        raise QueryError(f"{shown(value)} is {value.type}: {name} needs text", hint=f"{shown(value)} is a time already")
    if wanted.literal is None:
        raise unknown(f"{name} with a pattern that is no literal")
    is_mysql = name == "date_parse"
    read = from_mysql(wanted.literal, parsing=True) if is_mysql else from_joda(wanted.literal, parsing=True)
    kind = t.TIMESTAMP if is_mysql else t.TIMESTAMPTZ
    if value.instant and read == "%Y-%m-%dT%H:%M:%SZ":
        return Value(f"timezone('UTC', {value.instant})" if is_mysql else value.instant, kind, instant=value.instant)
    sql = f"strptime({value.sql}, {sql_text(read)})"
    if not re.search("%[YyG]", read):
        sql = f"({sql} + INTERVAL 70 YEAR)"  # DuckDB's years begin at 1900, Trino's at 1970
    sql = f"CAST({sql} AS {t.duckdb_name(kind)})"
    return Value(sql, kind, is_fixed=value.is_fixed)


@_is("from_iso8601_timestamp", "from_iso8601_timestamp_nanos")
def _from_iso(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value = to.final(to.raw(_arguments(node, 1)[0], scope))
    if value.type.kind not in {"varchar", "unknown"}:
        raise QueryError(
            f"{shown(value)} is {value.type}: {node.name} needs text", hint=f"{shown(value)} is a time already"
        )
    if value.instant:
        return Value(value.instant, t.TIMESTAMPTZ, instant=value.instant)
    kind = replace(t.TIMESTAMPTZ, zone=zoned.of_text(value.literal or ""))
    return Value(f"trino.iso_timestamp({value.sql})", kind, is_fixed=value.is_fixed)


@_is("from_unixtime")
def _from_unixtime(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    values = [to.value(each, scope) for each in _arguments(node, 1, 2)]
    made = Value(f"trino.from_unixtime({values[0].sql})", t.TIMESTAMPTZ, is_fixed=values[0].is_fixed)
    return to.in_zone(made, values[1]) if len(values) == 2 else made


@_is("timezone_hour", "timezone_minute")
def _timezone_part(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    return to.part_of_time(node.name, to.final(to.raw(_arguments(node, 1)[0], scope)))


@_is("to_unixtime")
def _to_unixtime(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value = _time(to, _arguments(node, 1)[0], scope, "to_unixtime")
    sql = value.sql if value.type.kind == "timestamptz" else f"CAST({value.sql} AS TIMESTAMPTZ)"
    return Value(f"trino.to_unixtime({value.instant or sql})", t.DOUBLE, is_fixed=value.is_fixed)


@_is("to_iso8601")
def _to_iso(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    value = _time(to, _arguments(node, 1)[0], scope, "to_iso8601")
    if value.type.kind == "date":
        return Value(f"trino.iso_date({value.sql})", t.VARCHAR, is_fixed=value.is_fixed)
    if value.type.zone:
        return Value(f"trino.iso_zoned({local(value)}, {value.sql})", t.VARCHAR, is_fixed=value.is_fixed)
    ending = " || 'Z'" if value.type.kind == "timestamptz" else ""
    return Value(f"(trino.iso_time({local(value)}){ending})", t.VARCHAR, is_fixed=value.is_fixed)


@_is("at_timezone", "with_timezone")
def _at_timezone(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    moment, zone = _arguments(node, 2)
    value, where = _time(to, moment, scope, node.name), to.value(zone, scope)
    if node.name.lower() == "with_timezone":
        made = Value(zoned.moment(value.sql, where.sql), t.TIMESTAMPTZ, is_fixed=value.is_fixed)
        return to.in_zone(made, where)
    return to.in_zone(replace(value), where)


@_is("contains")
def _contains(to: Translator, node: exp.Anonymous, scope: Scope) -> Value:
    first, second = _arguments(node, 2)
    value = to.value(first, scope)
    if value.type.kind not in {"array", "unknown"}:
        raise QueryError(
            f"{shown(value)} is {value.type}: contains needs an array", hint=f"strpos({shown(value)}, …) > 0, or LIKE"
        )
    element = to.alike("contains", to.value(second, scope), Value("", value.type.element))
    return Value(f"trino.contains({value.sql}, {element.sql})", t.BOOLEAN)
