"""
The careful way for one record: what fits the columns apart from what does not, and back again.

`separate` keeps the record's own text wherever it can, so numbers, escapes and nested parts are never rewritten here.
`rebuild` is its inverse; together with `written.py` they hold the promise that no field is lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import MAX_EMAX, MIN_EMIN, Decimal, localcontext
from functools import partial
from itertools import accumulate
from operator import itemgetter
from typing import Any

import msgspec

from trailql.normalize.written import KEY_ORDERS
from trailql.schema import RAW_RECORD_KEY, RECORD_COLUMNS, Column

_COLUMNS = {column.name: column for column in RECORD_COLUMNS}
_ORDERED = tuple(_COLUMNS[name] for name in KEY_ORDERS[0])
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SURROGATE = re.compile("[\ud800-\udfff]")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[][{}:,]')
_LEVELS = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
_MOST_LEVELS = 200
_NAN = float("nan")
_CANONICAL_TIME = re.compile(rb'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"')


Loads = Callable[[str], Any]


class NotAnEvent(Exception):
    """A record no column can hold: not an object, or without a time it happened at."""


def separate(text: bytes) -> tuple[bytes, bytes | None]:
    """
    Split one record into what the columns hold and what they do not.

    Args:
        text: The record as it stood in the log file, UTF-8 JSON.

    Returns:
        A record of known fields with known types, in the first key order and without white space or nulls; and the
        rest as the text of a JSON object for `extra`, or None when there is no rest.

    Raises:
        NotAnEvent: It is no object, or has no usable `eventTime`.
    """
    try:
        text.decode()
        compact = msgspec.json.format(text, indent=-1)
        fields = {key: bytes(raw) for key, raw in _FIELDS.decode(compact).items()}
    except msgspec.ValidationError as error:
        raise NotAnEvent("not a JSON object") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _salvage(text)
    if RAW_RECORD_KEY in fields or not _accounts_for(compact, fields):
        return _salvage(text)
    try:
        clean, rest = _split(fields, _ORDERED)
    except _EqualKeys:
        return _salvage(text)
    if not _time_of(fields):
        raise NotAnEvent("no usable eventTime")
    return clean, rest


def only_as_text(text: bytes) -> bytes:
    """The `extra` of a record that no set of columns can express: its own text, whole."""
    return json.dumps({RAW_RECORD_KEY: readable(text)}, ensure_ascii=False).encode()


def readable(text: bytes) -> str:
    r"""JSON text as valid Unicode: lone surrogates, which UTF-8 cannot hold, as the JSON escapes they came from."""
    found = text.decode("utf-8", "surrogatepass")
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", found)


def together(known: bytes, extra: bytes) -> bytes:
    """
    The text of one record from its two parts, every value spelled as it was: the inverse of `separate`.

    Args:
        known: What the columns hold, as a JSON object (`written.record_sql`).
        extra: The text of the JSON object in `extra`.
    """
    rest = _members(extra)
    if RAW_RECORD_KEY in rest:
        text: str = msgspec.json.decode(rest[RAW_RECORD_KEY])
        return text.encode()
    return _joined(known, rest, RECORD_COLUMNS)


def rebuild(row: Mapping[str, Any], *, exact: bool = False) -> dict[str, Any]:
    """
    The record a row of `events` was made from, equal as JSON to what stood in the log file.

    An explicit null and an absent key count as equal.

    Args:
        row: Column names to values: text, bool, aware datetime, dict for structs.
        exact: For comparing: floats hold about 16 digits and a dict one value a key. So numbers, objects with equal
            keys and what is nested beyond reason are lists that begin with NaN, as no list of JSON does.
    """
    if exact and row.get("extra") and _is_deep(row["extra"]):
        return _object(row, RECORD_COLUMNS, _exactly) | {"extra": _exactly(row["extra"])}
    loads: Loads = _exactly if exact else partial(json.loads, parse_int=_integer)
    extra = loads(row["extra"]) if row.get("extra") else {}
    if RAW_RECORD_KEY in extra:
        text = extra[RAW_RECORD_KEY]
        record: Any = loads(text)
        return record if isinstance(record, dict) else {RAW_RECORD_KEY: record}
    return _merged(_object(row, RECORD_COLUMNS, loads), extra)


def _exactly(text: str) -> Any:
    if _is_deep(text):
        return [_NAN, "nested", text]
    return json.loads(text, parse_float=_digits, parse_int=_whole, object_pairs_hook=_pairs)


def _whole(text: str) -> list[Any]:
    return [_NAN, "integer", text]


def _digits(text: str) -> list[Any]:
    """A number by its value: 1.0, 1.00 and 1e0 are one. Beyond the exponents of decimals its spelling stands for it."""
    with localcontext(prec=max(28, len(text)), Emax=MAX_EMAX, Emin=MIN_EMIN):
        try:
            return [_NAN, "number", str(Decimal(text).normalize())]
        except ArithmeticError:
            return [_NAN, "number", text]


def _pairs(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    return found if len(found) == len(pairs) else [_NAN, "pairs", *map(list, sorted(pairs, key=itemgetter(0)))]


class _EqualKeys(Exception):
    """Two equal keys in one object, or keys with escapes: columns cannot tell them apart."""


def _accounts_for(compact: bytes, fields: Mapping[str, bytes]) -> bool:
    """Whether the fields are all there is in the object: equal keys, or keys with escapes, leave bytes over."""
    members = sum(len(key.encode("utf-8", "surrogatepass")) + 4 + len(raw) for key, raw in fields.items())
    return len(compact) == max(members + 1, 2)


def _split(
    fields: Mapping[str, bytes], columns: Sequence[Column], *, is_salvage: bool = False
) -> tuple[bytes, bytes | None]:
    known: list[bytes] = []
    rest: list[bytes] = []
    names = set()
    for column in columns:
        names.add(column.name)
        raw = fields.get(column.name)
        if raw is None or raw == b"null":
            continue
        fits, misfit = _fit(raw, column, is_salvage=is_salvage)
        key = f'"{column.name}":'.encode()
        if fits is not None:
            known.append(key + fits)
        if misfit is not None:
            rest.append(key + misfit)
    for key_text, raw in fields.items():
        if key_text not in names and raw != b"null":
            rest.append(msgspec.json.encode(key_text) + b":" + raw)
    return b"{" + b",".join(known) + b"}", b"{" + b",".join(rest) + b"}" if rest else None


def _fit(raw: bytes, column: Column, *, is_salvage: bool = False) -> tuple[bytes | None, bytes | None]:
    """The part of a value that the column's type holds, and the part that has to go to `extra`."""
    match column.kind:
        case "json":
            return raw, None
        case "boolean":
            return (raw, None) if raw in (b"true", b"false") else (None, raw)
        case "string":
            return (raw, None) if raw[:1] == b'"' else (None, raw)
        case "timestamp":
            if _CANONICAL_TIME.fullmatch(raw) and _instant(raw):
                return raw, None
            moment = _instant(raw)
            return (_json_time(moment), raw) if moment else (None, raw)
    if raw[:1] != b"{":
        return None, raw
    try:
        fields = {key: bytes(value) for key, value in _FIELDS.decode(raw).items()}
    except msgspec.MsgspecError as error:
        raise _EqualKeys from error
    if not is_salvage and not _accounts_for(raw, fields):
        raise _EqualKeys
    return _split(fields, column.fields, is_salvage=is_salvage)


def _time_of(fields: Mapping[str, bytes]) -> datetime | None:
    return _instant(fields.get("eventTime", b"null"))


def _instant(raw: bytes) -> datetime | None:
    """ISO text in its usual spellings, or seconds or milliseconds since 1970."""
    try:
        value = msgspec.json.decode(raw)
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return moment.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError, RecursionError, msgspec.MsgspecError):
        return None
    return None


def _json_time(moment: datetime) -> bytes:
    return f'"{_spelled(moment)}"'.encode()


def _spelled(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _salvage(text: bytes) -> tuple[bytes, bytes]:
    """Columns as far as they go, and the whole text beside them: equal keys, lone surrogates, huge numbers."""
    try:
        decoded = text.decode("utf-8", "surrogatepass")
        record = json.loads(decoded, parse_int=_number, parse_float=_number, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise NotAnEvent("JSON that cannot be read") from error
    if not isinstance(record, dict):
        raise NotAnEvent("not a JSON object")
    scrubbed = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace")
    fields = {key: bytes(raw) for key, raw in _FIELDS.decode(msgspec.json.format(scrubbed, indent=-1)).items()}
    if not _time_of(fields):
        raise NotAnEvent("no usable eventTime")
    return _split(fields, _ORDERED, is_salvage=True)[0], only_as_text(text)


def _refuse(constant: str) -> str:
    """Python reads NaN and Infinity, which are no JSON: whoever reads the record after us could not."""
    raise NotAnEvent(f"{constant} in it, which is no JSON")


def _number(text: str) -> float | int | str:
    """A number of a size Python and JSON agree on, else its text."""
    return int(text) if len(text) < 19 and text.lstrip("-").isdigit() else text


def _integer(text: str) -> int | Decimal:
    """Python refuses to read integers of more than 4,300 digits as int."""
    return int(text) if len(text) < 4000 else Decimal(text)


def _object(values: Mapping[str, Any], columns: Iterable[Column], loads: Loads) -> dict[str, Any]:
    return {
        column.name: _json_value(values[column.name], column, loads)
        for column in columns
        if values.get(column.name) is not None
    }


def _json_value(value: Any, column: Column, loads: Loads) -> Any:
    match column.kind:
        case "json":
            return loads(value)
        case "struct":
            return _object(value, column.fields, loads)
        case "timestamp":
            return _spelled(value)
    return value


def _joined(known: bytes, rest: Mapping[str, bytes], columns: Sequence[Column]) -> bytes:
    """An object with what `extra` has at the same path: beside the fields of a struct, else in a field's place."""
    structs = {column.name: column.fields for column in columns if column.fields}
    members = _members(known)
    for key, text in rest.items():
        if key in structs and text[:1] == b"{" and members.get(key, b"")[:1] == b"{":
            members[key] = _joined(members[key], _members(text), structs[key])
        else:
            members[key] = text
    return b"{" + b",".join(msgspec.json.encode(key) + b":" + text for key, text in members.items()) + b"}"


def _members(text: bytes) -> dict[str, bytes]:
    """The members of an object without equal keys, as texts; at any depth, wherever it is called from."""
    try:
        return {key: bytes(raw) for key, raw in _FIELDS.decode(text).items()}
    except RecursionError:
        return _members_of_deep(text)


def _members_of_deep(text: bytes) -> dict[str, bytes]:
    """The same without a call for each level: ingest may have read it with less of Python's stack in use."""
    members = {}
    key = ""
    level = begin = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        level += _LEVELS.get(mark, 0)
        if level > 1 or mark[:1] == b'"' or (level == 1 and mark in (b"}", b"]")):
            continue
        if mark == b":":
            key = msgspec.json.decode(text[begin : token.start()])
        elif mark in (b",", b"}") and text[begin : token.start()].strip():
            members[key] = text[begin : token.start()].strip()
        begin = token.end()
    return members


def _is_deep(text: str) -> bool:
    """Whether it is nested so deeply that reading it may exceed Python's stack."""
    if text.count("{") + text.count("[") <= _MOST_LEVELS:
        return False
    levels = accumulate(_LEVELS.get(token[0], 0) for token in _TOKEN.finditer(text.encode()))
    return max(levels) > _MOST_LEVELS


def _merged(record: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(record.get(key), dict):
            _merged(record[key], value)
        else:
            record[key] = value
    return record
