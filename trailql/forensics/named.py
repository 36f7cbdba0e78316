"""Which events name a resource."""

from __future__ import annotations

from typing import Any

_TEXTS = ("resources", "requestParameters", "responseElements")
_EDGE = "[^A-Za-z0-9_.-]"
"""What may stand before and after a name: `logs` is not named by `logs-archive`."""


def mentions(asked: str) -> tuple[str, dict[str, Any]]:
    """
    The events that name a resource in `resources`, request or answer, as SQL and its values.

    Args:
        asked: ARN, id or name. Of an ARN the name at its end counts too, in events of its service and account.
    """
    sql = "(" + " OR ".join(_names(text, "asked", "pattern") for text in _TEXTS) + ")"
    values: dict[str, Any] = {"asked": asked, "pattern": _pattern(asked)}
    parts = asked.split(":", 5)
    if len(parts) == 6 and parts[0] == "arn":
        tail = parts[5].rsplit("/", 1)[-1].rsplit(":", 1)[-1]
        by_tail = " OR ".join(_names(text, "tail", "ending") for text in _TEXTS[1:])
        sql = (
            f"({sql} OR (eventSource = $service AND ($account = '' OR recipientAccountId = $account) AND ({by_tail})))"
        )
        values |= {"tail": tail, "ending": _pattern(tail), "service": f"{parts[2]}.amazonaws.com", "account": parts[4]}
    return sql, values


def _names(text: str, needle: str, pattern: str) -> str:
    # `contains` is many times faster than the pattern, and leaves it few rows.
    return f"(contains({text}, ${needle}) AND regexp_matches({text}, ${pattern}))"


def _pattern(name: str) -> str:
    escaped = "".join(each if each.isalnum() or ord(each) > 0x7F else f"\\{each}" for each in name)
    return f"(^|{_EDGE}){escaped}($|{_EDGE})"
