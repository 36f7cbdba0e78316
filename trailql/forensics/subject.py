"""What a call is about: the names and ids in its request."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

_MOST = 4
_NAMING = re.compile(
    r"(^|[a-z])(name|id|arn|identifier|key|user|role|bucket|policyarn|principal|url)s?$", re.IGNORECASE
)
_NOT_NAMING = re.compile(
    r"token|session|idempotency|hostedzonetype|mfa|requestid|filter|tag|attribute|^sid$", re.IGNORECASE
)
_LONG = 60


def subject_of(request: str | None) -> tuple[str, ...]:
    """
    The names and ids in a request, a few, in its own order; ARNs by their end.

    Args:
        request: `requestParameters`, JSON text.
    """
    value = parsed(request)
    found = dict.fromkeys(short(text) for text in _naming(value, is_named=False))
    return tuple(found)[:_MOST]


def subjects_of(requests: Iterable[str | None]) -> tuple[str, ...]:
    """
    What a run of calls is about: the names and ids all requests have, then those that differ, each once.
    """
    found = [names for request in requests if (names := subject_of(request))]
    each = dict.fromkeys(name for names in found for name in names)
    common = [name for name in each if len(found) > 1 and all(name in names for names in found)]
    return (*common, *(name for name in each if name not in common))


def parsed(text: str | None) -> Any:
    """JSON text as a value; None where it is none."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def short(text: str) -> str:
    """The end of an ARN, everything else as it is, cut where it is long."""
    if text.startswith("arn:"):
        text = text.split(":", 5)[-1].rsplit("/", 1)[-1] or text
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"


def _naming(value: Any, *, is_named: bool, depth: int = 0) -> Iterator[str]:
    if depth > 8:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if _NOT_NAMING.search(key):
                continue
            yield from _naming(inner, is_named=bool(_NAMING.search(key)), depth=depth + 1)
    elif isinstance(value, list):
        for inner in value[:20]:
            yield from _naming(inner, is_named=is_named, depth=depth + 1)
    elif is_named and isinstance(value, str) and value:
        yield value
