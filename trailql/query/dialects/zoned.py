"""
Moments as the clocks of a time zone show them, and back.

DuckDB knows zones by name; offsets such as +05:30 are reckoned here.
"""

from __future__ import annotations

import re

UTC = "'UTC'"
_OFFSET = re.compile(r"'([+-])(\d\d):?(\d\d)'")


def wall(moment: str, zone: str) -> str:
    """
    SQL of a TIMESTAMPTZ as a TIMESTAMP.

    Args:
        moment: SQL.
        zone: SQL of its zone; UTC when empty.
    """
    if offset := _OFFSET.fullmatch(zone):
        return f"(timezone('UTC', {moment}) + INTERVAL '{_minutes(offset)}' MINUTE)"
    return f"timezone({zone or UTC}, {moment})"


def moment(wall: str, zone: str) -> str:
    """The way back."""
    if offset := _OFFSET.fullmatch(zone):
        return f"timezone('UTC', {wall} - INTERVAL '{_minutes(offset)}' MINUTE)"
    return f"timezone({zone or UTC}, {wall})"


def of_text(text: str) -> str:
    """The zone that ends a literal, as SQL; empty for UTC or none."""
    found = re.search(r"([+-]\d\d:?\d\d|[A-Za-z]+/[\w/+-]+)\s*$", text[10:])
    if found is None or re.fullmatch(r"[+-]00:?00", found[1]):
        return ""
    name = found[1]
    return f"'{name[:3]}:{name[-2:]}'" if name[0] in "+-" else f"'{name}'"


def _minutes(offset: re.Match[str]) -> int:
    minutes = int(offset[2]) * 60 + int(offset[3])
    return -minutes if offset[1] == "-" else minutes
