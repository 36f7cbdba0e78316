"""
An independent reading of log files and records: the standard library alone, nothing of trailql but the column list.

Numbers keep their digits, objects their equal keys, strings their lone surrogates, so that whatever JSON tells apart
is told apart here.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from trailql.schema import RECORD_COLUMNS, Column

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_OTHER_LISTS = ("Events", "events", "results", "eventTime")
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Number:
    """A number by its digits: 1 is no 1.0, 0.0 no -0.0, and 1.0 is 1.00."""

    text: str


@dataclass(frozen=True, slots=True)
class Members:
    """An object: its keys and values in order, equal keys included."""

    pairs: tuple[tuple[str, Any], ...]

    def get(self, key: str) -> Any:
        """The value of a key that is there once; None otherwise."""
        found = [value for name, value in self.pairs if name == key]
        return found[0] if len(found) == 1 else None


def _float(text: str) -> Number:
    """By value; beyond what decimals reach by its spelling."""
    sign = "-" if text.startswith("-") else "+"
    try:
        value = Decimal(text.lstrip("-"))
    except InvalidOperation:
        return Number(f"float {text}")
    digits = "".join(map(str, value.as_tuple().digits)).lstrip("0")
    exponent = int(value.as_tuple().exponent) + len(digits) - len(digits.rstrip("0"))
    return Number(f"float {sign}{digits.rstrip('0')}e{exponent if digits else 0}")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(
    parse_int=lambda text: Number(f"int {text}"),
    parse_float=_float,
    parse_constant=_refuse,
    object_pairs_hook=lambda pairs: Members(tuple(pairs)),
)


def value_of(text: str) -> Any:
    """
    JSON text as values that keep everything.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is nested too deeply for Python.
    """
    value, end = _DECODER.raw_decode(text, _SPACE.match(text).end())  # type: ignore[union-attr]
    if _SPACE.match(text, end).end() != len(text):  # type: ignore[union-attr]
        raise ValueError("something follows")
    return value


def canonical(text: str) -> str:
    """
    The same string for records that are equal as JSON; null counts as absent at the top and inside typed structs.

    Raises:
        ValueError, RecursionError: As `value_of`.
    """
    return json.dumps(_plain(_kept(value_of(text), RECORD_COLUMNS)))


def content_id(text: str) -> str:
    """A short stand-in for `canonical`."""
    return hashlib.sha256(canonical(text).encode()).hexdigest()


def _kept(value: Any, columns: Sequence[Column]) -> Any:
    if not isinstance(value, Members):
        return value
    structs = {column.name: column.fields for column in columns if column.fields}
    return Members(
        tuple(
            (key, _kept(inner, structs[key]) if key in structs else inner)
            for key, inner in value.pairs
            if inner is not None
        )
    )


def _plain(value: Any) -> Any:
    """For `json.dumps`: no two different values alike."""
    if isinstance(value, Members):
        return {"object": [[key, _plain(inner)] for key, inner in sorted(value.pairs, key=lambda pair: pair[0])]}
    if isinstance(value, Number):
        return {"number": value.text}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def must_be_event(text: str) -> bool:
    """Whether there is no excuse for setting a record aside: an object with one plain eventTime, not nested deeply."""
    try:
        value = value_of(text)
    except (ValueError, RecursionError):
        return False
    time = value.get("eventTime") if isinstance(value, Members) else None
    if not isinstance(time, str) or not _TIME.fullmatch(time) or depth(text) > 500:
        return False
    try:
        return 1 < datetime.fromisoformat(time).year < 9999
    except ValueError:
        return False


def depth(text: str) -> int:
    """How deeply objects and arrays are nested; brackets in strings may count, so it is never too small."""
    deepest = level = 0
    for character in re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.DOTALL):
        if character in "[{":
            level += 1
            deepest = max(deepest, level)
        elif character in "]}":
            level -= 1
    return deepest


def uncompressed(stored: bytes) -> bytes | None:
    """A log file's content; None for damaged gzip. Zeros may pad the end."""
    if stored[:2] != b"\x1f\x8b":
        return stored
    try:
        return gzip.decompress(stored)
    except (OSError, EOFError, zlib.error):
        return None


def records_of(stored: bytes) -> list[str] | None:
    """
    The record texts of a trail file, a bare array, or records one behind the other.

    Returns:
        None where the file is none of these by the letter, whatever else it may be.
    """
    content = uncompressed(stored)
    try:
        text = (content or b"").decode().removeprefix("\ufeff")
        documents = _documents(text)
    except (ValueError, RecursionError):
        return None
    if not documents:
        return None
    found: list[str] = []
    values: list[Any] = []
    for document, value in documents:
        records = value.get("Records") if isinstance(value, Members) else None
        if isinstance(value, list):
            found += elements(document)
            values += value
        elif isinstance(records, list):
            if value.pairs[0][0] != "Records" or any(key in _OTHER_LISTS for key, _ in value.pairs):
                return None
            found += elements(document, document.index("[", document.index(":")))
            values += records
        else:
            found.append(document)
            values.append(value)
    return found if all(map(is_record, values)) else None


def is_record(value: Any) -> bool:
    """Whether a value says when it happened and what it is, and is no notification of S3."""
    if not isinstance(value, Members) or ("eventSource", "aws:s3") in value.pairs:
        return False
    names = [key for key, _ in value.pairs]
    return names.count("eventTime") == 1 and any(name in names for name in ("eventName", "eventID", "eventType"))


def is_no_json(stored: bytes) -> bool:
    """Whether a file is beyond reading: damaged gzip, no UTF-8, or no JSON from its first character on (NaN counts)."""
    content = uncompressed(stored)
    if content is None:
        return True
    try:
        text = content.decode().removeprefix("\ufeff")
        json.JSONDecoder(parse_int=str, parse_float=str).raw_decode(text, _SPACE.match(text).end())  # type: ignore[union-attr]
    except RecursionError:
        return False
    except ValueError:
        return True
    return False


def _documents(text: str) -> list[tuple[str, Any]]:
    found = []
    position = _SPACE.match(text).end()  # type: ignore[union-attr]
    while position < len(text):
        value, end = _DECODER.raw_decode(text, position)
        found.append((text[position:end], value))
        position = _SPACE.match(text, end).end()  # type: ignore[union-attr]
    return found


def elements(text: str, begin: int = 0) -> list[str]:
    """The elements of an array, as they are spelled."""
    found = []
    position = _SPACE.match(text, begin + 1).end()  # type: ignore[union-attr]
    while text[position] != "]":
        _, end = _DECODER.raw_decode(text, position)
        found.append(text[position:end])
        position = _SPACE.match(text, end).end()  # type: ignore[union-attr]
        if text[position] == ",":
            position = _SPACE.match(text, position + 1).end()  # type: ignore[union-attr]
    return found
