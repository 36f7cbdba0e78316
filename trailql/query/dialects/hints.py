"""Refusals in the words of the query: which argument does not fit, and what works in its place."""

from __future__ import annotations

from difflib import get_close_matches

from trailql.errors import QueryError
from trailql.query.dialects import functions
from trailql.query.dialects import types as t
from trailql.query.dialects.special import SPECIAL
from trailql.query.dialects.values import Value, shown


def no_function(name: str, arguments: int) -> QueryError:
    forms = functions.FUNCTIONS.get(name)
    if forms:
        counts = " or ".join(
            str(each.least)
            if each.least == each.most
            else f"{each.least} to {each.most}"
            if each.most >= 0
            else f"{each.least} or more"
            for each in forms
        )
        return QueryError(f"{name} takes {counts} arguments, not {arguments}")
    if name in functions.OTHER_NAMES:
        what = f"the function {name} is not known in Lake and Athena queries"
        return QueryError(what, hint=f"instead: {functions.OTHER_NAMES[name]}")
    near = get_close_matches(name, [*functions.FUNCTIONS, *SPECIAL], 1, 0.7)
    hint = (
        f"did you mean {near[0]}?" if near else "docs/dialects.md lists the functions; DuckDB's own: --dialect duckdb"
    )
    return QueryError(f"the function {name} is not known in Lake and Athena queries", hint=hint)


_TEXT_FUNCTIONS = frozenset(
    """
    lower upper trim ltrim rtrim length substr substring replace split split_part strpos starts_with regexp_like
    regexp_extract regexp_extract_all regexp_replace regexp_split regexp_count regexp_position reverse url_decode
    url_encode url_extract_host url_extract_path json_parse from_iso8601_timestamp from_iso8601_date
    """.split()
)


_NUMBER_FUNCTIONS = frozenset(
    """
    abs ceil ceiling floor round truncate sign sqrt cbrt exp ln log2 log10 mod sum avg stddev stddev_pop stddev_samp
    variance var_pop var_samp geometric_mean approx_percentile
    """.split()
)


def check_argument(name: str, place: int, value: Value) -> None:
    if not place and name in _NUMBER_FUNCTIONS and value.type.kind not in {*t.NUMBERS, *t.SPANS, "unknown"}:
        hint = f"{name}(CAST({shown(value)} AS bigint))" if value.type.kind == "varchar" else None
        raise QueryError(f"{shown(value)} is {value.type}: {name} needs a number", hint=hint)
    if not place and name in {"max", "min"} and value.type.kind in {"map", "json"}:
        raise QueryError(f"{shown(value)} is {value.type}, which has no order: {name} needs one", hint=like_hint(value))
    if place or name not in _TEXT_FUNCTIONS or value.type.kind in {"varchar", "unknown"}:
        return
    if name in {"reverse"} and value.type.kind == "array":
        return
    if name in {"length"} and value.type.kind == "varbinary":
        return
    raise QueryError(f"{shown(value)} is {value.type}: {name} needs text", hint=like_hint(value))


def unnest_hint(value: Value) -> str | None:
    if value.type.kind in {"varchar", "json"}:
        return "CAST(json_parse(…) AS array(json))"
    return None


def access_hint(value: Value, key: str | None) -> str | None:
    if value.json is not None or value.type.kind == "varchar":
        return f"json_extract_scalar({shown(value)}, '$.{key or 'key'}')"
    return None


def compare_hint(value: Value, other: Value) -> str | None:
    kinds = {value.type.kind, other.type.kind}
    text = value if value.type.kind == "varchar" else other
    if "varchar" in kinds and kinds & set(t.TIMES):
        return f"from_iso8601_timestamp({shown(text)})"
    if "varchar" in kinds and kinds & set(t.NUMBERS):
        return "put the number in quotes, or CAST the text AS bigint"
    if "json" in kinds:
        return "json_extract_scalar instead of json_extract"
    if "map" in kinds:
        return "element_at(…, 'key')"
    return "CAST one of them"


def like_hint(value: Value) -> str | None:
    if value.type.kind == "map":
        return (
            f"element_at({shown(value)}, 'key'), or CAST(CAST({shown(value)} AS json) …): json_format(CAST(… AS json))"
        )
    return "json_format(…)" if value.type.kind in {"json", "row", "array"} else "CAST(… AS varchar)"
