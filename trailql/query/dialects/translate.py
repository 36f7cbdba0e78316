"""
Queries for CloudTrail Lake and Athena as queries of DuckDB over `events`, with the meaning they have on AWS.

Every expression is translated together with its type, because the type decides what it means: 7/2 is 3, 7/2.0 is a
decimal, `a['x']` reads a map or a list. What is not known here is refused by name; nothing is passed on in the hope
that DuckDB means the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches

from sqlglot import exp

from trailql.errors import QueryError
from trailql.lake.parquet import sql_text
from trailql.query.dialects import functions, zoned
from trailql.query.dialects import types as t
from trailql.query.dialects.casts import cast
from trailql.query.dialects.hints import access_hint, check_argument, compare_hint, like_hint, no_function, unnest_hint
from trailql.query.dialects.parsing import parse
from trailql.query.dialects.special import SPECIAL
from trailql.query.dialects.tables import TABLES, Field, packed
from trailql.query.dialects.times import ANY_DAY, compared_with_day, compared_with_text, day_and_text, day_like
from trailql.query.dialects.types import Type
from trailql.query.dialects.types import duckdb_name as duckdb_type
from trailql.query.dialects.values import (
    UNITS,
    Scope,
    Source,
    Value,
    json_path,
    json_value,
    local,
    one_type,
    parameter,
    quoted,
    shown,
    time_hint,
    unknown,
)

_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM", exp.NullSafeNEQ: "IS DISTINCT FROM",
}  # fmt: skip
_TURNED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
_ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
_PARAMETER = re.compile(r"\$[A-Za-z_]\w*")
_SYSTEM = frozenset({"information_schema", "pg_catalog", "system", "jmx", "temp"})
_INSIDE = re.compile(r"(?:sqlite_|duckdb_|pg_|pragma_)", re.IGNORECASE)
_TIME_TEXT = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)?")
_ZONED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d(?:\.\d{1,3})?)? ?(?:UTC|Z|[+-]\d\d:?\d\d|[A-Za-z]+/[\w/+-]+)")
_OF_OTHERS = {
    "eventdata": "eventData stands in event data stores for AWS Config items and for events from outside AWS",
    "configurationitem": "it belongs to AWS Config's table",
    "configurationitems": "it belongs to AWS Config's table",
}
"""Columns that published queries use beside CloudTrail's own."""
_OTHER_WORDS: dict[type[exp.Expr], tuple[str, str]] = {
    exp.ILike: ("ILIKE", "lower(…) LIKE 'in small letters%'"),
    exp.RegexpLike: ("RLIKE", "regexp_like(…, 'pattern')"),
    exp.Glob: ("GLOB", "LIKE"),
    exp.HexString: ("a number in hexadecimal", "its decimal digits"),
}
_STORE = re.compile(r"arn:aws[\w-]*:cloudtrail:[\w-]*:\d*:eventdatastore/[\w-]+")
_FILE = re.compile(r"[/\\*?]|^\w+:|\.(?:csv|json|jsonl|ndjson|parquet|gz|db|duckdb|txt|tsv)$", re.IGNORECASE)


def translate(query: str, dialect: str) -> str:
    """
    A query of one of AWS's dialects as DuckDB's SQL.

    Args:
        query: After `mended`.
        dialect: `lake` or `athena`.

    Raises:
        QueryError: It does not parse, or holds something that trailql does not know how to mean.
    """
    return _as_shown(*Translator(dialect).query(parse(query), Scope(), is_outermost=True))


def _as_shown(sql: str, columns: list[tuple[str, Type]]) -> str:
    """Intervals and times in another zone as the texts that Trino shows."""
    if not any(kind.kind in t.SPANS or kind.zone for _, kind in columns):
        return sql
    inside = [quoted(f"c{place}") for place in range(len(columns))]
    listed = (
        f"{cast(each, kind, t.VARCHAR) if kind.kind in t.SPANS or kind.zone else each} AS {quoted(name)}"
        for each, (name, kind) in zip(inside, columns, strict=True)
    )
    return f"SELECT {', '.join(listed)} FROM ({sql}) AS shown({', '.join(inside)})"


class Translator:
    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self._fields = TABLES[dialect]
        self._made = 0

    # Queries

    def query(self, node: exp.Expr, scope: Scope, *, is_outermost: bool = False) -> tuple[str, list[tuple[str, Type]]]:
        """SQL and columns of a query."""
        _check_parts(node)
        scope = scope.inner() if not is_outermost else scope
        begin = self._with(node, scope)
        if isinstance(node, exp.Subquery):
            inside, columns = self.query(node.this, scope)
            return f"{begin}({inside}){self._modifiers(node, scope, columns)}", columns
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, scope, begin)
        if isinstance(node, exp.Values):
            return self._values(node, scope)
        if isinstance(node, exp.Table):
            raise unknown("TABLE", "SELECT * FROM …")
        if not isinstance(node, exp.Select):
            raise unknown(type(node).__name__.upper())
        return self._select(node, scope, begin)

    def _with(self, node: exp.Expr, scope: Scope) -> str:
        found = node.args.get("with_")
        if not found:
            return ""
        if found.args.get("recursive"):
            raise unknown("WITH RECURSIVE")
        parts = []
        for each in found.expressions:
            sql, columns = self.query(each.this, scope)
            named = [column.name for column in each.args["alias"].args.get("columns") or []]
            if named:
                columns = [(name, kind) for name, (_, kind) in zip(named, columns, strict=False)]
            alias = each.alias
            given = "".join(f", {quoted(name)}" for name, _ in columns)[2:]
            parts.append(f"{quoted(alias)}({given}) AS ({sql})")
            scope.tables[alias.lower()] = columns
        return f"WITH {', '.join(parts)} "

    def _set_operation(self, node: exp.SetOperation, scope: Scope, begin: str) -> tuple[str, list[tuple[str, Type]]]:
        word = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}[type(node)]
        left, columns = self.query(node.left, scope)
        right, others = self.query(node.right, scope)
        if len(columns) != len(others):
            raise QueryError(f"{word}: {len(columns)} columns here, {len(others)} there")
        for place, ((_, one), (_, other)) in enumerate(zip(columns, others, strict=True), 1):
            if "unknown" not in {one.kind, other.kind} and t.common(one, other).kind == "unknown":
                raise QueryError(f"{word}: column {place} is {one} here and {other} there", hint="CAST one of them")
        columns = [(name, t.common(one, other)) for (name, one), (_, other) in zip(columns, others, strict=True)]
        every = "" if node.args.get("distinct") else " ALL"
        sql = f"{begin}({left}) {word}{every} ({right})"
        return sql + self._modifiers(node, scope, columns), columns

    def _values(self, node: exp.Values, scope: Scope) -> tuple[str, list[tuple[str, Type]]]:
        rows = [[self.value(each, scope) for each in _row(row)] for row in node.expressions]
        kinds = rows[0]
        columns = [(f"_col{place}", each.type) for place, each in enumerate(kinds)]
        rows_sql = ", ".join(f"({', '.join(each.sql for each in row)})" for row in rows)
        given = ", ".join(quoted(name) for name, _ in columns)
        return f"SELECT * FROM (VALUES {rows_sql}) AS v({given})", columns

    def _select(self, node: exp.Select, scope: Scope, begin: str) -> tuple[str, list[tuple[str, Type]]]:
        source = node.args.get("from_")
        tables = self._from(source, node.args.get("joins") or [], scope) if source else ""
        items = list(self._items(node, scope))
        listed = ", ".join(f"{value.sql} AS {quoted(name)}" for name, value in items)
        columns = [(name, value.type) for name, value in items]
        distinct = "DISTINCT " if node.args.get("distinct") else ""
        sql = f"{begin}SELECT {distinct}{listed}{tables}"
        if where := node.args.get("where"):
            sql += f" WHERE {self.condition(where.this, scope)}"
        if group := node.args.get("group"):
            sql += f" GROUP BY {self._group(group, scope)}"
        if having := node.args.get("having"):
            sql += f" HAVING {self.condition(having.this, scope)}"
        if window := node.args.get("windows"):
            parts = [f"{quoted(each.name)} AS ({self._window_inside(each, scope)})" for each in window]
            sql += f" WINDOW {', '.join(parts)}"
        return sql + self._modifiers(node, scope, columns, dict(items)), columns

    def _items(self, node: exp.Select, scope: Scope) -> Iterator[tuple[str, Value]]:
        for place, each in enumerate(node.expressions):
            if isinstance(each, exp.Star) or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star)):
                if each.args.get("except_") or each.args.get("replace"):
                    raise unknown("* EXCEPT", "name the columns")
                yield from self._star(each.args.get("table"), scope)
                continue
            inner = each.this if isinstance(each, exp.Alias) else each
            value = self.value(inner, scope)
            yield (each.alias if isinstance(each, exp.Alias) else value.name or f"_col{place}"), value

    def _star(self, table: exp.Expr | None, scope: Scope) -> Iterator[tuple[str, Value]]:
        wanted = table.name.lower() if table else None
        found = [source for source in scope.sources if wanted is None or wanted in source.names]
        if not found:
            raise QueryError(f"{wanted or '*'}.*: no such table in FROM" if wanted else "SELECT * needs a FROM")
        if wanted is None:
            for name, value in scope.merged.items():
                yield value.name or name, self.final(value)
        for source in found:
            for name in source.order:
                if name in scope.merged:
                    continue
                value = source.columns[name]
                yield value.name or name, self.final(value)

    def _modifiers(
        self,
        node: exp.Expr,
        scope: Scope,
        columns: list[tuple[str, Type]],
        items: dict[str, Value] | None = None,
    ) -> str:
        sql = ""
        if order := node.args.get("order"):
            sql += f" ORDER BY {self._order(order, scope, [name for name, _ in columns], items)}"
        if limit := node.args.get("limit"):
            count = limit.args.get("count") if isinstance(limit, exp.Fetch) else limit.expression
            options = limit.args.get("limit_options")
            if options is not None and (options.args.get("with_ties") or options.args.get("percent")):
                raise unknown("FETCH … WITH TIES", "LIMIT")
            if count is not None and count.name.upper() != "ALL":
                sql += f" LIMIT {self.value(count, scope).sql}"
        if offset := node.args.get("offset"):
            sql += f" OFFSET {self.value(offset.expression, scope).sql}"
        return sql

    def _order(self, order: exp.Order, scope: Scope, names: list[str], items: dict[str, Value] | None) -> str:
        parts = []
        lowered = {name.lower(): name for name in names}
        for each in order.expressions:
            inner = each.this
            if isinstance(inner, exp.Literal) and not inner.is_string:
                sql = inner.name
            elif isinstance(inner, exp.Column) and not inner.args.get("table") and inner.name.lower() in lowered:
                sql = quoted(lowered[inner.name.lower()])
            elif items is None:
                sql = self._order_of_names(inner, scope, names)
            else:
                sql = self._with_aliases(inner, scope, items)
            parts.append(f"{sql}{' DESC' if each.args.get('desc') else ''} {_nulls(each)}")
        return ", ".join(parts)

    def _order_of_names(self, node: exp.Expr, scope: Scope, names: list[str]) -> str:
        inside = scope.inner()
        inside.sources = [Source((), {name.lower(): Value(quoted(name)) for name in names}, names)]
        return self.value(node, inside).sql

    def _with_aliases(self, node: exp.Expr, scope: Scope, items: dict[str, Value]) -> str:
        """An ORDER BY expression may use the names of the select list."""
        inside = Scope(scope.sources, scope.parent, dict(scope.lambdas), scope.tables)
        inside.lambdas.update({name.lower(): value for name, value in items.items()})
        return self.value(node, inside).sql

    def _group(self, group: exp.Group, scope: Scope) -> str:
        _check_parts(group)
        parts = [self._group_item(each, scope) for each in group.expressions]
        for key, word in (("grouping_sets", "GROUPING SETS"), ("cube", "CUBE"), ("rollup", "ROLLUP")):
            for each in group.args.get(key) or []:
                inside = [self._group_item(item, scope) for item in each.expressions]
                parts.append(f"{word} ({', '.join(inside)})")
        if group.args.get("all"):
            raise unknown("GROUP BY ALL", "name the columns")
        return ", ".join(parts)

    def _group_item(self, node: exp.Expr, scope: Scope) -> str:
        if isinstance(node, exp.Literal) and not node.is_string:
            return node.name
        if isinstance(node, exp.Tuple):
            return f"({', '.join(self._group_item(each, scope) for each in node.expressions)})"
        if isinstance(node, exp.Cube | exp.Rollup | exp.GroupingSets):
            word = {exp.Cube: "CUBE", exp.Rollup: "ROLLUP", exp.GroupingSets: "GROUPING SETS"}[type(node)]
            return f"{word} ({', '.join(self._group_item(each, scope) for each in node.expressions)})"
        if isinstance(node, exp.Paren):
            return f"({self._group_item(node.this, scope)})"
        try:
            return self.value(node, scope).sql
        except QueryError:
            alias = self._alias_in_select(node)
            if alias is None:
                raise
            return alias

    @staticmethod
    def _alias_in_select(node: exp.Expr) -> str | None:
        """AWS refuses an alias in GROUP BY; what it means is clear all the same."""
        select = node.find_ancestor(exp.Select)
        if select is None or not isinstance(node, exp.Column) or node.args.get("table"):
            return None
        for place, each in enumerate(select.expressions, 1):
            if isinstance(each, exp.Alias) and each.alias.lower() == node.name.lower():
                return str(place)
        return None

    # FROM

    def _from(self, source: exp.From, joins: Sequence[exp.Join], scope: Scope) -> str:
        sql = f" FROM {self._table(source.this, scope)}"
        for join in joins:
            sql += self._join(join, scope)
        return sql

    def _join(self, join: exp.Join, scope: Scope) -> str:
        _check_parts(join)
        side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
        if join.args.get("method"):
            raise unknown(f"{join.args['method']} JOIN", "JOIN … ON")
        is_lateral = isinstance(join.this, exp.Unnest | exp.Lateral)
        table = self._table(join.this, scope)
        on, using = join.args.get("on"), join.args.get("using")
        if using:
            ons = [self._merge(scope, each.name, side) for each in using]
            return f" {side} JOIN {table} ON {' AND '.join(ons)}"
        if on is None or kind == "CROSS":
            if side and side != "CROSS" and not is_lateral:
                raise QueryError(f"{side} JOIN without ON")
            return f" CROSS JOIN {table}" if not side else f" {side} JOIN {table} ON true"
        words = " ".join(filter(None, [side, "JOIN"]))
        return f" {words} {table} ON {self.condition(on, scope)}"

    def _merge(self, scope: Scope, name: str, side: str) -> str:
        """The condition that USING a name stands for; from here on the name means one column."""
        *before, last = scope.sources
        found = [each for source in before if (each := _lookup(source, name)) is not None]
        other = _lookup(last, name)
        if not found or other is None:
            raise QueryError(f"USING ({name}): there is no such column on both sides", hint="JOIN … ON")
        condition = self.compare("=", found[0], other).sql
        merged = other if side == "RIGHT" else found[0]
        if side == "FULL":
            whole = f"coalesce({self.final(found[0]).sql}, {self.final(other).sql})"
            merged = Value(whole, found[0].type, found[0].name)
        for source in scope.sources:
            if name.lower() in source.columns:
                source.columns[name.lower()] = merged
        scope.merged[name.lower()] = merged
        return condition

    def _table(self, node: exp.Expr, scope: Scope) -> str:
        if isinstance(node, exp.Paren):
            return self._table(node.this, scope)
        _check_parts(node)
        joined = node.args.get("joins")
        if isinstance(node, exp.Unnest):
            return self._unnest(node, scope)
        if isinstance(node, exp.Lateral):
            if isinstance(node.this, exp.Unnest):
                return self._unnest(node.this, scope, node.args.get("alias"))
            raise unknown("LATERAL", "a subquery in FROM")
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table):
            sql = self._table(node.this, scope)
            return f"({sql}{''.join(self._join(each, scope) for each in node.this.args.get('joins') or [])})"
        if isinstance(node, exp.Subquery | exp.Values):
            alias = node.args.get("alias")
            outer = Scope(parent=scope.parent, tables=scope.tables)
            sql, columns = self.query(node.this if isinstance(node, exp.Subquery) else node, outer)
            return f"({sql}) AS {self._add(alias, columns, scope)}"
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            raise unknown(node.sql("trino")[:60])
        known = scope.tables.get(node.name.lower())
        if known is not None and not node.args.get("db"):
            alias = node.args.get("alias")
            if alias is None:
                alias = exp.TableAlias(this=exp.to_identifier(node.name, quoted=True))
            sql = f"{quoted(node.name)} AS {self._add(alias, known, scope)}"
        else:
            sql = self._base(node, scope)
        return sql + "".join(self._join(each, scope) for each in joined or [])

    def _base(self, node: exp.Table, scope: Scope) -> str:
        """The event data store, whatever it is called."""
        name = node.name
        alias = node.alias or name
        schema = node.text("db").lower()
        is_file = (_FILE.search(name) or _INSIDE.match(name)) and not _STORE.fullmatch(name)
        if schema in _SYSTEM or node.text("catalog").lower() in _SYSTEM or is_file:
            raise QueryError(
                f"{node.sql('trino')} is no table of the lake",
                hint="a query sees the lake, and no other files or tables",
            )
        if node.args.get("alias") and node.args["alias"].args.get("columns"):
            raise unknown("column names behind a table's alias", "a subquery")
        owner = quoted(alias)
        columns = {each.name.lower(): _column(each, owner) for each in self._fields}
        order = [each.name.lower() for each in self._fields if not each.hidden]
        names = {alias.lower()} if node.alias else {name.lower(), f"{node.db}.{name}".lower()}
        scope.sources.append(Source(tuple(names), columns, order, is_base=True))
        return f"main.events AS {owner}"

    def _add(self, alias: exp.TableAlias | None, columns: list[tuple[str, Type]], scope: Scope) -> str:
        self._made += 1
        name = alias.name if alias and alias.this else f"unnamed {self._made}"
        given = [each.name for each in (alias.args.get("columns") or [])] if alias else []
        if given and len(given) != len(columns):
            raise QueryError(f"{name} has {len(columns)} columns, and {len(given)} names for them")
        names = given or [each for each, _ in columns]
        owner = quoted(name)
        inside = [f"c{place}" for place in range(len(names))]
        found: dict[str, Value] = {}
        for each, column, (_, kind) in zip(names, inside, columns, strict=True):
            found.setdefault(each.lower(), Value(f"{owner}.{quoted(column)}", kind, each))
        scope.sources.append(Source((name.lower(),), found, list(found)))
        return f"{owner}({', '.join(map(quoted, inside))})"

    def _unnest(self, node: exp.Unnest, scope: Scope, alias: exp.TableAlias | None = None) -> str:
        alias = alias or node.args.get("alias")
        values = [self.value(each, scope) for each in node.expressions]
        given = [each.name for each in (alias.args.get("columns") or [])] if alias else []
        ordinality = node.args.get("offset")
        if isinstance(ordinality, exp.Identifier):
            given.append(ordinality.name)
        wanted = len(given) - bool(ordinality)
        columns: list[tuple[str, Type]] = []
        inside, outside = [], []
        whole = wanted == len(values)  # one name for a row: the row itself, as AWS's examples have it
        for place, value in enumerate(values):
            each = f"u{place}"
            if value.type.kind == "map":
                inside.append(f"unnest(map_entries({value.sql})) AS {each}")
                outside += [f"{each}.key", f"{each}.value"]
                columns += [("key", value.type.key), ("value", value.type.value)]
                continue
            if value.type.kind not in {"array", "unknown"}:
                raise QueryError(f"UNNEST of {value.type} is not possible", hint=unnest_hint(value))
            inside.append(f"unnest({value.sql}) AS {each}")
            element = value.type.element
            if element.kind == "row" and not (whole and len(element.fields) != 1):
                outside += [f"{each}.{quoted(name)}" for name, _ in element.fields]
                columns += list(element.fields)
            else:
                outside.append(each)
                columns.append((f"col{place}", element))
        if ordinality:
            longest = ", ".join(f"coalesce(CAST(cardinality({value.sql}) AS BIGINT), 0)" for value in values)
            inside.append(f"unnest(range(1, greatest({longest}, 0) + 1)) AS place")
            outside.append("place")
            columns.append(("ordinality", t.BIGINT))
        if given:
            if len(given) != len(columns):
                raise QueryError(f"UNNEST makes {len(columns)} columns, and there are {len(given)} names for them")
            columns = [(name, kind) for name, (_, kind) in zip(given, columns, strict=True)]
            alias = exp.TableAlias(this=alias.this if alias else None)
        listed = ", ".join(f"{sql} AS {quoted(f'c{place}')}" for place, sql in enumerate(outside))
        sql = f"LATERAL (SELECT {listed} FROM (SELECT {', '.join(inside)}))"
        return f"{sql} AS {self._add(alias, columns, scope)}"

    # Names

    def _resolve(self, parts: list[exp.Identifier], scope: Scope) -> Value:
        names = [part.name for part in parts]
        if _PARAMETER.fullmatch(names[0]) and len(names) == 1 and not parts[0].args.get("quoted"):
            return Value(names[0], t.UNKNOWN, is_fixed=True)
        place: Scope | None = scope
        while place is not None:
            if names[0].lower() in place.lambdas:
                return self._dots(place.lambdas[names[0].lower()], names[1:])
            for skipped in range(min(3, len(names) - 1)):
                for source in place.sources:
                    if names[skipped].lower() in source.names:
                        found = _lookup(source, names[skipped + 1])
                        if found is not None:
                            return self._dots(found, names[skipped + 2 :])
                        if len(names) == skipped + 2 and not source.is_base:
                            raise self._no_column(names[skipped + 1], [source])
            found_in = [(source, each) for source in place.sources if (each := _lookup(source, names[0])) is not None]
            exact = [each for source, each in found_in if names[0].lower() in source.columns]
            if len(exact) > 1:  # a column that SELECT * leaves out gives way
                exact = [each for source, each in found_in if names[0].lower() in source.order] or exact
            if len(exact) > 1 and len({each.sql for each in exact}) > 1:
                raise QueryError(f"column {names[0]} is ambiguous", hint="say of which table: t." + names[0])
            if exact or found_in:
                return self._dots(exact[0] if exact else found_in[0][1], names[1:])
            place = place.parent
        if len(names) == 1 and re.fullmatch(r"\$\w+", names[0]):
            return Value(names[0], is_fixed=True)
        sources = []
        place = scope
        while place is not None:
            sources += place.sources
            place = place.parent
        error = self._no_column(".".join(names), sources)
        if parts[-1].quoted and len(names) == 1:
            raise QueryError(error.message, hint=f"{error.hint} A text stands in single quotes: {sql_text(names[0])}")
        raise error

    def _no_column(self, name: str, sources: list[Source]) -> QueryError:
        first = name.lower().partition(".")[0]
        if first in _OF_OTHERS:
            raise QueryError(f"there is no column {name}: {_OF_OTHERS[first]}", hint="queries over CloudTrail's events")
        known = {each: source.columns[each].name or each for source in sources for each in source.columns}
        near = get_close_matches(name.lower(), known, 1, 0.6)
        hint = f"did you mean {known[near[0]]}?" if near else "trailql describe events lists the columns"
        return QueryError(f"there is no column {name}", hint=hint)

    def _dots(self, value: Value, names: Sequence[str]) -> Value:
        for name in names:
            value = self._dot(value, name)
        return value

    def _dot(self, value: Value, name: str) -> Value:
        if value.fields:
            return _field_of(value, name)
        if value.json is not None:
            return json_value(value.json[0], (*value.json[1], name), name)
        kind = value.type
        if kind.kind == "row":
            for each, inner in kind.fields:
                if each.lower() == name.lower():
                    return Value(f"{value.sql}.{quoted(each)}", inner, name)
            near = get_close_matches(name.lower(), [each for each, _ in kind.fields], 1)
            raise QueryError(f"there is no field {name} in {kind}", hint=f"did you mean {near[0]}?" if near else None)
        if kind.kind == "map":
            return Value(f"{value.sql}[{sql_text(name)}]", kind.value, name)
        if kind.kind == "json":
            return Value(f"trino.json_at({value.sql}, {sql_text(json_path((name,)))})", t.JSON, name)
        if kind.kind == "unknown":
            return Value(f"{value.sql}.{quoted(name)}", t.UNKNOWN, name)
        hint = f"element_at({shown(value)}, 1).{name}" if kind.element.fields else access_hint(value, name)
        raise QueryError(f"{shown(value)}.{name}: {kind} has no fields", hint=hint)

    def final(self, value: Value) -> Value:
        """A struct of the base table as the dialect shows it, when it is used as a whole."""
        if value.fields:
            return replace(value, sql=f"({packed(value.sql, value.fields)})", fields=())
        if value.around[0]:
            before, behind = value.around
            return replace(value, sql=f"{before}{value.sql}{behind}", around=("", ""))
        return value

    # Expressions

    def condition(self, node: exp.Expr, scope: Scope) -> str:
        value = self.value(node, scope)
        if value.type.kind not in {"boolean", "unknown"}:
            raise QueryError(f"a condition is a boolean, {node.sql('trino')[:60]} is {value.type}")
        return value.sql

    def value(self, node: exp.Expr, scope: Scope) -> Value:
        """An expression as it is used in SQL."""
        found = self.final(self.raw(node, scope))
        zone = found.type.zone
        if not isinstance(node.parent, exp.Select | exp.Alias):
            return found
        if zone and not zone.startswith("'"):  # beyond this query the zone is not known
            return Value(cast(found.sql, found.type, t.VARCHAR), t.VARCHAR, found.name)
        if found.type.kind == "json" and isinstance(node, exp.Anonymous) and node.name.lower() == "json_array_get":
            return Value(f"trino.json_bare({found.sql})", t.VARCHAR)  # Trino gives a text without its quotes
        return found

    def raw(self, node: exp.Expr, scope: Scope) -> Value:
        for kind in type(node).__mro__:
            method = _METHODS.get(kind)
            if method is not None:
                _check_parts(node)
                found: Value = method(self, node, scope)
                return found if found.node is not None else replace(found, node=node)
        word, instead = _OTHER_WORDS.get(type(node), (node.sql("trino")[:60], None))
        raise unknown(word, instead)

    def _column(self, node: exp.Column, scope: Scope) -> Value:
        return self._resolve([part for part in node.parts if isinstance(part, exp.Identifier)], scope)

    def _identifier(self, node: exp.Identifier, scope: Scope) -> Value:
        return self._resolve([node], scope)

    def _dotted(self, node: exp.Dot, scope: Scope) -> Value:
        found = self._dot(self.raw(node.this, scope), node.expression.name)
        return found if isinstance(node.this, exp.Column | exp.Dot) and found.name else replace(found, name="")

    def _bracket(self, node: exp.Bracket, scope: Scope) -> Value:
        value = self.raw(node.this, scope)
        if len(node.expressions) != 1:
            raise unknown(node.sql("trino")[:60])
        return self._at(value, self.value(node.expressions[0], scope), is_strict=True)

    def _at(self, value: Value, key: Value, *, is_strict: bool = False) -> Value:
        if value.json is not None and value.type.kind == "map" and key.literal is not None:
            return json_value(value.json[0], (*value.json[1], key.literal), "")
        value = self.final(value)
        kind = value.type
        if kind.kind == "map":
            return Value(f"{value.sql}[{key.sql}]", kind.value)
        if kind.kind == "array":
            if is_strict and re.fullmatch(r"\(-\d+\)", key.sql):
                raise QueryError(f"[{key.sql[1:-1]}]: an array begins at 1", hint=f"element_at(…, {key.sql[1:-1]})")
            at = f"{value.sql}[{key.sql}]" if key.is_fixed and key.sql != "0" else f"trino.at({value.sql}, {key.sql})"
            return Value(at, kind.element)
        if kind.kind == "row" and is_strict and key.sql.isdigit():
            name, inner = kind.fields[int(key.sql) - 1]
            return Value(f"{value.sql}.{quoted(name)}", inner)
        if kind.kind == "unknown":
            return Value(f"{value.sql}[{key.sql}]")
        raise QueryError(f"{shown(value)} is {kind}, neither array nor map", hint=access_hint(value, key.literal))

    def _literal(self, node: exp.Literal, scope: Scope) -> Value:
        if node.is_string:
            return Value(sql_text(node.this), t.VARCHAR, is_fixed=True, literal=node.this)
        text = node.this
        if re.fullmatch(r"\d+", text):
            kind = t.INTEGER if int(text) < 2**31 else t.BIGINT
            return Value(text, kind, is_fixed=True)
        if re.fullmatch(r"\d*\.\d*", text):
            whole, _, part = text.partition(".")
            kind = t.decimal_of(max(len(whole.lstrip("0")) + len(part), 1), len(part))
            return Value(f"CAST({sql_text(text)} AS {t.duckdb_name(kind)})", kind, is_fixed=True)
        return Value(f"CAST({sql_text(text)} AS DOUBLE)", t.DOUBLE, is_fixed=True)

    def _boolean(self, node: exp.Boolean, scope: Scope) -> Value:
        return Value("true" if node.this else "false", t.BOOLEAN, is_fixed=True)

    def _null(self, node: exp.Null, scope: Scope) -> Value:
        return Value("NULL", t.UNKNOWN, is_fixed=True)

    def _paren(self, node: exp.Paren, scope: Scope) -> Value:
        inner = self.raw(node.this, scope)
        return inner if inner.fields else replace(inner, sql=f"({inner.sql})")

    def _connected(self, node: exp.Connector, scope: Scope) -> Value:
        word = {exp.And: "AND", exp.Or: "OR"}.get(type(node))
        if word is None:
            raise unknown(node.key.upper())
        parts = [self.condition(each, scope) for each in node.flatten()]
        return Value(f"({f' {word} '.join(parts)})", t.BOOLEAN)

    def _not(self, node: exp.Not, scope: Scope) -> Value:
        return Value(f"(NOT {self.condition(node.this, scope)})", t.BOOLEAN)

    def _is(self, node: exp.Is, scope: Scope) -> Value:
        value = self.raw(node.this, scope)
        if isinstance(node.expression, exp.Null):
            return Value(f"({value.sql} IS NULL)", t.BOOLEAN)
        if isinstance(node.expression, exp.Boolean):
            return Value(f"({self.final(value).sql} IS {node.expression.sql()})", t.BOOLEAN)
        raise unknown(node.sql("trino")[:60])

    def _comparison(self, node: exp.Binary, scope: Scope) -> Value:
        operator = _COMPARISONS[type(node)]
        right = node.expression
        is_all = isinstance(right, exp.All) or (isinstance(right, exp.Anonymous) and right.name.upper() == "ALL")
        if isinstance(right, exp.Any) or is_all:
            left = self.value(node.this, scope)
            word = "ALL" if is_all else "ANY"
            inside, _ = self.query(right.expressions[0] if isinstance(right, exp.Anonymous) else right.this, scope)
            return Value(f"({left.sql} {operator} {word} ({inside}))", t.BOOLEAN)
        return self.compare(operator, self.raw(node.this, scope), self.raw(right, scope))

    def compare(self, operator: str, left: Value, right: Value) -> Value:
        """Two values compared as Trino would, once both are of one type."""
        if (right.instant and left.is_fixed) or (right.day and not left.day):
            left, right, operator = right, left, _TURNED.get(operator, operator)
        if right.literal is not None:
            by_time = None
            if left.day:
                by_time = compared_with_day(left.day[0], left.day[1], operator, right.literal)
            elif left.instant and left.type.kind == "varchar":
                by_time = compared_with_text(left.instant, operator, right.literal)
            if by_time:
                return Value(by_time, t.BOOLEAN)
        if left.day and (by_day := self._compared_by_day(operator, left, left.day, right)):
            return by_day
        left, right = self.final(left), self.final(right)
        left, right = self.alike(operator, left, right), self.alike(operator, right, left)
        if left.instant and right.is_fixed and right.type.kind in t.TIMES and operator in {"=", *_TURNED}:
            moment = f"CAST({right.sql} AS TIMESTAMPTZ)"
            day = {"=": "=", ">": ">=", "<": "<="}.get(operator, operator)
            owner = left.instant.removesuffix('."eventTime"')
            return Value(
                f"({left.instant} {operator} {moment} AND {owner}.event_date {day} CAST({moment} AS DATE))", t.BOOLEAN
            )
        return Value(f"({left.sql} {operator} {right.sql})", t.BOOLEAN)

    def _compared_by_day(self, operator: str, value: Value, day: tuple[str, str], other: Value) -> Value | None:
        """A partition column beside a number, a date, or a text that the query makes."""
        pattern, column = day
        if other.type.kind in t.INTEGERS and pattern in {"%Y", "%m", "%d"}:
            return Value(f"(CAST({value.sql} AS INTEGER) {operator} {other.sql})", t.BOOLEAN)
        if other.type.kind in t.TIMES and pattern in {ANY_DAY, "%Y/%m/%d", "%d"}:
            return Value(f"({column} {operator} CAST({local(other)} AS DATE))", t.BOOLEAN)
        if other.type.kind == "varchar" and other.literal is None and not other.day:
            one, two = day_and_text(pattern, column, self.final(other).sql)
            return Value(f"({one} {operator} {two})", t.BOOLEAN)
        return None

    def alike(self, operator: str, value: Value, other: Value) -> Value:
        """A value as the other one's type, where AWS does so by itself."""
        one, two = value.type.kind, other.type.kind
        if "unknown" in {one, two} or one == two:
            return value
        if one == "varchar" and two in t.TIMES and (self.dialect == "lake" or other.type.kind == "date"):
            if value.literal is not None and not re.match(r"\s*\d{4}-\d{1,2}-\d{1,2}", value.literal):
                raise QueryError(f"{shown(value)} is no time", hint="'2026-10-01 00:00:00'")
            kind = t.TIMESTAMP
            if value.literal is not None and re.search(r"(Z|[+-]\d\d:?\d\d)\s*$", value.literal[10:]):
                kind = t.TIMESTAMPTZ
            return Value(f"CAST({value.sql} AS {t.duckdb_name(kind)})", kind, is_fixed=value.is_fixed)
        if one == "varchar" and two == "boolean" and (value.literal or "").lower() in {"true", "false"}:
            return Value((value.literal or "").lower(), t.BOOLEAN, is_fixed=True)
        if two == "varchar" and one in {*t.TIMES, "boolean"} and (self.dialect == "lake" or one == "boolean"):
            return value
        if {one, two} <= set(t.NUMBERS) or {one, two} <= set(t.TIMES):
            return value
        if {one, two} <= {"interval"} or one == "uuid" or two == "uuid":
            return value
        raise QueryError(
            f"{shown(value)} is {value.type} and {shown(other)} is {other.type}: {operator} cannot compare them",
            hint=compare_hint(value, other),
        )

    def _between(self, node: exp.Between, scope: Scope) -> Value:
        value = self.raw(node.this, scope)
        low = self.compare(">=", value, self.raw(node.args["low"], scope))
        high = self.compare("<=", value, self.raw(node.args["high"], scope))
        return Value(f"({low.sql} AND {high.sql})", t.BOOLEAN)

    def _in(self, node: exp.In, scope: Scope) -> Value:
        query = node.args.get("query")
        if query is not None:
            left = self.value(node.this, scope)
            inside, columns = self.query(query.this if isinstance(query, exp.Subquery) else query, scope)
            if isinstance(node.this, exp.Tuple) and len(columns) != len(node.this.expressions):
                raise QueryError("IN: another number of columns in the subquery")
            return Value(f"({left.sql} IN ({inside}))", t.BOOLEAN)
        if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Values):
            inside, _ = self.query(node.expressions[0], scope)
            return Value(f"({self.value(node.this, scope).sql} IN ({inside}))", t.BOOLEAN)
        value = self.raw(node.this, scope)
        others = [self.raw(each, scope) for each in node.expressions]
        if (value.day or value.instant) and all(each.is_fixed for each in others):
            parts = [self.compare("=", value, other).sql for other in others]
            return Value(f"({' OR '.join(parts)})", t.BOOLEAN)
        value = self.final(value)
        alike = [self.alike("IN", self.final(other), value).sql for other in others]
        return Value(f"({value.sql} IN ({', '.join(alike)}))", t.BOOLEAN)

    def _like(self, node: exp.Like, scope: Scope) -> Value:
        left, right = self.value(node.this, scope), self.value(node.expression, scope)
        if left.day and right.literal is not None and (written := day_like(*left.day, right.literal)):
            left = replace(left, sql=written)
        for each in (left, right):
            if each.type.kind not in {"varchar", "unknown"}:
                raise QueryError(f"{shown(each)} is {each.type}: LIKE needs text", hint=like_hint(each))
        word = "NOT LIKE" if node.args.get("negate") else "LIKE"
        return Value(f"({left.sql} {word} {right.sql})", t.BOOLEAN)

    def _escape(self, node: exp.Escape, scope: Scope) -> Value:
        inner = self._like(node.this, scope)
        return Value(f"({inner.sql[1:-1]} ESCAPE {self.value(node.expression, scope).sql})", t.BOOLEAN)

    def _operation(self, node: exp.Binary, scope: Scope) -> Value:
        operator = _ARITHMETIC[type(node)]
        left, right = self.value(node.this, scope), self.value(node.expression, scope)
        for each in (left, right):
            if each.type.kind in {"varchar", "boolean", "json", "array", "map", "row"}:
                raise QueryError(f"{shown(each)} is {each.type}: no operand of {operator}", hint="CAST(… AS bigint)")
        kind = t.arithmetic(operator, left.type, right.type)
        fixed = left.is_fixed and right.is_fixed
        a, b = left.sql, right.sql
        if kind.kind == "decimal" and operator == "%":  # of two scales, DuckDB would reckon in doubles
            a, b = (f"CAST({each} AS DECIMAL(38, {kind.scale}))" for each in (a, b))
            sql = f"trino.mod({a}, {b})"
        elif kind.kind in t.INTEGERS and operator in "/%":
            sql = f"trino.{'div' if operator == '/' else 'mod'}({a}, {b})"
        elif kind.kind == "decimal" and operator == "/":
            sql = _exact_quotient(left, right, kind)
        elif kind.kind == "unknown" and operator == "/":
            raise QueryError(
                f"{shown(left)} / {shown(right)}: whether they are whole numbers is not known",
                hint="CAST(… AS double) / …",
            )
        elif kind.kind == "interval" and left.type.kind in t.TIMES:
            sql = _time_between(left, right)
        elif kind.kind == "date":
            sql = f"CAST({a} {operator} {b} AS DATE)"
        elif kind.kind == "double":
            sql = f"(CAST({a} AS DOUBLE) {operator} CAST({b} AS DOUBLE))"
        else:
            sql = f"({a} {operator} {b})"
        return Value(sql, kind, is_fixed=fixed)

    def _negative(self, node: exp.Neg, scope: Scope) -> Value:
        value = self.value(node.this, scope)
        return Value(f"(-{value.sql})", value.type, is_fixed=value.is_fixed)

    def _joined(self, node: exp.DPipe, scope: Scope) -> Value:
        return self.concatenated([self.value(node.this, scope), self.value(node.expression, scope)], "||")

    def concatenated(self, values: list[Value], word: str) -> Value:
        if any(each.type.kind == "array" for each in values):
            kind = next(each.type for each in values if each.type.kind == "array")
            parts = [each.sql if each.type.kind in {"array", "unknown"} else f"[{each.sql}]" for each in values]
            return Value(f"({' || '.join(parts)})", kind)
        for each in values:
            if each.type.kind not in {"varchar", "unknown", "varbinary", "uuid"}:
                raise QueryError(f"{shown(each)} is {each.type}: {word} needs text", hint="CAST(… AS varchar)")
        return Value(
            f"({' || '.join(each.sql for each in values)})", t.VARCHAR, is_fixed=all(each.is_fixed for each in values)
        )

    def _case(self, node: exp.Case, scope: Scope) -> Value:
        subject = self.raw(node.this, scope) if node.this is not None else None
        parts, results = [], []
        for each in node.args["ifs"]:
            if subject is None:
                condition = self.condition(each.this, scope)
            else:
                condition = self.compare("=", subject, self.raw(each.this, scope)).sql
            results.append(self.value(each.args["true"], scope))
            parts.append((condition, results[-1]))
        default = node.args.get("default")
        last = self.value(default, scope) if default is not None else None
        if last is not None:
            results.append(last)
        kind = one_type(results, "CASE")
        whens = " ".join(f"WHEN {condition} THEN {value.sql}" for condition, value in parts)
        return Value(f"CASE {whens}{f' ELSE {last.sql}' if last is not None else ''} END", kind)

    def _if(self, node: exp.If, scope: Scope) -> Value:
        condition = self.condition(node.this, scope)
        results = [self.value(node.args["true"], scope)]
        if node.args.get("false") is not None:
            results.append(self.value(node.args["false"], scope))
        other = results[1].sql if len(results) > 1 else "NULL"
        return Value(f"CASE WHEN {condition} THEN {results[0].sql} ELSE {other} END", one_type(results, "IF"))

    def _cast(self, node: exp.Cast, scope: Scope) -> Value:
        value = self.raw(node.this, scope)
        target = t.type_named(node.args["to"])
        is_try = isinstance(node, exp.TryCast)
        value = self.final(value)
        fixed = _fixed_time(value.literal, target) if value.literal is not None else None
        if fixed is not None:
            return fixed
        if target.kind in {"timestamp", "date"} and value.instant and value.type.kind == "varchar":
            sql = f"timezone('UTC', {value.instant})"
            return Value(sql if target.kind == "timestamp" else f"CAST({sql} AS DATE)", target)
        sql = cast(value.sql, value.type, target, is_try=is_try)
        if target.kind == "map" and isinstance(node.this, exp.Anonymous) and node.this.name.lower() == "json_parse":
            sql = f"map_from_entries(list_sort(map_entries({sql})))"  # json_parse sorts the keys
        instant = value.instant if target.kind in {"timestamp", "timestamptz"} and value.type.kind in t.TIMES else ""
        return Value(
            sql,
            replace(target, precision=0) if target.kind == "varchar" else target,
            value.name,
            instant=instant,
            is_fixed=value.is_fixed,
        )

    def _array(self, node: exp.Array, scope: Scope) -> Value:
        values = [self.value(each, scope) for each in node.expressions]
        element = one_type(values, "ARRAY") if values else t.UNKNOWN
        return Value(
            f"[{', '.join(each.sql for each in values)}]", t.array_of(element), is_fixed=all(e.is_fixed for e in values)
        )

    def _tuple(self, node: exp.Tuple, scope: Scope) -> Value:
        values = [self.value(each, scope) for each in node.expressions]
        return Value(f"({', '.join(each.sql for each in values)})")

    def _interval(self, node: exp.Interval, scope: Scope) -> Value:
        unit = node.args.get("unit")
        is_months = unit is not None and unit.name.upper().rstrip("S") in {"MONTH", "YEAR"}
        if unit is None or not isinstance(node.this, exp.Literal):
            raise unknown(node.sql("trino"), "INTERVAL '7' DAY")
        if isinstance(unit, exp.IntervalSpan):
            raise unknown(node.sql("trino"), "INTERVAL '90' MINUTE")
        kind = t.MONTHS if is_months else t.INTERVAL
        return Value(f"INTERVAL {sql_text(node.this.this)} {unit.name.upper()}", kind, is_fixed=True)

    def _extract(self, node: exp.Extract, scope: Scope) -> Value:
        return self.part_of_time(node.this.name, self.raw(node.expression, scope))

    def part_of_time(self, unit: str, value: Value) -> Value:
        unit = unit.lower()
        known = {
            "dow": "isodow", "day_of_week": "isodow", "doy": "doy", "day_of_year": "doy", "yow": "isoyear",
            "year_of_week": "isoyear", "week": "week", "week_of_year": "week", "day_of_month": "day",
            "millisecond": "millisecond", "timezone_hour": "timezone_hour", "timezone_minute": "timezone_minute",
        }.get(unit, unit if unit in UNITS else "")  # fmt: skip
        if not known:
            raise unknown(f"EXTRACT({unit.upper()} …)")
        if value.type.kind in t.SPANS:
            return _part_of_span(unit, value)
        if value.type.kind not in {*t.TIMES, "unknown"}:
            raise QueryError(f"{shown(value)} is {value.type}: {unit} needs a time", hint=time_hint(value))
        sql = f"date_part({sql_text(known)}, {local(value)})"
        if known.startswith("timezone"):
            seconds = f"CAST(epoch({local(value)} - timezone('UTC', {value.sql})) AS BIGINT)"
            sql = f"trunc({seconds} / 3600)" if known == "timezone_hour" else f"({seconds} // 60 % 60)"
        if known == "millisecond":
            sql = f"({sql} % 1000)"
        return Value(f"CAST({sql} AS BIGINT)", t.BIGINT, is_fixed=value.is_fixed)

    def _zoned(self, node: exp.AtTimeZone, scope: Scope) -> Value:
        return self.in_zone(self.raw(node.this, scope), self.value(node.args["zone"], scope))

    def in_zone(self, value: Value, zone: Value) -> Value:
        value = self.final(value)
        if value.type.kind not in {"timestamp", "timestamptz", "unknown"}:
            raise QueryError(f"{shown(value)} is {value.type}: AT TIME ZONE needs a time", hint=time_hint(value))
        sql = value.instant or (value.sql if value.type.kind == "timestamptz" else f"CAST({value.sql} AS TIMESTAMPTZ)")
        is_utc = (zone.literal or "").upper() in {"UTC", "Z", "GMT"}
        return Value(sql, Type("timestamptz", zone="" if is_utc else zone.sql), value.name, instant=value.instant)

    def _window(self, node: exp.Window, scope: Scope) -> Value:
        inner = self.raw(node.this, scope)
        name = node.args.get("alias")
        if name is not None and not node.args.get("order") and not node.args.get("partition_by"):
            return replace(inner, sql=f"{inner.sql} OVER {quoted(name.name)}", is_fixed=False)
        return replace(inner, sql=f"{inner.sql} OVER ({self._window_inside(node, scope)})", is_fixed=False)

    def _window_inside(self, node: exp.Window, scope: Scope) -> str:
        parts = []
        if partition := node.args.get("partition_by"):
            parts.append(f"PARTITION BY {', '.join(self.value(each, scope).sql for each in partition)}")
        if order := node.args.get("order"):
            keys = [
                f"{self.value(each.this, scope).sql}{' DESC' if each.args.get('desc') else ''} {_nulls(each)}"
                for each in order.expressions
            ]
            parts.append(f"ORDER BY {', '.join(keys)}")
        if spec := node.args.get("spec"):
            parts.append(self._frame(spec, scope))
        return " ".join(parts)

    def _frame(self, spec: exp.WindowSpec, scope: Scope) -> str:
        _check_parts(spec)

        def bound(key: str) -> str:
            value, side = spec.args.get(key), spec.args.get(f"{key}_side") or ""
            text = value if isinstance(value, str) else self.value(value, scope).sql if value is not None else ""
            return f"{text} {side}".strip()

        end = bound("end")
        kind = spec.args.get("kind", "RANGE")
        return f"{kind} BETWEEN {bound('start')} AND {end}" if end else f"{kind} {bound('start')}"

    def _filtered(self, node: exp.Filter, scope: Scope) -> Value:
        inner = self.raw(node.this, scope)
        where = node.expression.this
        return replace(inner, sql=f"{inner.sql} FILTER (WHERE {self.condition(where, scope)})")

    def _ignoring(self, node: exp.IgnoreNulls, scope: Scope) -> Value:
        inner = self.raw(node.this, scope)
        return replace(inner, sql=f"{inner.sql[:-1]} IGNORE NULLS)")

    def _respecting(self, node: exp.RespectNulls, scope: Scope) -> Value:
        return self.raw(node.this, scope)

    def _subquery(self, node: exp.Expr, scope: Scope) -> Value:
        inside, columns = self.query(node, scope)
        return Value(f"({inside})", columns[0][1] if len(columns) == 1 else t.UNKNOWN)

    def _exists(self, node: exp.Exists, scope: Scope) -> Value:
        inside, _ = self.query(node.this, scope)
        return Value(f"EXISTS ({inside})", t.BOOLEAN)

    def _current(self, node: exp.Expr, scope: Scope) -> Value:
        if isinstance(node, exp.CurrentDate):
            return Value("CAST(now() AS DATE)", t.DATE, is_fixed=True)
        if isinstance(node, exp.CurrentTimestamp):
            return Value("now()", t.TIMESTAMPTZ, is_fixed=True)
        return Value("timezone('UTC', now())", t.TIMESTAMP, is_fixed=True)

    def _substring(self, node: exp.Substring, scope: Scope) -> Value:
        parts = [node.this, node.args.get("start"), node.args.get("length")]
        return self._call("substr", [self.value(each, scope) for each in parts if each is not None], "")

    def _trim(self, node: exp.Trim, scope: Scope) -> Value:
        value = self.value(node.this, scope)
        side = (node.args.get("position") or "BOTH").upper()
        letters = node.expression
        if letters is None:
            name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(side, "trim")
            return self._call(name, [value], "")
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(side, "trim")
        return Value(f"system.main.{name}({value.sql}, {self.value(letters, scope).sql})", t.VARCHAR)

    def _position(self, node: exp.StrPosition, scope: Scope) -> Value:
        found = [self.value(node.this, scope), self.value(node.args["substr"], scope)]
        return self._call("strpos", found, "")

    def _listagg(self, node: exp.GroupConcat, scope: Scope) -> Value:
        inner, order = node.this, ""
        distinct = ""
        if isinstance(inner, exp.Order):
            order = " ORDER BY " + self._keys(inner, scope)
            inner = inner.this
        if isinstance(inner, exp.Distinct):
            distinct, inner = "DISTINCT ", inner.expressions[0]
        separator = node.args.get("separator")
        between = self.value(separator, scope).sql if separator is not None else "''"
        return Value(f"string_agg({distinct}{self.value(inner, scope).sql}, {between}{order})", t.VARCHAR)

    def _keys(self, order: exp.Order, scope: Scope) -> str:
        return ", ".join(
            f"{self.value(each.this, scope).sql}{' DESC' if each.args.get('desc') else ''} {_nulls(each)}"
            for each in order.expressions
        )

    def _lambda(self, node: exp.Lambda, scope: Scope) -> Value:
        raise QueryError(f"{node.sql('trino')[:60]}: a lambda stands only in functions that take one")

    def _alias(self, node: exp.Alias, scope: Scope) -> Value:
        return self.value(node.this, scope)

    def _placeholder(self, node: exp.Expr, scope: Scope) -> Value:
        name = node.name if isinstance(node, exp.Placeholder) and node.this else ""
        if not name:
            raise unknown("? parameters", "a named one: $name, and --param name=value")
        return Value(f"${name}", t.UNKNOWN, is_fixed=True)

    def _parameter(self, node: exp.Parameter, scope: Scope) -> Value:
        return Value(f"${node.name}", t.UNKNOWN, is_fixed=True)

    # Functions

    def _function(self, node: exp.Anonymous, scope: Scope) -> Value:
        name = node.name.lower()
        special = SPECIAL.get(name)
        if special is not None:
            return special(self, node, scope)
        is_window = any(each.kind == "window" for each in functions.FUNCTIONS.get(name, ()))
        if is_window and not isinstance(node.parent, exp.Window | exp.IgnoreNulls | exp.RespectNulls):
            raise QueryError(f"{name} needs a window", hint=f"{name}(…) OVER (PARTITION BY … ORDER BY …)")
        return self.plain_function(node, scope)

    def plain_function(self, node: exp.Anonymous, scope: Scope) -> Value:
        """A function whose arguments' SQL is all it needs."""
        name = node.name.lower()
        if name not in functions.FUNCTIONS:
            raise no_function(name, len(node.expressions))
        arguments = list(node.expressions)
        ending = ""
        distinct = ""
        if arguments and isinstance(arguments[-1], exp.Order):
            ending = f" ORDER BY {self._keys(arguments[-1], scope)}"
            arguments[-1] = arguments[-1].this
        if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct):
            distinct, arguments = "DISTINCT ", list(arguments[0].expressions)
        if arguments and isinstance(arguments[-1], exp.Lambda):
            raise unknown(f"{name} with a lambda")
        values = [self.value(each, scope) for each in arguments]
        return self._call(name, values, ending, distinct)

    def as_varchar(self, value: Value) -> str:
        """SQL of a value as the text that CAST gives."""
        if value.type.kind == "unknown":
            return f"CAST({value.sql} AS VARCHAR)"
        return cast(value.sql, value.type, t.VARCHAR)

    def casted(self, value: Value, target: Type) -> Value:
        """A value as another type."""
        if target.kind in {"timestamp", "date"} and value.instant and value.type.kind == "varchar":
            sql = f"timezone('UTC', {value.instant})"
            return Value(sql if target.kind == "timestamp" else f"CAST({sql} AS DATE)", target)
        return Value(cast(value.sql, value.type, target), target, is_fixed=value.is_fixed)

    def _call(self, name: str, values: list[Value], ending: str, distinct: str = "") -> Value:
        found = functions.find(name, len(values))
        if found is None:
            raise no_function(name, len(values))
        for place, each in enumerate(values):
            check_argument(name, place, each)
        arguments = [each.sql for each in values]
        if (distinct or ending) and found.kind != "aggregate":
            raise QueryError(f"{name}: DISTINCT and ORDER BY are for aggregates")
        if arguments and distinct:
            arguments[0] = distinct + arguments[0]
        if arguments and ending:
            arguments[-1] += ending
        kinds = [each.type for each in values]
        fixed = found.kind == "scalar" and name not in {"random", "rand", "uuid"} and all(v.is_fixed for v in values)
        made = Value(found.sql(arguments, kinds), found.type(kinds), is_fixed=fixed)
        if name == "round" and len(values) == 2 and made.type.kind == "decimal":
            return replace(made, sql=f"CAST({made.sql} AS DECIMAL(38, {made.type.scale}))")
        if name == "avg" and made.type.kind == "decimal":
            scale = made.type.scale
            return replace(made, around=("CAST(round(", f", {scale}) AS DECIMAL(38, {scale}))"))
        return made

    def lambda_(self, node: exp.Expr, scope: Scope, kinds: Sequence[Type]) -> tuple[list[str], Value]:
        """Parameters and body of a lambda whose parameters have these types."""
        if not isinstance(node, exp.Lambda):
            raise QueryError(f"{node.sql('trino')[:60]}: a lambda is expected here", hint="x -> …")
        names = [each.name for each in node.expressions]
        if len(names) != len(kinds):
            raise QueryError(f"{node.sql('trino')[:60]}: a lambda of {len(kinds)} parameters is expected")
        inside = scope.inner()
        made = []
        for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
            made.append(f"{parameter(node.sql())}_{place}")
            inside.lambdas[name.lower()] = Value(made[-1], kind, name)
        return made, self.value(node.this, inside)

    def bound(self, node: exp.Expr, scope: Scope, values: Sequence[Value]) -> Value:
        """The body of a lambda with its parameters put in place."""
        if not isinstance(node, exp.Lambda) or len(node.expressions) != len(values):
            raise QueryError(f"{node.sql('trino')[:60]}: a lambda of {len(values)} parameters is expected here")
        inside = scope.inner()
        for each, value in zip(node.expressions, values, strict=True):
            inside.lambdas[each.name.lower()] = value
        return self.value(node.this, inside)


# Helpers


_PARTS = {"this", "expression", "expressions", "comments"}
_MORE_PARTS: dict[type[exp.Expr], set[str]] = {
    exp.Select: {
        "with_", "distinct", "from_", "joins", "where", "group", "having", "windows", "order", "limit", "offset",
    },
    exp.SetOperation: {"with_", "distinct", "order", "limit", "offset"},
    exp.Subquery: {"with_", "alias", "order", "limit", "offset"},
    exp.Values: {"alias"},
    exp.Table: {"db", "catalog", "alias", "joins"},
    exp.Join: {"on", "using", "side", "kind", "method"},
    exp.Unnest: {"alias", "offset"},
    exp.Lateral: {"alias"},
    exp.Group: {"grouping_sets", "cube", "rollup", "all"},
    exp.Ordered: {"desc", "nulls_first"},
    exp.Column: {"table", "db", "catalog"},
    exp.Identifier: {"quoted"},
    exp.Literal: {"is_string"},
    exp.Like: {"negate"},
    exp.In: {"query"},
    exp.Between: {"low", "high"},
    exp.Case: {"ifs", "default"},
    exp.If: {"true", "false"},
    exp.Cast: {"to", "safe"},
    exp.Array: {"value_constructor"},
    exp.Interval: {"unit"},
    exp.AtTimeZone: {"zone"},
    exp.Window: {"partition_by", "order", "spec", "over", "alias"},
    exp.WindowSpec: {"kind", "start", "start_side", "end", "end_side"},
    exp.Substring: {"start", "length"},
    exp.Trim: {"position"},
    exp.StrPosition: {"substr"},
    exp.GroupConcat: {"separator"},
    exp.DPipe: {"safe"},
    exp.Div: {"typed", "safe"},
    exp.Bracket: {"offset"},
    exp.Alias: {"alias"},
    exp.Limit: set(),
    exp.Fetch: {"direction", "count", "limit_options"},
    exp.Placeholder: {"kind"},
}  # fmt: skip


def _check_parts(node: exp.Expr) -> None:
    """Whatever else the parser has found in a node, and nobody looks at, must not be lost without a word."""
    allowed = set(_PARTS)
    for kind in type(node).__mro__:
        allowed |= _MORE_PARTS.get(kind, set())
    for name, value in node.args.items():
        if value and name not in allowed:
            raise unknown(f"{name.strip('_').upper()} in {node.sql('trino')[:60]}")


def _column(each: Field, owner: str) -> Value:
    return Value(
        each.sql(owner),
        each.type,
        each.name,
        fields=each.fields,
        json=(each.json(owner), ()) if each.json else None,
        instant=each.instant(owner) if each.instant else "",
        day=(each.day, f'{owner}."event_date"') if each.day else None,
    )


def _field_of(value: Value, name: str) -> Value:
    plain = name.lower().replace("_", "")
    for each in value.fields:
        if each.name == plain or (plain == "credentiaisissuedto" and each.name == "credentialsissuedto"):
            return replace(_column(each, value.sql), name=name)
    near = get_close_matches(plain, [each.name for each in value.fields], 1)
    known = ", ".join(each.name for each in value.fields)
    raise QueryError(
        f"there is no field {name} in {value.name}", hint=f"did you mean {near[0]}?" if near else f"it has {known}"
    )


def _lookup(source: Source, name: str) -> Value | None:
    """A column by its name, in the base table also in snake_case as some articles write it."""
    found = source.columns.get(name.lower())
    if found is None and source.is_base:
        found = source.columns.get(name.lower().replace("_", ""))
    return replace(found, name=name) if found is not None else None


def _fixed_time(text: str, target: Type) -> Value | None:
    """A literal as a time, where it is one."""
    if target.kind == "timestamptz" and _ZONED.fullmatch(text):
        kind = replace(target, zone=zoned.of_text(text))
        return Value(f"CAST({sql_text(text)} AS TIMESTAMPTZ)", kind, is_fixed=True)
    if target.kind not in {"timestamp", "date"} or not _TIME_TEXT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if target.kind == "date" and len(text) > len("2026-10-01"):
        return None
    return Value(
        f"{duckdb_type(target)} '{moment if target.kind == 'timestamp' else moment.date()}'", target, is_fixed=True
    )


def _exact_quotient(left: Value, right: Value, kind: Type) -> str:
    """A quotient of decimals, reckoned in whole numbers: 1.5 / 100.00 is 0.015 and rounds up, which no double knows."""
    one, two = (t.as_decimal(each.type).scale for each in (left, right))
    wholes = [
        f"CAST(round(CAST({each.sql} AS DOUBLE) * 1e{scale}) AS HUGEINT)" for each, scale in ((left, one), (right, two))
    ]
    above = 10 ** (kind.scale - one + two)
    return f"CAST(trino.div_decimal({wholes[0]} * {above}, {wholes[1]}, {kind.scale}) AS DECIMAL(38, {kind.scale}))"


def _time_between(left: Value, right: Value) -> str:
    if left.type.kind == right.type.kind == "date":
        return f"to_days(CAST({left.sql} - {right.sql} AS INTEGER))"
    name = "TIMESTAMPTZ" if "timestamptz" in {left.type.kind, right.type.kind} else "TIMESTAMP"
    return f"(CAST({left.sql} AS {name}) - CAST({right.sql} AS {name}))"


def _part_of_span(unit: str, value: Value) -> Value:
    if value.type.kind == "months":
        if unit not in {"year", "month"}:
            raise QueryError(f"{shown(value)} is {value.type}: it has no {unit}")
        return Value(f"CAST(date_part({sql_text(unit)}, {value.sql}) AS BIGINT)", t.BIGINT)
    sizes = {
        "day": (86400000, 0),
        "hour": (3600000, 24),
        "minute": (60000, 60),
        "second": (1000, 60),
        "millisecond": (1, 1000),
    }
    if unit not in sizes:
        raise QueryError(f"{shown(value)} is {value.type}: it has no {unit}", hint="day, hour, minute, second")
    size, round_ = sizes[unit]
    whole = f"CAST(trunc(CAST(epoch({value.sql}) * 1000 AS BIGINT) / {size}) AS BIGINT)"
    return Value(f"({whole} % {round_})" if round_ else whole, t.BIGINT)


def _row(node: exp.Expr) -> list[exp.Expr]:
    return list(node.expressions) if isinstance(node, exp.Tuple) else [node]


def _nulls(each: exp.Ordered) -> str:
    return "NULLS FIRST" if each.args.get("nulls_first") else "NULLS LAST"


_METHODS: dict[type[exp.Expr], Callable[..., Value]] = {
    exp.Column: Translator._column, exp.Identifier: Translator._identifier, exp.Dot: Translator._dotted,
    exp.Bracket: Translator._bracket, exp.Literal: Translator._literal, exp.Boolean: Translator._boolean,
    exp.Null: Translator._null, exp.Paren: Translator._paren, exp.Connector: Translator._connected,
    exp.Not: Translator._not, exp.Is: Translator._is, exp.Between: Translator._between, exp.In: Translator._in,
    exp.Like: Translator._like, exp.Escape: Translator._escape, exp.Neg: Translator._negative,
    exp.DPipe: Translator._joined, exp.Case: Translator._case, exp.If: Translator._if, exp.Cast: Translator._cast,
    exp.Array: Translator._array, exp.Tuple: Translator._tuple, exp.Interval: Translator._interval,
    exp.Extract: Translator._extract, exp.AtTimeZone: Translator._zoned, exp.Window: Translator._window,
    exp.Filter: Translator._filtered, exp.IgnoreNulls: Translator._ignoring,
    exp.RespectNulls: Translator._respecting, exp.Subquery: Translator._subquery, exp.Select: Translator._subquery,
    exp.SetOperation: Translator._subquery, exp.Exists: Translator._exists, exp.CurrentDate: Translator._current,
    exp.CurrentTimestamp: Translator._current, exp.Localtimestamp: Translator._current,
    exp.Substring: Translator._substring, exp.Trim: Translator._trim, exp.StrPosition: Translator._position,
    exp.GroupConcat: Translator._listagg, exp.Lambda: Translator._lambda, exp.Alias: Translator._alias,
    exp.Placeholder: Translator._placeholder, exp.Parameter: Translator._parameter,
    exp.Anonymous: Translator._function,
    **dict.fromkeys(_COMPARISONS, Translator._comparison),
    **dict.fromkeys(_ARITHMETIC, Translator._operation),
}  # fmt: skip
