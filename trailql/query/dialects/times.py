"""Comparisons of CloudTrail's time texts with literals, as comparisons of moments that DuckDB can skip files by."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from trailql.errors import QueryError

_WHOLE = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)Z")
_BEGINNING = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(\.\d*)?)?)?)?")
_FULL_DAY = re.compile(r"(\d{4})([-/]?)(\d\d)\2(\d\d)")
ANY_DAY = "any"
"""Of a partition column that holds whole days in whatever form the table's owner chose."""
_SPACED = re.compile(r"(\d{4}-\d\d-\d\d) .*")


def compared_with_text(instant: str, operator: str, text: str) -> str | None:
    """
    `eventtime >= '2026-10-01'` where eventtime is the text `2026-10-01T12:00:00Z`, as a comparison of moments.

    The texts sort as their moments do; a shorter text sorts before all that begin with it.

    Args:
        instant: SQL of the moment.
        operator: `=`, `<>`, `<`, `<=`, `>` or `>=`.
        text: The literal.

    Returns:
        SQL, None where only the texts themselves can be compared.
    """
    if operator not in {"=", "<", "<=", ">", ">="}:
        return None
    if text and not re.match(r"\d{4}", text):
        raise QueryError(f"{text!r} is no time, and eventtime is compared with it", hint="'2026-10-01T00:00:00Z'")
    if whole := _WHOLE.fullmatch(text):
        moment = _moment(whole[1], whole[2])
        return _sql(instant, operator, moment)
    if operator == "=":
        return None
    turned = {">": ">=", "<=": "<"}.get(operator, operator)
    if spaced := _SPACED.fullmatch(text):  # a space sorts before the T
        moment = _moment(spaced[1], "00:00:00")
        return _sql(instant, turned, moment)
    if (begins := _BEGINNING.fullmatch(text)) and not begins[5]:
        moment = _moment(begins[1], f"{begins[2] or '00'}:{begins[3] or '00'}:{begins[4] or '00'}")
        return _sql(instant, turned, moment)
    return None


def compared_with_day(pattern: str, column: str, operator: str, text: str) -> str | None:
    """
    A partition column compared with a literal, as a comparison of `event_date`.

    Args:
        pattern: How the partition writes the day, such as `%Y/%m/%d`.
        column: SQL of `event_date`.
        operator: The comparison.
        text: The literal.
    """
    if operator not in {"=", "<>", "<", "<=", ">", ">="}:
        return None
    if not re.search(r"\d", text):
        raise QueryError(f"{text!r} is no day, and a partition column is compared with it", hint="'2026/10/01'")
    if pattern in {ANY_DAY, "%d"} and (whole := _FULL_DAY.fullmatch(text)):
        return f"({column} {operator} DATE '{whole[1]}-{whole[3]}-{whole[4]}')"
    if pattern == ANY_DAY:
        raise QueryError(f"{text!r} is no day, and a partition column is compared with it", hint="'2026-10-01'")
    if pattern in {"%m", "%d"} and re.fullmatch(r"[1-9]", text):  # partitions named without a leading zero
        part = "month" if pattern == "%m" else "day"
        return f"(date_part('{part}', {column}) {operator} {text})"
    if operator == "<>":
        return None
    try:
        first = datetime.strptime(text, pattern).date()
    except ValueError:
        return None
    if first.strftime(pattern) != text:
        return None
    if pattern == "%Y/%m/%d":
        return f"({column} {operator} DATE '{first}')"
    if pattern == "%Y":
        last = date(first.year, 12, 31)
        match operator:
            case "=":
                return f"({column} BETWEEN DATE '{first}' AND DATE '{last}')"
            case ">=" | "<":
                return f"({column} {operator} DATE '{first}')"
            case _:
                return f"({column} {operator} DATE '{last}')"
    return None


def day_and_text(pattern: str, column: str, text: str) -> tuple[str, str]:
    """SQL of a partition column and of a text made in the query, both as `yyyy/mm/dd` where the text is a whole day."""
    whole = rf"regexp_replace({text}, '^(\d{{4}})[-/]?(\d\d)[-/]?(\d\d)$', '\1/\2/\3')"
    if pattern == ANY_DAY:
        return f"strftime({column}, '%Y/%m/%d')", whole
    if pattern == "%d":
        return (
            f"CASE WHEN length({text}) < 8 THEN strftime({column}, '%d') ELSE strftime({column}, '%Y/%m/%d') END",
            whole,
        )
    return f"strftime({column}, '{pattern}')", text


def day_like(pattern: str, column: str, text: str) -> str | None:
    """SQL of a partition column of whole days, written as the pattern of a LIKE writes them."""
    is_whole = re.search(r"\d{4}|[-/]", text)
    if pattern not in {ANY_DAY, "%d"} or not is_whole:
        return None
    written = "%Y-%m-%d" if "-" in text else "%Y/%m/%d" if "/" in text else "%Y%m%d"
    return f"strftime({column}, '{written}')"


def _moment(day: str, clock: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{day}T{clock}")
    except ValueError:
        return None


def _sql(instant: str, operator: str, moment: datetime | None) -> str | None:
    if moment is None:
        return None
    owner = instant.removesuffix('."eventTime"')
    day = moment.date()
    if operator == "<" and moment == datetime(day.year, day.month, day.day):
        day -= timedelta(days=1)
    of_day = {">": ">=", ">=": ">=", "<": "<=", "<=": "<=", "=": "="}[operator]
    return f"({instant} {operator} TIMESTAMPTZ '{moment}+00' AND {owner}.event_date {of_day} DATE '{day}')"
