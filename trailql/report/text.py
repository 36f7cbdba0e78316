"""Log content on its way to a person: written by attackers, so made harmless for terminals and spreadsheets."""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from trailql.errors import TrailqlError

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NOT_PLAIN = re.compile(r"[^\x00-\x7e]")


def visible(text: str) -> str:
    r"""Control and formatting characters as `\x1b` or `\u202e`, so that a log can neither colour nor reverse a line."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def tell(error: TrailqlError) -> None:
    """An error on stderr: what happened to what, and what to try."""
    print(f"trailql: {visible(str(error))}", file=sys.stderr)
    if error.hint:
        print(f"  try: {visible(error.hint)}", file=sys.stderr)


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def harmless_cell(text: str) -> str:
    """A CSV cell no spreadsheet takes for a formula: a leading = + - @ gets an apostrophe before it."""
    return "'" + text if text.startswith(_FORMULA_STARTS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return not text.startswith("+")


def as_text(value: Any) -> str:
    """A value as people read it: times in ISO form with Z, structs and lists as JSON, null as nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if _is_interval(value):
        return _interval(value)
    if isinstance(value, dict | list | tuple):
        return json_text(plain(value))
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def plain(value: Any) -> Any:
    """A value as JSON can hold it; absent struct fields are left out."""
    if value is None or isinstance(value, str | bool | int | Decimal):
        return value
    if isinstance(value, dict):
        return {_key(key): plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list) or (isinstance(value, tuple) and not _is_interval(value)):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return as_text(value)


def json_text(value: Any, *, indent: int | None = None) -> str:
    r"""
    What `plain` has made as JSON text: decimals as numbers with all their digits, NaN and infinity as null.

    Characters that a terminal would obey, or that hide, are written as `\u202e`: the same JSON, harmless to look at.
    """
    encoded: bytes = _encoder().encode(value)
    if indent is not None:
        import msgspec

        encoded = msgspec.json.format(encoded, indent=indent)
    text = encoded.decode()
    return text if text.isascii() and "\x7f" not in text else _NOT_PLAIN.sub(_json_escape, text)


@cache
def _encoder() -> Any:
    import msgspec

    return msgspec.json.Encoder(decimal_format="number")


def _json_escape(match: re.Match[str]) -> str:
    character = match[0]
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return "".join(f"\\u{unit:04x}" for unit in memoryview(character.encode("utf-16-le")).cast("H"))


def _is_interval(value: Any) -> bool:
    return isinstance(value, timedelta) or hasattr(value, "nanoseconds")


def _interval(value: Any) -> str:
    """An interval as DuckDB writes it: `1 month 2 days 03:00:00`; it reads that again."""
    if isinstance(value, timedelta):
        months, days, microseconds = 0, value.days, value.seconds * 1_000_000 + value.microseconds
    else:
        months, days, microseconds = value.months, value.days, value.nanoseconds // 1000
    parts = [
        f"{number} {unit}{'' if abs(number) == 1 else 's'}"
        for number, unit in ((int(months / 12), "year"), (months - 12 * int(months / 12), "month"), (days, "day"))
        if number
    ]
    if microseconds or not parts:
        seconds, rest = divmod(abs(microseconds), 1_000_000)
        fraction = f".{rest:06d}".rstrip("0") if rest else ""
        clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"
        parts.append(f"-{clock}" if microseconds < 0 else clock)
    return " ".join(parts)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else as_text(key)


def count_of(number: int, one: str, many: str | None = None) -> str:
    """`1 file`, `2,000 files`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def iso(moment: datetime) -> str:
    """`2026-10-15T03:11:53Z`."""
    utc = moment.astimezone(UTC) if moment.tzinfo else moment
    return utc.replace(tzinfo=None).isoformat(timespec="seconds" if not utc.microsecond else "microseconds") + "Z"
