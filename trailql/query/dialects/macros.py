"""
What Trino means by its functions, in DuckDB's SQL: macros of the schema `trino`, which only translated queries call.

Each says what Trino's own function page says; where the two differ from DuckDB's function of the same name, Trino's
meaning holds. `make trino` holds them against a real Trino.

Source:
    https://trino.io/docs/current/functions.html
"""

from __future__ import annotations

import re
from pathlib import Path


def _macros() -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    text = Path(__file__).with_name("trino.sql").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.strip() or line.startswith("--"):
            continue
        if line[0].isspace():
            found[name] += "\n" + line
        else:
            name = line.partition("(")[0]
            found[name] = line.removeprefix(name)
    return found


_BODIES = _macros()
_CALLED = re.compile(r"\btrino\.(\w+)")


def _strict() -> frozenset[str]:
    """Macros that raise errors of their own, or call one that does."""
    found = {name for name, body in _BODIES.items() if "error(" in body}
    while more := {name for name, body in _BODIES.items() if found & set(_CALLED.findall(body))} - found:
        found |= more
    return frozenset(found)


STRICT = _strict()
"""Names of macros that have a twin `…_or_null`, for TRY: DuckDB's TRY does not catch what `error` raises."""


def macro_statements(sql: str) -> list[str]:
    """CREATE statements of the schema, and of the macros a query calls and those these call."""
    wanted, waiting = [], _CALLED.findall(sql)
    while waiting:
        name = waiting.pop()
        if name in wanted:
            continue
        wanted.append(name)
        waiting += _CALLED.findall(_body(name))
    made = [f"CREATE OR REPLACE MACRO trino.{name}{_body(name)}" for name in reversed(wanted)]
    return ["CREATE SCHEMA IF NOT EXISTS trino", *made]


def _body(name: str) -> str:
    if name in _BODIES:
        return _BODIES[name]
    return _gentle(_BODIES[name.removesuffix("_or_null")])


def _gentle(body: str) -> str:
    while (begin := body.find("error(")) >= 0:
        end, depth, is_text = begin + len("error("), 1, False
        while depth:
            is_text ^= body[end] == "'"
            depth += 0 if is_text else {"(": 1, ")": -1}.get(body[end], 0)
            end += 1
        body = f"{body[:begin]}NULL{body[end:]}"
    return _CALLED.sub(lambda found: found[0] + ("_or_null" if found[1] in STRICT else ""), body)
