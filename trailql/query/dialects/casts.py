"""CAST and TRY_CAST as Trino means them."""

from __future__ import annotations

import re
from zlib import crc32

from trailql.errors import QueryError
from trailql.query.dialects import types as t
from trailql.query.dialects import zoned
from trailql.query.dialects.macros import STRICT
from trailql.query.dialects.types import Type


def cast(sql: str, source: Type, target: Type, *, is_try: bool = False) -> str:
    """
    SQL of a value as another type.

    Args:
        sql: The value.
        source: Its type.
        target: The type asked for.
        is_try: NULL in place of an error.

    Raises:
        QueryError: Trino has no such cast.
    """
    made = _cast(sql, source, target)
    if not is_try:
        return made
    if source.kind != "json" or target.kind not in {"array", "map"} or target.of[-1].kind == "json":
        return attempted(made)
    # One element that cannot be cast makes the whole NULL, not only itself.
    found, nulls = attempted(made), "lambda e: e IS NULL"
    values, begun = found, f"trino.json_items_or_null({sql})"
    if target.kind == "map":
        values, begun = f"map_values({found})", f"list_transform(trino.json_members_or_null({sql}), lambda e: e.value)"
    begun = attempted(f"len(list_filter({begun}, lambda e: json_type(e) = 'NULL'))")
    return f"CASE WHEN len(list_filter({values}, {nulls})) = {begun} THEN {found} END"


def attempted(sql: str) -> str:
    """SQL with NULL in place of an error: DuckDB's own by TRY, those our macros raise by their gentle twins."""
    return f"TRY({_OURS.sub(_gentle, sql)})"


_OURS = re.compile(r"\btrino\.(\w+)\(")


def _gentle(found: re.Match[str]) -> str:
    return f"trino.{found[1]}_or_null(" if found[1] in STRICT else found[0]


def _cast(sql: str, source: Type, target: Type) -> str:
    one, two = source.kind, target.kind
    if one == "json":
        return _from_json(sql, target)
    if two == "json":
        return _to_json(sql, source)
    if two == "varchar":
        return _shortened(_to_varchar(sql, source), target)
    if one in {"array", "map", "row"} or two in {"array", "map", "row"}:
        return _nested(sql, source, target)
    if one == "varchar":
        return _from_varchar(sql, target)
    if two in t.INTEGERS and one in {"double", "real", "decimal"}:
        return f"CAST(trino.half_up({sql}) AS {t.duckdb_name(target)})"
    if one == "timestamptz" and two in {"timestamp", "date"}:
        return f"CAST({zoned.wall(sql, source.zone)} AS {t.duckdb_name(target)})"
    if (one in t.TIMES and two in t.NUMBERS) or (two in t.TIMES and one in t.NUMBERS):
        raise QueryError(f"Cannot cast {source} to {target}", hint="to_unixtime(…), from_unixtime(…)")
    return f"CAST({sql} AS {t.duckdb_name(target)})"


def _from_varchar(sql: str, target: Type) -> str:
    name = t.duckdb_name(target)
    if target.kind in t.INTEGERS:
        return f"CAST(trino.whole_number({sql}) AS {name})"
    if target.kind == "boolean":
        return f"trino.truth({sql})"
    if target.kind == "varbinary":
        return f"encode({sql})"
    if target.kind in {"timestamp", "date"}:
        return f"trino.text_{target.kind}({sql})"
    if target.kind == "double":
        return f"trino.text_double({sql})"
    if target.kind == "interval":
        raise QueryError("Cannot cast varchar to an interval", hint="INTERVAL '7' DAY, parse_duration is not supported")
    return f"CAST({sql} AS {name})"


def _shortened(sql: str, target: Type) -> str:
    return f"{sql}[1:{target.precision}]" if target.precision else sql


def _to_varchar(sql: str, source: Type) -> str:
    match source.kind:
        case "varchar":
            return sql
        case "double":
            return f"trino.double_text({sql})"
        case "real":
            return f"trino.double_text(CAST(CAST({sql} AS VARCHAR) AS DOUBLE))"
        case "decimal" if source.precision == source.scale:  # DuckDB writes .5
            return rf"regexp_replace(CAST({sql} AS VARCHAR), '^(-?)\.', '\10.')"
        case "interval":
            return f"trino.interval_text({sql})"
        case "months":
            return f"trino.months_text({sql})"
        case "timestamp":
            return f"trino.timestamp_text({sql})"
        case "timestamptz":
            return f"trino.timestamptz_text({zoned.wall(sql, source.zone)}, {source.zone or zoned.UTC})"
        case "array" | "map" | "row":
            raise QueryError(f"Cannot cast {source} to varchar", hint="json_format(CAST(… AS json))")
        case "varbinary":
            raise QueryError("Cannot cast varbinary to varchar", hint="from_utf8(…), to_hex(…)")
    return f"CAST({sql} AS VARCHAR)"


def _from_json(sql: str, target: Type) -> str:
    kind = target.kind
    match kind:
        case "json" | "unknown":
            return sql
        case "varchar":
            return _shortened(f"trino.json_text({sql})", target)
        case "boolean":
            return f"trino.json_boolean({sql})"
        case "tinyint" | "smallint" | "integer" | "bigint":
            return f"CAST(trino.half_up(CAST(trino.json_number({sql}) AS DECIMAL(38, 6))) AS {t.duckdb_name(target)})"
        case "double" | "real" | "decimal":
            return f"CAST(trino.json_number({sql}) AS {t.duckdb_name(target)})"
        case "array":
            each = f"q{crc32(sql.encode()):x}"
            return f"list_transform(trino.json_items({sql}), lambda {each}: {_from_json(each, target.element)})"
        case "map":
            each = f"q{crc32(sql.encode()):x}"
            if target.key.kind != "varchar":
                raise QueryError(f"Cannot cast json to {target}", hint="map(varchar, …)")
            value = _from_json(f"{each}.value", target.value)
            entry = f"{{'key': {each}.key, 'value': {value}}}"
            return f"map_from_entries(list_transform(trino.json_members({sql}), lambda {each}: {entry}))"
        case "row":
            parts = []
            for place, (name, inner) in enumerate(target.fields):
                found = f"CASE json_type({sql}) WHEN 'ARRAY' THEN json_extract({sql}, '$[{place}]') ELSE " + (
                    f"trino.member({sql}, '{name.replace(chr(39), chr(39) * 2)}') END"
                )
                parts.append(f'"{name}" := {_from_json(found, inner)}')
            return f"CASE WHEN json_type({sql}) IN ('OBJECT', 'ARRAY') THEN struct_pack({', '.join(parts)}) END"
    raise QueryError(f"Cannot cast json to {target}", hint="cast it to varchar first")


def _to_json(sql: str, source: Type) -> str:
    if source.kind in {"timestamp", "timestamptz", "date"}:
        return f"to_json({_to_varchar(sql, source)})"
    if source.kind == "decimal":
        return f"CAST({_to_varchar(sql, source)} AS JSON)"
    if source.kind == "map" and source.key.kind == "varchar":
        return f"to_json(map_from_entries(list_sort(map_entries({sql}))))"
    return f"to_json({sql})"


def _nested(sql: str, source: Type, target: Type) -> str:
    if source.kind == "unknown":
        return f"CAST({sql} AS {t.duckdb_name(target)})"
    if source.kind == "array" and target.kind == "array":
        each = f"q{crc32(sql.encode()):x}"
        return f"list_transform({sql}, lambda {each}: {_cast(each, source.element, target.element)})"
    if source.kind == "map" and target.kind == "map":
        each = f"q{crc32(sql.encode()):x}"
        key, value = _cast(f"{each}.key", source.key, target.key), _cast(f"{each}.value", source.value, target.value)
        return (
            f"map_from_entries(list_transform(map_entries({sql}), lambda {each}: {{'key': {key}, 'value': {value}}}))"
        )
    if source.kind == "row" and target.kind == "row" and len(source.fields) == len(target.fields):
        names = [name or f"field{place}" for place, (name, _) in enumerate(target.fields)]
        parts = [
            f'"{name}" := {_cast(_part(sql, old, place), kind, wanted)}'
            for place, (name, (old, kind), (_, wanted)) in enumerate(
                zip(names, source.fields, target.fields, strict=True)
            )
        ]
        return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({', '.join(parts)}) END"
    raise QueryError(f"Cannot cast {source} to {target}", hint="CAST(json_parse(…) AS …)")


def _part(sql: str, name: str, place: int) -> str:
    return f'{sql}."{name or f"field{place}"}"'
