"""
Unwrap the records of one log file, whatever container they travelled in.

A trail file is `{"Records":[…]}`; that and its bare relatives take the fast way: one pass, no copies. Everything else
that carries CloudTrail records (LookupEvents, EventBridge, CloudWatch Logs, Firehose, SIEM exports) is peeled layer by
layer down to the same list of record texts.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import randrange

import msgspec

from trailql.errors import BadLogFile

_TRAIL_BEGIN = b'{"Records":['
FIRST_RECORD = len(_TRAIL_BEGIN)
"""Where a trail file's first record begins."""

_MAX_LAYERS = 6
_FEW_BYTES = 1 << 18
_LOOKS = 32
_LOOK_BYTES = 1024
_MOST_INNER_BYTES = 64 * 1024 * 1024
_EXPORT_LINE = re.compile(rb"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z (?=\{)", re.MULTILINE)


class _Trail(msgspec.Struct):
    Records: list[msgspec.Raw]


_TRAIL = msgspec.json.Decoder(_Trail)
_RAW = msgspec.json.Decoder(msgspec.Raw)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_STDLIB = json.JSONDecoder(parse_int=str, parse_float=str)  # as int, Python refuses more than 4,300 digits

RecordText = bytes | msgspec.Raw
"""One record's JSON; a `Raw` is a view into its file's bytes."""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """
    What one log file held.

    Args:
        records: The text of each record, in file order; buffers into the file's own bytes where possible.
        container: How they were wrapped, for the ledger: `trail`, `array`, `object`, `ndjson`, `lookup-events`, …
        is_trail: Whether they are valid JSON in valid UTF-8, and lie in the file's bytes from `FIRST_RECORD` on, one
            byte between each and the next.
    """

    records: list[RecordText]
    container: str
    is_trail: bool = False


def unwrap(body: bytes, *, origin: str) -> Unwrapped:
    """
    Read the records out of one log file.

    Args:
        body: Its uncompressed bytes.
        origin: Its URI, for errors.

    Returns:
        Its records, possibly none.

    Raises:
        BadLogFile: Not UTF-8, not JSON, or no container we know; the message says which.
    """
    if not body.strip():
        raise BadLogFile("the file is empty (0 bytes of content)", at=origin)
    if not body.isascii():
        _check_utf8(body, origin)
    trail = _fast_trail(body)
    if trail is not None:
        return trail
    if _has_tiny_elements(body):
        raise BadLogFile("not CloudTrail: hundreds of thousands of elements too small to be records", at=origin)
    try:
        return _careful(body.removeprefix(b"\xef\xbb\xbf").strip(), origin)
    except RecursionError as error:
        raise BadLogFile("JSON nested too deeply to be a CloudTrail record", at=origin) from error


def _has_tiny_elements(body: bytes) -> bool:
    """
    A few KB of gzip can unpack to millions of elements, each an object in memory; a record has over 100 bytes.

    Counting takes as long as reading: only where something looks like it, in places no writer can foresee.
    """
    if len(body) <= _FEW_BYTES:
        return False
    step = len(body) // _LOOKS
    looks = (body[begin : begin + _LOOK_BYTES] for begin in range(randrange(step), len(body), step))  # noqa: S311
    return any(map(_is_tiny, looks)) and body.count(b",") > 100_000 and _is_tiny(body)


def _is_tiny(text: bytes) -> bool:
    return text.count(b":") * 8 < text.count(b",")


def _check_utf8(body: bytes, origin: str) -> None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        what = "binary data" if b"\x00" in body[:512] else "text"
        raise BadLogFile(f"not CloudTrail: {what} that is not UTF-8 at byte {error.start}", at=origin) from error


def _fast_trail(body: bytes) -> Unwrapped | None:
    """`{"Records":[…]}` and nothing else; None sends the file the careful way."""
    if not body.startswith(_TRAIL_BEGIN) or _has_tiny_elements(body):
        return None
    try:
        raws = _TRAIL.decode(body).Records
    except (msgspec.MsgspecError, RecursionError):
        return None
    accounted = sum(map(len, raws)) + max(len(raws) - 1, 0) + len(_TRAIL_BEGIN + b"]}")
    if accounted != len(body.rstrip()) or (raws and not _is_record(_members(bytes(raws[0])))):
        return None
    return Unwrapped([*raws], "trail", is_trail=True)


def _careful(body: bytes, origin: str) -> Unwrapped:
    """Peel the layers of whatever this is; remember the names of the outermost."""
    documents = list(_documents(body, origin))
    records: list[RecordText] = []
    container = ""
    foreign = ""
    for document in documents:
        try:
            peeled = _peel(document)
        except _Foreign as error:
            foreign = foreign or str(error)
            records.append(document)
            continue
        container = container or peeled.container
        records += peeled.records
    if not container:
        raise BadLogFile(foreign or "not CloudTrail: no records in it", at=origin)
    return Unwrapped(records, "ndjson" if len(documents) > 1 and container == "object" else container)


def _documents(body: bytes, origin: str) -> Iterator[bytes]:
    """One JSON document, or several: one a line, or one behind the other as Firehose writes them."""
    try:
        _RAW.decode(body)
        yield body
        return
    except msgspec.MsgspecError as error:
        first_error = error
    if body[:1] not in (b"{", b"[") and not _EXPORT_LINE.match(body):
        raise BadLogFile(f"not JSON: it begins with {_glimpse(body)}", at=origin) from first_error
    lines = _EXPORT_LINE.sub(b"", body).split(b"\n")
    try:
        whole = [line for line in (each.strip(b" \t\r") for each in lines) if line]
        for line in whole:
            _RAW.decode(line)
        yield from whole
        return
    except msgspec.MsgspecError:
        pass
    try:
        yield from _one_behind_the_other(_EXPORT_LINE.sub(b"", body).decode())
    except ValueError as error:
        raise BadLogFile(f"not valid JSON: {first_error}", at=origin) from error


def _one_behind_the_other(text: str) -> Iterator[bytes]:
    position, end = 0, len(text)
    while position < end:
        if text[position].isspace():
            position += 1
            continue
        _, stop = _STDLIB.raw_decode(text, position)
        yield text[position:stop].encode()
        position = stop


class _Foreign(Exception):
    """JSON, but nothing that carries CloudTrail records; the message says what it is."""


def _peel(text: bytes, layer: int = 0) -> Unwrapped:
    """The records inside one JSON value."""
    if layer > _MAX_LAYERS:
        raise _Foreign("not CloudTrail: containers nested too deeply")
    if text[:1] == b"[":
        return _all(_rows(text), "array", layer)
    members = _members(text)
    if not members:
        raise _Foreign("not CloudTrail: JSON, but no object with records in it")
    return _peel_object(text, members, layer)


def _peel_object(text: bytes, members: Mapping[str, bytes], layer: int) -> Unwrapped:
    _refuse_foreign(members)
    if _is_record(members):
        return Unwrapped([text], "object")
    lists = [
        _all(_rows(members[key]), container, layer)
        for key, container in (
            ("Records", "trail"),
            ("Events", "lookup-events"),
            ("events", "log-events"),
            ("results", "log-events"),
        )
        if members.get(key, b"")[:1] == b"["
    ]
    if lists:
        if text.count(b'"Records"') > 1 and _has_equal_keys(text):
            raise _Foreign("two lists under one key: which one is meant cannot be told")
        return Unwrapped([record for each in lists for record in each.records], lists[0].container)
    if "logEvents" in members:
        return _log_events(members, layer)
    for key, container in (
        ("CloudTrailEvent", "lookup-events"),
        ("message", "log-events"),
        ("@message", "log-events"),
        ("_raw", "splunk"),
        ("detail", "eventbridge"),
        ("event.original", "elastic"),
        ("original", "elastic"),
        ("event", "siem"),
        ("_source", "elastic"),
        ("result", "splunk"),
    ):
        if key in members:
            return _inside(members[key], container, layer)
    for key in ("awslogs", "kinesis"):
        if key in members:
            return _inside(members[key], "subscription", layer)
    if members.get("data", b"")[:1] == b'"':
        return _base64(members["data"], layer)
    if members.get("records", b"")[:1] == b"[":
        return _all(_elements(members["records"]), "subscription", layer)
    names = ", ".join(sorted(members)[:4])
    raise _Foreign(f"not CloudTrail: a JSON object with the keys {_printable(names)}")


def _refuse_foreign(members: Mapping[str, bytes]) -> None:
    source = members.get("eventSource", b"")
    if (
        source == b'"aws:s3"'
        or "s3ObjectKey" in members
        or b'"eventSource":"aws:s3"' in members.get("Records", b"")[:400]
    ):
        raise _Foreign("an S3 notification: it points at log files and holds no records")
    if "digestSignatureAlgorithm" in members:
        raise _Foreign("a CloudTrail digest file, not a log file")
    if "timeWindow" in members and members.get("eventCategory") == b'"Aggregated"':
        raise _Foreign("CloudTrail aggregated events, which are no records of single calls")


def _is_record(members: Mapping[str, bytes]) -> bool:
    if members.get("eventSource") == b'"aws:s3"':
        return False
    return "eventTime" in members and any(key in members for key in ("eventName", "eventID", "eventType"))


def _all(rows: list[bytes], container: str, layer: int) -> Unwrapped:
    """Records of a list: as they are when the first one is a record, each peeled otherwise."""
    if not rows:
        return Unwrapped([], container)
    if _is_record(_members(rows[0])):
        return Unwrapped(list(rows), container)
    records: list[RecordText] = []
    foreign: _Foreign | None = None
    found = container
    kept = 0
    for row in rows:
        try:
            peeled = _peel(row, layer + 1)
        except _Foreign as error:
            foreign = foreign or error
            records.append(row)
            continue
        kept += 1
        records += peeled.records
        found = peeled.container if container == "array" and peeled.container != "object" else found
    if not kept:
        raise foreign or _Foreign("not CloudTrail: no records in it")
    return Unwrapped(records, found)


def _inside(raw: bytes, container: str, layer: int) -> Unwrapped:
    """The records of a member that is a record, or the text of one."""
    if raw[:1] == b'"':
        text = json.loads(raw)
        raw = text.encode("utf-8", "surrogatepass").strip()
        if raw[:1] not in (b"{", b"["):
            raise _Foreign("not CloudTrail: log messages that are no JSON records")
    peeled = _peel(raw, layer + 1)
    return Unwrapped(peeled.records, container)


def _log_events(members: Mapping[str, bytes], layer: int) -> Unwrapped:
    if members.get("messageType") == b'"CONTROL_MESSAGE"':
        return Unwrapped([], "subscription")
    return _all(_elements(members["logEvents"]), "subscription", layer)


def _base64(raw: bytes, layer: int) -> Unwrapped:
    try:
        data = base64.b64decode(json.loads(raw), validate=True)
        if data[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(data)) as unpacked:
                data = unpacked.read(_MOST_INNER_BYTES + 1)
            if len(data) > _MOST_INNER_BYTES:
                raise _Foreign("gzip inside base64 that unpacks to more than 64 MiB: no log message is that large")
    except (binascii.Error, ValueError, OSError, EOFError, zlib.error) as error:
        raise _Foreign("not CloudTrail: data that is neither base64 nor gzip") from error
    peeled = _peel(data.strip(), layer + 1)
    return Unwrapped(peeled.records, "subscription")


def _rows(text: bytes) -> list[bytes]:
    """The elements of an array; rows of a CloudWatch Logs Insights result as objects."""
    rows = _elements(text)
    return [_insights_row(row) for row in rows] if rows and rows[0][:1] == b"[" else rows


def _insights_row(row: bytes) -> bytes:
    """A CloudWatch Logs Insights result row, `[{"field":…,"value":…},…]`, as one object."""
    fields = {}
    for cell in _elements(row):
        members = _members(cell)
        if "field" in members and "value" in members:
            fields[members["field"]] = members["value"]
    return b"{" + b",".join(key + b":" + value for key, value in fields.items()) + b"}"


def _members(text: bytes) -> dict[str, bytes]:
    """The members of a JSON object as texts; empty when it is none."""
    if text[:1] != b"{":
        return {}
    try:
        return {key: bytes(raw) for key, raw in _OBJECT.decode(text).items()}
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _slices(text.decode("utf-8", "surrogatepass"))


def _has_equal_keys(text: bytes) -> bool:
    """Whether the outermost object has a key twice; what is inside its members is not looked at."""
    found: list[bool] = []

    def note(pairs: list[tuple[str, object]]) -> None:
        found.append(len({key for key, _ in pairs}) < len(pairs))

    json.JSONDecoder(object_pairs_hook=note, parse_int=str, strict=False).decode(text.decode("utf-8", "surrogatepass"))
    return found[-1]


def _elements(text: bytes) -> list[bytes]:
    """The elements of a JSON array as texts."""
    try:
        return [bytes(raw) for raw in _ARRAY.decode(text)]
    except msgspec.MsgspecError:
        return list(_slices(text.decode("utf-8", "surrogatepass")).values())


def _slices(text: str) -> dict[str, bytes]:
    """The texts inside one object or array, by key or index, where msgspec refuses (lone surrogates)."""
    found: dict[str, bytes] = {}
    space = re.compile(r"[\s,:]*")
    position = 1
    while True:
        position = space.match(text, position).end()  # type: ignore[union-attr]
        if position >= len(text) or text[position] in "]}":
            return found
        key = str(len(found))
        if text[0] == "{":
            key, position = _STDLIB.raw_decode(text, position)
            position = space.match(text, position).end()  # type: ignore[union-attr]
        _, stop = _STDLIB.raw_decode(text, position)
        found[key] = text[position:stop].encode("utf-8", "surrogatepass")
        position = stop


def _glimpse(body: bytes) -> str:
    return repr(_printable(body[:24].decode("utf-8", "replace")))


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text)
