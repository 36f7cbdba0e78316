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

_ALWAYS = frozenset("eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress".split())
_NULL_WHEN_ABSENT = frozenset({"requestParameters", "responseElements"})
_OFTEN_ESCAPED = frozenset({"userAgent", "errorMessage"})

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
"""How CloudTrail writes eventTime; any other spelling is kept in `extra`."""


def is_written_sql(row: str, text: str) -> str:
    """
    The SQL condition that holds where a row, written out as JSON, is the record's text byte for byte.

    Made to be fast on what AWS writes: strings without escapes, `null` for a missing request or response. Whatever
    looks otherwise compares unequal.

    Args:
        row: SQL of the struct that holds the record's columns.
        text: SQL of the record's JSON text.
    """
    columns = {column.name: column for column in RECORD_COLUMNS}
    cases = " ".join(f"WHEN {text} = {_typical(row, [columns[key] for key in keys], text)} THEN true" for keys in KEY_ORDERS)
    return f"CASE {cases} ELSE false END"


def is_rewritten_sql(row: str, text: str) -> str:
    """
    The same for text that `careful.py` has put in order: any string, no nulls, the first key order, no white space.
    """
    columns = {column.name: column for column in RECORD_COLUMNS}
    return f"{text} = {_object(row, [columns[key] for key in KEY_ORDERS[0]], escape=True)}"


def _typical(row: str, columns: Sequence[Column], text: str) -> str:
    """One flat concat: each nested call would copy the record's text once more."""
    arguments: list[str] = []
    for column in columns:
        value = f'{row}."{column.name}"'
        key = ("," if arguments else "{") + f'"{column.name}":'
        if column.name in _NULL_WHEN_ABSENT:
            arguments += [f"'{key}'", f"coalesce({value}, 'null')"]
        elif column.name in _ALWAYS and column.kind == "string":
            arguments += [f"'{key}\"'", value, "'\"'"]
        elif column.name in _ALWAYS:
            arguments += [f"'{key}'", _value(value, column, text=text)]
        else:
            written = _value(value, column, text=text)
            arguments.append(f"CASE WHEN {value} IS NULL THEN '' ELSE concat('{key}', {written}) END")
    return f"concat({', '.join(arguments)}, '}}')"


def _object(struct: str, columns: Sequence[Column], *, escape: bool, text: str = "") -> str:
    """The JSON object of a struct's non-null fields, in this order (concat_ws leaves nulls out)."""
    members = []
    for column in columns:
        value = f'{struct}."{column.name}"'
        written = f"""'"{column.name}":' || {_value(value, column, escape=escape, text=text)}"""
        guarded = column.kind == "struct" or (column.kind == "string" and escape)
        members.append(f"CASE WHEN {value} IS NULL THEN NULL ELSE {written} END" if guarded else written)
    return f"concat('{{', concat_ws(',', {', '.join(members)}), '}}')"


def _value(value: str, column: Column, *, escape: bool = False, text: str = "") -> str:
    """One value as JSON; null or nonsense where it is null, for the caller to guard."""
    match column.kind:
        case "struct":
            return _struct(value, column, escape, text)
        case "boolean":
            return f"{value}::VARCHAR"
        case "timestamp":
            return f"""strftime({value}, '"{TIME_FORMAT}"')"""
        case "string" if escape:
            return f"to_json({value})::VARCHAR"
        case "string":
            plain = f"""('"' || {value} || '"')"""
            if column.name not in _OFTEN_ESCAPED:
                return plain
            special = f"""contains({value}, '"') OR contains({value}, '\\')"""
            return f"CASE WHEN {special} THEN to_json({value})::VARCHAR ELSE {plain} END"
    return value


def _struct(value: str, column: Column, escape: bool, text: str) -> str:
    written = _object(value, column.fields, escape=escape, text=text)
    if column.name != "attributes" or escape:
        return written
    turned = _object(value, column.fields[::-1], escape=escape, text=text)
    return f"""CASE WHEN contains({text}, '"attributes":{{"mfa') THEN {turned} ELSE {written} END"""
