"""Expressions and queries of CloudTrail Lake and Athena give what a real Trino gives over the same records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SAMPLE_LOGS
from tests.dialects.corpus import answers, expressions, one_form, queries
from trailql.errors import QueryError
from trailql.ingest import ingest_logs
from trailql.query.engine import OpenLake, open_lake
from trailql.query.result import Result

_OTHERWISE = {
    "typeof(now() - now())": "trailql knows one kind of interval",
    """json_extract_scalar('{"a":1.50}', '$.a')""": "DuckDB keeps a JSON number's value, not its digits",
    """json_extract_scalar('{"e":1e3}', '$.e')""": "DuckDB keeps a JSON number's value, not its digits",
    """json_format(json_parse('{"b": 1, "a": [1, 2]}'))""": "Trino sorts the keys of JSON it has parsed",
    "date_add('millisecond', 1500, timestamp '2024-01-01 03:00:00')": "Trino rounds to the literal's precision",
    "from_iso8601_timestamp('2024-01-02T03:04:05+02:00')": "the same moment, shown in UTC",
    "timestamp '2024-01-02 03:04:05' AT TIME ZONE 'America/New_York'": "shown with milliseconds",
    "with_timezone(timestamp '2024-07-02 03:04:05', 'Europe/Berlin')": "shown with milliseconds",
}
"""Known to differ, and why; docs/dialects.md says so."""
_REFUSED = {r"U&'\00e9'"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLake]:
    """The sample logs."""
    target: Path = tmp_path_factory.mktemp("dialects") / "lake"
    ingest_logs([str(SAMPLE_LOGS / "AWSLogs")], target)
    with open_lake(target) as opened:
        yield opened


def _rows(found: Result) -> list[list[Any]]:
    """As Arrow gives them: a map is a list of pairs, and so no struct."""
    return [list(row) for row in zip(*(column.to_pylist() for column in found.arrow().columns), strict=True)]


def test_expressions(lake: OpenLake) -> None:
    """
    Every expression that both sides can evaluate has one value; what trailql does not know it refuses.
    """
    known = answers("expressions")
    wrong: dict[str, Any] = {}
    for each in expressions():
        answer = known[each]
        try:
            found = _rows(lake.sql(f"SELECT {each}", dialect="athena"))
        except QueryError as error:
            if "error" not in answer and each not in _REFUSED:
                wrong[each] = str(error)
            continue
        if "error" in answer or each in _OTHERWISE:
            continue
        if one_form(found) != one_form(answer["rows"]):
            wrong[each] = (one_form(found), one_form(answer["rows"]))

    assert {} == wrong
    assert 480 < len(known)


@pytest.mark.parametrize(
    ("dialect", "name"), [(dialect, name) for dialect in ("lake", "athena") for name in queries(dialect)]
)
def test_queries(lake: OpenLake, dialect: str, name: str) -> None:
    """
    Every query runs unchanged, is taken for what it is, and gives the same columns and rows.
    """
    query, answer = queries(dialect)[name], answers(dialect)[name]

    found = lake.sql(query)

    assert dialect == lake.checked(query).dialect
    assert [each.lower() for each in answer["columns"]] == [each.lower() for each in found.columns]
    ours, theirs = one_form(_rows(found)), one_form(answer["rows"])
    if "order by" not in query.lower():
        ours, theirs = sorted(ours, key=json.dumps), sorted(theirs, key=json.dumps)
    assert theirs == ours
