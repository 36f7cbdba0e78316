"""Trino's SQL parsed by sqlglot, with every function left as it was written: what they mean is ours to say."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError

from trailql.errors import QueryError

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # what it cannot parse is said once, by us
_GRAMMAR = ("CAST", "TRY_CAST", "EXTRACT", "POSITION", "SUBSTRING", "TRIM", "LISTAGG")
"""Functions whose arguments are not just separated by commas."""


class _Plain(Trino):
    INDEX_OFFSET = 0

    class Parser(Trino.Parser):  # type: ignore[misc, valid-type]
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {name: Trino.Parser.FUNCTION_PARSERS[name] for name in _GRAMMAR}


def parse(text: str) -> exp.Query:
    """
    One SELECT as a tree.

    Raises:
        QueryError: It does not parse, or is something else.
    """
    try:
        statements = [each for each in _Plain().parse(text) if each is not None]
    except (ParseError, TokenError) as error:
        raise QueryError(_in_words(error), hint="check quotes, commas and brackets there") from error
    if not statements:
        raise QueryError("there is no statement", hint="SELECT count(*) FROM events")
    if len(statements) > 1:
        raise QueryError("one statement at a time, please")
    statement = statements[0]
    if isinstance(statement, exp.Subquery):
        statement = statement.unnest()
    if not isinstance(statement, exp.Query):
        raise QueryError("only SELECT is allowed here", hint="the lake is written by trailql ingest alone")
    return statement


def _in_words(error: ParseError | TokenError) -> str:
    for each in getattr(error, "errors", []):
        near = (each.get("highlight") or "").strip()
        text = str(each.get("description", "")).rstrip(".").lower()
        where = f"line {each.get('line')}, column {each.get('col')}"
        return f"{where}: {text}" + (f" near {near[:40]!r}" if near else "")
    first = str(error).splitlines()[0]
    return "a quote or a comment is not closed" if first.startswith("Error tokenizing") else first
