"""What a request sets, and what was set before: as far as earlier requests say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from trailql.forensics.subject import parsed

_SETS_ANEW = re.compile(r"^(Put|Modify|Update|Set|Change|Replace)(?=[A-Z])")
_BEGINS = re.compile(r"^(Create|Run|Register|Allocate|Restore|Import)(?=[A-Z])")
_ENDS = re.compile(r"^(Delete|Terminate|Deregister|Release|Remove)(?=[A-Z])")
_NOT_SET = re.compile(r"token|idempotency|dryrun|^maxresults$|^filter", re.IGNORECASE)
_WHICH = frozenset({"policyname", "rulename", "attributename", "parameterkey", "alias", "ruleid", "sid", "accesskeyid"})
"""Keys that say which of several equal things is set; each has a past of its own."""
_DOCUMENT = re.compile(r"policy|document|configuration", re.IGNORECASE)
_ADDS = re.compile(r"(^|\.)(add|remove)(\.|$)|ToAdd|ToRemove", re.IGNORECASE)
"""Part of what is there is added or taken away: nothing that was set before is replaced."""
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Setting:
    """
    One value that a request sets.

    Args:
        path: Where it stands in the request, such as `instanceType`.
        after: The new value as text; JSON is laid out.
        replaces: Something was set there before; not so where a call adds or takes away.
        before: The value an earlier request set; None where no event says.
        before_time, before_event_id: Of that event.
    """

    path: str
    after: str
    replaces: bool = True
    before: str | None = None
    before_time: datetime | None = None
    before_event_id: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether an earlier event says what was set before."""
        return self.before_event_id is not None


class Past:
    """What was set so far on one resource; events are told in order."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = frozenset(names)
        self._values: dict[tuple[str, str], tuple[str, datetime, str]] = {}

    def told(self, name: str, request: str | None, time: datetime, event_id: str) -> tuple[Setting, ...]:
        """
        What a successful call sets, with what was set before.

        Args:
            name: The API operation. Put…, Modify…, Update…, Set… replace what was; Create… begins; all others
                (Attach…, Authorize…, Tag…) add or take away, so that nothing is before them.
            request: `requestParameters`.
            time, event_id: Of the event.
        """
        value = parsed(request)
        if _ENDS.match(name) or not isinstance(value, dict):
            return ()
        which = ", ".join(str(inner) for key, inner in value.items() if key.lower() in _WHICH)
        settings = []
        for path, text in _flat(value, "", 0):
            if self._is_the_resource(text):
                continue
            key = (which, path.lower())
            replaces = bool(_SETS_ANEW.match(name)) and not _ADDS.search(path) and path.lower() not in _WHICH
            before = self._values.get(key) if replaces else None
            if replaces or _BEGINS.match(name):
                self._values[key] = (text, time, event_id)
            settings.append(Setting(path, text, replaces, *(before or (None, None, None))))
        return tuple(settings)

    def _is_the_resource(self, text: str) -> bool:
        return text in self._names or any(text.endswith((f"/{name}", f":{name}")) for name in self._names)


def _flat(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """The values in a request under their paths; documents whole, `items` and `value` without their wrapping."""
    last = path.rsplit(".", 1)[-1]
    if path and _NOT_SET.search(last):
        return
    if path and _DOCUMENT.search(last) and (document := _document(value)):
        yield path, document
    elif isinstance(value, dict) and depth < _DEEPEST:
        for key, inner in value.items():
            below = path if path and key in ("items", "value") else f"{path}.{key}" if path else key
            yield from _flat(inner, below, depth + 1)
    elif isinstance(value, list) and all(not isinstance(inner, dict | list) for inner in value):
        yield path, ", ".join(map(str, value))
    elif value is not None and value != "":
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _document(value: Any) -> str | None:
    """A policy or configuration laid out; it may be text within text, and URL-encoded."""
    if isinstance(value, str):
        value = parsed(unquote(value) if value.startswith("%7B") else value)
    if not isinstance(value, dict | list) or not value:
        return None
    return json.dumps(value, indent=2, ensure_ascii=False)
