"""
The proof that nothing is lost: SQL that writes a typed row out as JSON again.

Reading JSON into typed columns loses silently: an unknown field is ignored, the second of two equal keys too, a
number becomes text, a float is rewritten. So every row is written out again, inside DuckDB, in the key order that
CloudTrail uses, and compared with the record's own text. Equal means nothing was lost, whatever the reader does;
not equal means the record takes the careful way (`careful.py`). Key order and which fields are always there are only
guesses about what AWS writes: a wrong guess costs time, never a field.
"""

from __future__ import annotations

from collections.abc import Sequence

from trailql.schema import RECORD_COLUMNS, Column

_HEAD = (
    "eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode "
    "errorMessage requestParameters responseElements additionalEventData requestID eventID readOnly resources "
    "eventType apiVersion managementEvent"
).split()
_ACCOUNTS = "recipientAccountId sharedEventID vpcEndpointId vpcEndpointAccountId".split()
_TAIL = (
    "tlsDetails sessionCredentialFromConsole serviceEventDetails addendum edgeDeviceDetails insightDetails "
    "eventContext annotation"
).split()
KEY_ORDERS = (
    (*_HEAD, *_ACCOUNTS, "eventCategory", *_TAIL),
    (*_HEAD, "eventCategory", *_ACCOUNTS, *_TAIL),
)
"""Top-level key orders seen in trail files, the commonest first; `careful.py` writes the first."""

_ALWAYS = frozenset(
    "eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress eventID eventType "
    "recipientAccountId eventCategory".split()
)

_MFA_FIRST = """'"attributes":{"mfaAuthenticated"'"""
"""How the attributes of a session begin in older records, which have their two fields the other way round."""
_NULL_WHEN_ABSENT = frozenset({"requestParameters", "responseElements"})
_OFTEN_ESCAPED = frozenset({"userAgent", "errorMessage"})

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
"""How CloudTrail writes eventTime; any other spelling is kept in `extra`."""


def is_written_sql(row: str, text: str, order: int = 0) -> str:
    """
    The SQL condition that holds where a row, written out as JSON, is the record's text byte for byte.

    Made to be fast on what AWS usually writes: strings without escapes, `null` for a missing request or response, no
    other nulls. Whatever looks otherwise compares unequal.

    Args:
        row: SQL of the struct that holds the record's columns, those of kind `struct` as JSON text
            (`is_object_written_sql` is for them).
        text: SQL of the record's JSON text.
        order: Which guess at the order of keys, an index into `KEY_ORDERS`.
    """
    return f"{text} = concat({', '.join(_typical(row, _ordered(KEY_ORDERS[order])))})"


def is_object_written_sql(column: Column, value: str, text: str) -> str:
    """
    The same for one struct column: whether its fields, written out as JSON, are the object's text.

    Args:
        column: A column of kind `struct`.
        value: SQL of the struct.
        text: SQL of the object's JSON text.
    """
    return f"{text} = {_any_value(value, column, mfa_first=f'contains({text}, {_MFA_FIRST})')}"


def is_rewritten_sql(row: str, text: str) -> str:
    """
    The same for text that `careful.py` has put in order: any string, no nulls, the first key order, no white space.
    """
    return f"{text} = {_any_object(row, _ordered(KEY_ORDERS[0]))}"


def record_sql(row: str) -> str:
    """
    SQL of the JSON text of a row's record, as far as the columns hold it: any strings, the commonest key order.

    Where `extra` is null that is the whole record. What CloudTrail writes as null, a missing request or response, is
    written so, since the columns do not tell null from absent; other nulls are left out.

    Args:
        row: SQL of the row: a table's name, or a struct that holds the record's columns.
    """
    return _any_object(row, _ordered(KEY_ORDERS[0]), null_when_absent=_NULL_WHEN_ABSENT)


def _ordered(names: Sequence[str]) -> list[Column]:
    columns = {column.name: column for column in RECORD_COLUMNS}
    return [columns[name] for name in names]


def _typical(struct: str, columns: Sequence[Column]) -> list[str]:
    """
    Arguments for one flat concat that writes an object: every further call would copy the text once more.

    A field that is always there costs three arguments and no condition; where it is missing after all, concat takes
    the null for an empty string, and the texts differ.
    """
    arguments: list[str] = []
    for column in columns:
        value = f'{struct}."{column.name}"'
        key = f'{"," if arguments else "{"}"{column.name}":'
        if column.name in _NULL_WHEN_ABSENT:
            arguments += [f"'{key}'", f"coalesce({value}, 'null')"]
        elif column.kind == "boolean":
            arguments.append(f"CASE WHEN {value} THEN '{key}true' WHEN NOT {value} THEN '{key}false' ELSE '' END")
        elif column.name in _ALWAYS:
            arguments += _typical_value(key, value, column)
        else:
            written = f"concat({', '.join(_typical_value(key, value, column))})"
            arguments.append(f"CASE WHEN {value} IS NULL THEN '' ELSE {written} END")
    return [*arguments, "'}'"]


def _typical_value(key: str, value: str, column: Column) -> list[str]:
    match column.kind:
        case "timestamp":
            return [f"'{key}'", f"""strftime({value}, '"{TIME_FORMAT}"')"""]
        case "string" if column.name in _OFTEN_ESCAPED:
            special = f"""contains({value}, '"') OR contains({value}, '\\')"""
            return [
                f"'{key}'",
                f"""CASE WHEN {special} THEN to_json({value})::VARCHAR ELSE concat('"', {value}, '"') END""",
            ]
        case "string":
            return [f"'{key}\"'", value, "'\"'"]
    return [f"'{key}'", value]


def _any_object(
    struct: str,
    columns: Sequence[Column],
    null_when_absent: frozenset[str] = frozenset(),
    mfa_first: str | None = None,
) -> str:
    """The JSON object of a struct's non-null fields, whatever they hold (concat_ws leaves nulls out)."""
    members = []
    for column in columns:
        value = f'{struct}."{column.name}"'
        written = f"""'"{column.name}":' || {_any_value(value, column, mfa_first)}"""
        absent = f"""'"{column.name}":null'""" if column.name in null_when_absent else "NULL"
        members.append(f"CASE WHEN {value} IS NULL THEN {absent} ELSE {written} END")
    return f"concat('{{', concat_ws(',', {', '.join(members)}), '}}')"


def _any_value(value: str, column: Column, mfa_first: str | None = None) -> str:
    match column.kind:
        case "struct" if column.name == "attributes" and mfa_first:
            one, other = (_any_object(value, fields) for fields in (column.fields, column.fields[::-1]))
            return f"CASE WHEN {mfa_first} THEN {other} ELSE {one} END"
        case "struct":
            return _any_object(value, column.fields, mfa_first=mfa_first)
        case "boolean":
            return f"{value}::VARCHAR"
        case "timestamp":
            return f"""strftime({value}, '"{TIME_FORMAT}"')"""
        case "string":
            return f"to_json({value})::VARCHAR"
    return value
