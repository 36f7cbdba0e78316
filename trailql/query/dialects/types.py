"""Types of Trino, as far as they decide what an expression means."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from trailql.errors import QueryError

INTEGERS = ("tinyint", "smallint", "integer", "bigint")
NUMBERS = (*INTEGERS, "real", "double", "decimal")
TIMES = ("timestamp", "timestamptz", "date")


@dataclass(frozen=True, slots=True)
class Type:
    """
    A type, by Trino's name for it; `unknown` where nothing is known of an expression.

    Args:
        kind: bigint, varchar, timestamp, timestamptz, json, array, map, row, …
        of: Element type of an array, key and value of a map.
        fields: Names and types of a row.
        precision, scale: Of a decimal.
        zone: SQL of the time zone a timestamptz is shown in; UTC without.
    """

    kind: str
    of: tuple[Type, ...] = ()
    fields: tuple[tuple[str, Type], ...] = ()
    precision: int = 0
    scale: int = 0
    zone: str = ""

    @property
    def element(self) -> Type:
        return self.of[0] if self.kind == "array" and self.of else UNKNOWN

    @property
    def value(self) -> Type:
        return self.of[1] if self.kind == "map" and len(self.of) > 1 else UNKNOWN

    @property
    def key(self) -> Type:
        return self.of[0] if self.kind == "map" and self.of else UNKNOWN

    def __str__(self) -> str:
        match self.kind:
            case "array" | "map" if self.of:
                return f"{self.kind}({', '.join(map(str, self.of))})"
            case "row":
                return f"row({', '.join(f'{name} {each}'.strip() for name, each in self.fields)})"
            case "decimal":
                return f"decimal({self.precision},{self.scale})"
            case "timestamp":
                return "timestamp(3)"
            case "timestamptz":
                return "timestamp(3) with time zone"
            case "interval":
                return "interval day to second"
            case "months":
                return "interval year to month"
        return self.kind


UNKNOWN = Type("unknown")
BOOLEAN = Type("boolean")
INTEGER = Type("integer")
BIGINT = Type("bigint")
DOUBLE = Type("double")
VARCHAR = Type("varchar")
VARBINARY = Type("varbinary")
DATE = Type("date")
TIMESTAMP = Type("timestamp")
TIMESTAMPTZ = Type("timestamptz")
JSON = Type("json")
INTERVAL = Type("interval")
MONTHS = Type("months")
SPANS = ("interval", "months")
_DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}


def array_of(element: Type) -> Type:
    return Type("array", (element,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", (key, value))


def row_of(*fields: tuple[str, Type]) -> Type:
    return Type("row", fields=tuple(fields))


def decimal_of(precision: int, scale: int) -> Type:
    return Type("decimal", precision=min(precision, 38), scale=scale)


def as_decimal(kind: Type) -> Type:
    """An integer type as the decimal Trino takes it for beside another decimal."""
    return kind if kind.kind == "decimal" else decimal_of(_DIGITS.get(kind.kind, 19), 0)


def common(one: Type, other: Type) -> Type:
    """The type both values become in a CASE, COALESCE or comparison."""
    if one == other or other.kind == "unknown":
        return one
    if one.kind == "unknown":
        return other
    kinds = {one.kind, other.kind}
    if kinds <= set(NUMBERS):
        if "double" in kinds or "real" in kinds:
            return DOUBLE
        if "decimal" in kinds:
            left, right = as_decimal(one), as_decimal(other)
            scale = max(left.scale, right.scale)
            whole = max(left.precision - left.scale, right.precision - right.scale)
            return decimal_of(whole + scale, scale)
        return max(one, other, key=lambda each: INTEGERS.index(each.kind))
    if kinds <= set(TIMES):
        return TIMESTAMPTZ if "timestamptz" in kinds else TIMESTAMP
    if one.kind == other.kind:
        return one
    return UNKNOWN


def arithmetic(operator: str, one: Type, other: Type) -> Type:
    """The type of a sum, difference, product, quotient or remainder."""
    kinds = {one.kind, other.kind}
    if not kinds <= set(NUMBERS):
        times = [each for each in (one, other) if each.kind in TIMES]
        span = next((each for each in (one, other) if each.kind in SPANS), None)
        if span and times:
            return times[0]
        if len(times) == 2 and operator == "-":
            return INTERVAL
        return span or UNKNOWN
    if "double" in kinds or "real" in kinds:
        return DOUBLE
    if "decimal" not in kinds:
        return common(one, other)
    left, right = as_decimal(one), as_decimal(other)
    if operator == "*":
        return decimal_of(left.precision + right.precision, left.scale + right.scale)
    scale = max(left.scale, right.scale)
    if operator == "/":
        return decimal_of(left.precision + right.scale + max(right.scale - left.scale, 0), scale)
    whole = max(left.precision - left.scale, right.precision - right.scale)
    return decimal_of(whole + scale + (operator in "+-"), scale)


_NAMES = {
    "BOOLEAN": BOOLEAN, "TINYINT": Type("tinyint"), "SMALLINT": Type("smallint"), "INT": INTEGER, "BIGINT": BIGINT,
    "FLOAT": Type("real"), "DOUBLE": DOUBLE, "VARCHAR": VARCHAR, "TEXT": VARCHAR, "CHAR": VARCHAR, "NCHAR": VARCHAR,
    "NVARCHAR": VARCHAR, "VARBINARY": VARBINARY, "BINARY": VARBINARY, "DATE": DATE, "TIMESTAMP": TIMESTAMP,
    "DATETIME": TIMESTAMP, "TIMESTAMPTZ": TIMESTAMPTZ, "TIMESTAMPLTZ": TIMESTAMPTZ, "TIMESTAMPNTZ": TIMESTAMP,
    "TIME": Type("time"), "JSON": JSON, "INTERVAL": INTERVAL, "UUID": Type("uuid"), "IPADDRESS": Type("ipaddress"),
}  # fmt: skip


def type_named(node: exp.DataType) -> Type:
    """
    A type written in a CAST.

    Raises:
        QueryError: None that trailql knows.
    """
    name = node.this.name if isinstance(node.this, exp.DType) else str(node.this)
    if name == "ARRAY":
        return array_of(type_named(node.expressions[0]) if node.expressions else UNKNOWN)
    if name == "MAP":
        return map_of(type_named(node.expressions[0]), type_named(node.expressions[1]))
    if name == "STRUCT":
        return row_of(*(_field(each, place) for place, each in enumerate(node.expressions)))
    if name in {"DECIMAL", "BIGDECIMAL"}:
        digits = [int(each.name) for each in node.expressions]
        return decimal_of(digits[0] if digits else 38, digits[1] if len(digits) > 1 else 0)
    if name in {"CHAR", "NCHAR"}:
        raise QueryError("the type char is not supported: it fills up with spaces", hint="varchar")
    if name == "VARCHAR" and node.expressions:
        return Type("varchar", precision=int(node.expressions[0].name))
    found = _NAMES.get(name)
    if found is None or found.kind in {"ipaddress", "time"}:
        hint = r"regexp_like(sourceipaddress, '^10\.')" if found and found.kind == "ipaddress" else "varchar"
        raise QueryError(f"the type {node.sql('trino').lower()} is not supported", hint=hint)
    return found


def _field(node: exp.Expr, place: int) -> tuple[str, Type]:
    if isinstance(node, exp.ColumnDef):
        return node.name, type_named(node.args["kind"])
    assert isinstance(node, exp.DataType)
    return f"field{place}", type_named(node)


_DUCKDB = {
    "boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INTEGER", "bigint": "BIGINT",
    "real": "FLOAT", "double": "DOUBLE", "varchar": "VARCHAR", "varbinary": "BLOB", "date": "DATE",
    "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ", "json": "JSON", "interval": "INTERVAL",
    "months": "INTERVAL", "uuid": "UUID",
}  # fmt: skip


def duckdb_name(kind: Type) -> str:
    """The type as DuckDB writes it."""
    match kind.kind:
        case "array":
            return f"{duckdb_name(kind.element)}[]"
        case "map":
            return f"MAP({duckdb_name(kind.key)}, {duckdb_name(kind.value)})"
        case "row":
            quoted = (f'"{name}"' if name else f'"field{place}"' for place, (name, _) in enumerate(kind.fields))
            return (
                f"STRUCT({', '.join(f'{n} {duckdb_name(t)}' for n, (_, t) in zip(quoted, kind.fields, strict=True))})"
            )
        case "decimal":
            return f"DECIMAL({kind.precision}, {kind.scale})"
    return _DUCKDB.get(kind.kind, "VARCHAR")
