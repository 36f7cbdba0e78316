"""Which of AWS's two dialects a query is written in."""

from __future__ import annotations

import re

from trailql.errors import QueryError
from trailql.query.dialects.mend import mended
from trailql.query.dialects.translate import translate

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_STORE = "(?:eds|event[ _-]?data[ _-]?store)"
_LAKE_TABLE = re.compile(
    rf"""\b(?:from|join)\s+(?:"?(?:{_UUID}|arn:|[^\s"]*{_STORE})|"[^"\n]*{_STORE})""", re.IGNORECASE
)
_ATHENA_TABLE = re.compile(
    r"""\b(?:from|join)\s+(?:"?[\w-]+"?\.){0,2}"?\w*(?:cloudtrail_?logs|cloud_trail|athena)\w*""", re.IGNORECASE
)
_FOREIGN_TABLE = re.compile(
    rf"""
      (?:\b(?:from|join)\s+|,\s*)(?:"?default"?\.\w | (?:"?[\w-]+"?\.)*"?
      (?: {_UUID} | \w+(?:-\w+){{3,}} | \d | arn: | [$<{{\[] | [^\s"]*(?:trail|eds|event[ _-]?data|athena|aws)))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FOREIGN_WORDS = re.compile(
    r"""\b(?:eventtime|eventname|eventsource|useridentity|requestparameters|responseelements|sourceipaddress|errorcode
    |awsregion|recipientaccountid|user_identity|event_time|event_name|event_source|eventid)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_LAKE = re.compile(
    r"""
      \belement_at\s*\(\s*(?:\w+\.)?(?:requestparameters|responseelements|additionaleventdata|serviceeventdetails)
    | \beventtime\s*(?:[<>=]+|between)\s*'\d{4}-\d\d-\d\d\ \d
    | \b(?:eventjson|managementevent)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ATHENA = re.compile(
    r"""
      \bjson_extract(?:_scalar)?\s*\(\s*(?:\w+\.)?(?:requestparameters|responseelements|additionaleventdata)\b
    | \b(?:from_iso8601_timestamp|date_parse|parse_datetime)\s*\(\s*(?:\w+\.)?eventtime
    | \beventtime\s*(?:[<>=]+|between)\s*'\d{4}-\d\d-\d\dT
    | \breadonly\s*=\s*'
    | "(?:timestamp|date|year|month|day)"\s*[<>=]
    | \b(?:requestparameters|responseelements)\s+(?:not\s+)?like\b
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


def has_foreign_table(text: str) -> bool:
    """Whether a table is named as only AWS names them, or a placeholder stands for it."""
    return _FOREIGN_TABLE.search(mended(text)) is not None


def is_foreign(text: str) -> bool:
    """Whether a query is written for AWS, by its table or its words; any other unknown table is a slip of the pen."""
    query = mended(text)
    return bool(_FOREIGN_TABLE.search(query) or _FOREIGN_WORDS.search(query))


def _looks_like_lake(query: str) -> bool:
    """By the table's name, where it tells; else by what only one of the two writes."""
    if _LAKE_TABLE.search(query):
        return True
    if _ATHENA_TABLE.search(query):
        return False
    return len(_LAKE.findall(query)) > len(_ATHENA.findall(query))
