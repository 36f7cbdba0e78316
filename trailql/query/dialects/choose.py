"""Which of AWS's two dialects a query is written in."""

from __future__ import annotations

import re

from trailql.errors import QueryError
from trailql.query.dialects.mend import mended
from trailql.query.dialects.translate import translate

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_LAKE = re.compile(
    rf"""
      \b(?:from|join)\s+"?(?:{_UUID}|[^\s"]*(?:eds|event[_-]?data[_-]?store)[^\s"]*)
    | \belement_at\s*\(\s*(?:\w+\.)?(?:requestparameters|responseelements|additionaleventdata|serviceeventdetails)
    | \beventtime\s*(?:[<>=]+|between)\s*'\d{{4}}-\d\d-\d\d\ \d
    | \b(?:eventjson|managementevent)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ATHENA = re.compile(
    r"""
      \b(?:from|join)\s+(?:"?\w+"?\.)?"?\w*(?:cloudtrail_logs|athena)\w*
    | \bjson_extract(?:_scalar)?\s*\(\s*(?:\w+\.)?(?:requestparameters|responseelements|additionaleventdata)\b
    | \b(?:from_iso8601_timestamp|date_parse|parse_datetime)\s*\(\s*(?:\w+\.)?eventtime
    | \beventtime\s*(?:[<>=]+|between)\s*'\d{4}-\d\d-\d\dT
    | \breadonly\s*=\s*'
    | "(?:timestamp|date|year|month|day)"\s*[<>=]
    """,
    re.VERBOSE | re.IGNORECASE,
)


def understood(text: str, dialect: str | None = None) -> tuple[str, str]:
    """
    The dialect of a query, and the query in DuckDB's SQL.

    Args:
        text: As it was typed or pasted.
        dialect: `lake` or `athena`; found out without.

    Raises:
        QueryError: It cannot be understood as either; the error is that of the likelier one.
    """
    query = mended(text)
    if dialect is not None:
        return dialect, translate(query, dialect)
    first, second = ("lake", "athena") if _looks_like_lake(query) else ("athena", "lake")
    try:
        return first, translate(query, first)
    except QueryError as error:
        try:
            return second, translate(query, second)
        except QueryError:
            raise error from None


def _looks_like_lake(query: str) -> bool:
    lake, athena = len(_LAKE.findall(query)), len(_ATHENA.findall(query))
    return lake > athena
