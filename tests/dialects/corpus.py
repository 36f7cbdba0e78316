"""The expressions and queries that a real Trino has answered, and answers of both sides in one form."""

from __future__ import annotations

import json
import math
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?)?( ?UTC|Z)?")


def expressions() -> list[str]:
    """One a line, unless a string goes on in the next."""
    found: list[str] = []
    for line in (HERE / "expressions.txt").read_text().splitlines():
        if found and found[-1].count("'") % 2:
            found[-1] += "\n" + line
        elif line and not line.startswith("#"):
            found.append(line)
    return found


def queries(dialect: str) -> dict[str, str]:
    """Queries by name."""
    parts = re.split(r"^-- name: (.*)\n", (HERE / f"{dialect}.sql").read_text(), flags=re.MULTILINE)
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def answers(name: str) -> dict[str, dict[str, Any]]:
    """What Trino said, by expression or name of a query."""
    found: dict[str, dict[str, Any]] = json.loads((HERE / f"{name}.json").read_text())
    return found


def one_form(value: Any) -> Any:
    """A value of either side: times as one text, numbers to ten digits, structs as lists, maps by their keys."""
    if isinstance(value, dict):
        if set(value) == {"decimal"}:
            return one_form(Decimal(value["decimal"]))
        if set(value) == {"map"} and isinstance(value["map"], dict):
            return sorted([str(key), one_form(each)] for key, each in value["map"].items())
        return [one_form(each) for each in value.values()]
    if isinstance(value, list) and value and all(isinstance(each, tuple) and len(each) == 2 for each in value):
        return sorted([str(key), one_form(each)] for key, each in value)  # a map in Arrow
    if isinstance(value, list | tuple):
        return [one_form(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, int | float | Decimal):
        return float(f"{float(value):.10g}")
    if isinstance(value, datetime):
        value = value.strftime("%Y-%m-%d %H:%M:%S.%f")
    elif isinstance(value, date):
        value = value.isoformat()
    elif isinstance(value, bytes):
        value = value.hex()
    if match := _TIME.fullmatch(str(value)):
        clock = match[2] or "00:00:00"
        clock = clock if len(clock) == 8 else f"{clock}:00"
        return f"{match[1]} {clock}{(match[3] or '').rstrip('0').rstrip('.')}"
    return str(value)
