"""
The event data store of CloudTrail Lake and the CloudTrail table of Athena, over `events`.

Both are the same events in other clothes: Lake has timestamps, booleans and maps, Athena has the texts of the JSON.
Names and types: AWS's schema for event data stores, and its CREATE TABLE statement for Athena.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/query-supported-event-schemas.html
    https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from trailql.normalize.written import record_sql
from trailql.query.dialects.times import ANY_DAY
from trailql.query.dialects.types import (
    BOOLEAN,
    DATE,
    TIMESTAMP,
    VARCHAR,
    Type,
    array_of,
    map_of,
    row_of,
)
from trailql.schema import EVENT_COLUMNS, Column

_TEXTS = map_of(VARCHAR, VARCHAR)


@dataclass(frozen=True, slots=True)
class Field:
    """
    A column of the table, or a field of a struct in it.

    Args:
        name: As the dialect's documentation writes it.
        type: In Trino's terms.
        sql: From the SQL of what it lies in (the alias of `events`, or a struct) to its own.
        fields: Of a struct.
        json: SQL of the JSON text behind a map or text column, so that one key is read without the others.
        instant: SQL of the same moment as TIMESTAMPTZ, which DuckDB can skip row groups by.
        hidden: Not part of `SELECT *`.
        day: Of a partition column, how it writes `event_date`.
    """

    name: str
    type: Type
    sql: Callable[[str], str]
    fields: tuple[Field, ...] = ()
    json: Callable[[str], str] | None = None
    instant: Callable[[str], str] | None = None
    hidden: bool = False
    day: str = field(default="")


def _plain(name: str, source: str, *, hidden: bool = False) -> Field:
    return Field(name, VARCHAR, lambda of: f'{of}."{source}"', hidden=hidden)


def _texts_of(columns: tuple[Column, ...]) -> tuple[Field, ...]:
    """Fields of a struct as they lie in the lake, text by text."""
    return tuple(_struct(each) if each.fields else _field(each) for each in columns)


def _field(column: Column) -> Field:
    if column.kind == "json":
        return _map(column.name.lower(), column.name)
    if column.name == "creationDate":
        return Field("creationdate", TIMESTAMP, lambda of: f'trino.moment({of}."creationDate")', instant=None)
    return _plain(column.name.lower(), column.name)


def _struct(column: Column, name: str | None = None) -> Field:
    source, fields = column.name, _texts_of(column.fields)
    kind = row_of(*((each.name, each.type) for each in fields))
    return Field(name or column.name.lower(), kind, lambda of: f'{of}."{source}"', fields)


def _map(name: str, source: str) -> Field:
    def as_json(of: str) -> str:
        return f'{of}."{source}"'

    return Field(name, _TEXTS, lambda of: f"trino.text_map({as_json(of)})", json=as_json)


def _text(name: str, source: str) -> Field:
    def as_json(of: str) -> str:
        return f'{of}."{source}"'

    return Field(name, VARCHAR, as_json, json=as_json)


_COLUMNS = {column.name: column for column in EVENT_COLUMNS}
_RESOURCE = row_of(("accountid", VARCHAR), ("type", VARCHAR), ("arn", VARCHAR), ("arnprefix", VARCHAR))
_ATHENA_RESOURCE = row_of(("arn", VARCHAR), ("accountid", VARCHAR), ("type", VARCHAR))
_JSON = frozenset(
    """
    requestParameters responseElements additionalEventData serviceEventDetails edgeDeviceDetails insightDetails
    eventContext
    """.split()
)
_LAKE_ORDER = """
    eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode errorMessage
    requestParameters responseElements additionalEventData requestID eventID readOnly resources eventType apiVersion
    managementEvent recipientAccountId sharedEventID annotation vpcEndpointId vpcEndpointAccountId serviceEventDetails
    addendum edgeDeviceDetails insightDetails eventCategory tlsDetails sessionCredentialFromConsole
""".split()
_ATHENA_ORDER = """
    eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode errorMessage
    requestParameters responseElements additionalEventData requestID eventID readOnly resources eventType apiVersion
    recipientAccountId serviceEventDetails sharedEventID vpcEndpointId vpcEndpointAccountId eventCategory addendum
    sessionCredentialFromConsole edgeDeviceDetails tlsDetails
""".split()


def _boolean_text(source: str) -> Callable[[str], str]:
    return lambda of: f'CAST({of}."{source}" AS VARCHAR)'


def _lake() -> tuple[Field, ...]:
    special = {
        "eventTime": Field(
            "eventTime",
            TIMESTAMP,
            lambda of: f"timezone('UTC', {of}.\"eventTime\")",
            instant=lambda of: f'{of}."eventTime"',
        ),
        "readOnly": Field("readOnly", BOOLEAN, lambda of: f'{of}."readOnly"'),
        "managementEvent": Field("managementEvent", BOOLEAN, lambda of: f'{of}."managementEvent"'),
        "resources": Field("resources", array_of(_RESOURCE), lambda of: f'trino.lake_resources({of}."resources")'),
        "addendum": _map_of_struct(_COLUMNS["addendum"]),
    }
    found = [special.get(name) or _named(name, name) for name in _LAKE_ORDER]
    context = Field("eventContext", _TEXTS, *_hidden_map("eventContext"), hidden=True)
    checksum = Field("eventJsonChecksum", VARCHAR, lambda of: "CAST(NULL AS VARCHAR)", hidden=True)
    return (*found, context, _EVENT_JSON, checksum, *_OURS)


def _hidden_map(source: str) -> tuple[Callable[[str], str], tuple[Field, ...], Callable[[str], str]]:
    each = _map(source, source)
    assert each.json is not None
    return each.sql, (), each.json


def _map_of_struct(column: Column) -> Field:
    """Lake has a map where our table has a struct."""
    fields = column.fields
    keys = ", ".join(f"'{each.name}'" for each in fields)

    def whole(of: str) -> str:
        values = ", ".join(f'{of}."{column.name}"."{each.name}"' for each in fields)
        return f'trino.struct_map({of}."{column.name}" IS NULL, [{keys}], [{values}])'

    return Field(column.name, _TEXTS, whole)


def _athena() -> tuple[Field, ...]:
    special = {
        "eventTime": Field(
            "eventtime",
            VARCHAR,
            lambda of: f"strftime({of}.\"eventTime\", '%Y-%m-%dT%H:%M:%SZ')",
            instant=lambda of: f'{of}."eventTime"',
        ),
        "readOnly": Field("readonly", VARCHAR, _boolean_text("readOnly")),
        "resources": Field(
            "resources", array_of(_ATHENA_RESOURCE), lambda of: f'trino.athena_resources({of}."resources")'
        ),
    }
    found = [special.get(name) or _named(name, name.lower(), is_text=True) for name in _ATHENA_ORDER]
    more = (
        Field("managementevent", VARCHAR, _boolean_text("managementEvent"), hidden=True),
        _text("insightdetails", "insightDetails"),
        Field("timestamp", VARCHAR, _day("%Y/%m/%d"), day="%Y/%m/%d"),
        _plain("$path", "log_file"),
        *(_partition(name, ANY_DAY, "%Y/%m/%d") for name in ("date", "dt", "eventdate")),
        _partition("year", "%Y"),
        _partition("month", "%m"),
        _partition("day", "%d"),
        _plain("region", "awsRegion", hidden=True),
        _plain("account", "recipientAccountId", hidden=True),
        _plain("account_id", "recipientAccountId", hidden=True),
        _plain("accountid", "recipientAccountId", hidden=True),
    )
    return (*found, *(each if each.name == "timestamp" else _as_hidden(each) for each in more), _EVENT_JSON, *_OURS)


def _as_hidden(each: Field) -> Field:
    return Field(each.name, each.type, each.sql, each.fields, each.json, each.instant, True, each.day)


def _day(pattern: str) -> Callable[[str], str]:
    return lambda of: f"strftime({of}.\"event_date\", '{pattern}')"


def _partition(name: str, day: str, pattern: str | None = None) -> Field:
    return Field(name, VARCHAR, _day(pattern or day), hidden=True, day=day)


def _named(source: str, name: str, *, is_text: bool = False) -> Field:
    column = _COLUMNS[source]
    if column.fields:
        made = _struct(column, name)
        return _as_athena(made) if is_text else made
    if source in _JSON:
        return _text(name, source) if is_text else _map(name, source)
    return _plain(name, source)


def _as_athena(made: Field) -> Field:
    """In Athena's struct `creationdate` is a text."""
    fields = tuple(
        _plain("creationdate", "creationDate")
        if each.name == "creationdate"
        else _as_athena(each)
        if each.fields
        else each
        for each in made.fields
    )
    kind = row_of(*((each.name, each.type) for each in fields))
    return Field(made.name, kind, made.sql, fields)


_EVENT_JSON = Field("eventJson", VARCHAR, lambda of: f"({_whole_record(of)})", hidden=True)
_OURS = (
    Field("event_date", DATE, lambda of: f'{of}."event_date"', hidden=True),
    _plain("log_file", "log_file", hidden=True),
    Field("extra", VARCHAR, lambda of: f'{of}."extra"', json=lambda of: f'{of}."extra"', hidden=True),
)


def _whole_record(of: str) -> str:
    text = record_sql(of)
    return (
        f'CASE WHEN {of}."extra" IS NULL THEN {text} ELSE coalesce({of}."extra" ->> \'$."$record"\', '
        f'json_merge_patch({text}, {of}."extra")::VARCHAR) END'
    )


def packed(of: str, fields: tuple[Field, ...]) -> str:
    """SQL of a whole struct as the dialect shows it."""
    inside = ", ".join(
        f'"{each.name}" := {packed(each.sql(of), each.fields) if each.fields else each.sql(of)}' for each in fields
    )
    return f"CASE WHEN {of} IS NOT NULL THEN struct_pack({inside}) END"


TABLES: Mapping[str, tuple[Field, ...]] = {"lake": _lake(), "athena": _athena()}
