"""Compare records strictly: what JSON tells apart is different, except null and absent where columns are typed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from trailql.schema import RECORD_COLUMNS, Column


def parsed(written: str | bytes) -> Any:
    """JSON text as Python reads it."""
    return json.loads(written)


def as_kept(record: dict[str, Any], columns: Sequence[Column] = RECORD_COLUMNS) -> dict[str, Any]:
    """
    A record without the nulls that the lake promises no difference for: at its top and inside struct columns.

    Free-form parts (`requestParameters`, unknown fields) keep theirs.
    """
    structs = {column.name: column.fields for column in columns if column.fields}
    return {
        key: as_kept(value, structs[key]) if key in structs and isinstance(value, dict) else value
        for key, value in record.items()
        if value is not None
    }


def is_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal in type and value: 1 is no 1.0, true no 1, 0.0 no -0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, float):
        return repr(one) == repr(other)
    return bool(one == other)


def is_same_record(one: Any, other: Any) -> bool:
    """Whether two records are equal, null and absent counting as equal where columns are typed."""
    if isinstance(one, dict) and isinstance(other, dict):
        return is_same(as_kept(one), as_kept(other))
    return is_same(one, other)


def not_among(wanted: Sequence[Any], found: Sequence[Any]) -> list[Any]:
    """The wanted records that have no equal among the found ones; each found one answers for every equal."""
    by_id: dict[str, list[Any]] = {}
    for one in found:
        by_id.setdefault(_key(one), []).append(one)
    return [one for one in wanted if not any(is_same_record(one, other) for other in by_id.get(_key(one), []))]


def _key(record: Any) -> str:
    return repr(record.get("eventID")) if isinstance(record, dict) else ""
