"""
AWS adds a field: it can be asked for at once, and one day it becomes a column, in new lakes and in old ones.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from tests.conftest import Ingest
from tests.made import TIME, record, write_log
from trailql.query.engine import open_lake

_NEWER = """
import trailql.schema as schema

new = (
    schema.Column("newField", "string", "A field of next year.", is_later=True),
    schema.Column("newFlag", "boolean", "Another.", is_later=True),
    schema.Column("newParts", "json", "And one with parts.", is_later=True),
)
own = schema.EVENT_COLUMNS[len(schema.RECORD_COLUMNS):]
schema.RECORD_COLUMNS = (*schema.RECORD_COLUMNS, *new)
schema.EVENT_COLUMNS = schema.TABLES["events"] = (*schema.RECORD_COLUMNS, *own)

from trailql.cli.app import main

main()
"""
"""A trailql whose schema knows three more fields than this one's."""

_NEW = {"newField": "blue", "newFlag": True, "newParts": {"a": [1, 2.5], "b": None}}
_ODD = {"newField": 7, "newFlag": "yes", "newParts": "text"}

Newer = Callable[..., str]


@pytest.fixture
def newer(lake_dir: Path) -> Newer:
    """Run a command of that newer trailql on the lake."""

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", _NEWER, *words, "--lake", str(lake_dir)], capture_output=True, text=True, check=False
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout

    return run


def asked(newer: Newer, sql: str) -> list[dict[str, Any]]:
    """A query's rows, by the newer trailql."""
    found: list[dict[str, Any]] = json.loads(newer("query", sql, "--format", "json"))
    return found


def test_a_field_nobody_knows_can_be_asked_for(logs: Path, lake_dir: Path, ingest: Ingest) -> None:
    """`record_field` reads what has no column yet, at any depth, as text."""
    write_log(logs, record(1, **_NEW), record(2))
    ingest()

    with open_lake(lake_dir) as lake:
        found = lake.sql("""
            SELECT record_field('newField') AS one, record_field('newParts.a[1]') AS two, record_field('none') AS three
            FROM events ORDER BY one NULLS LAST
        """).dicts()

    assert [{"one": "blue", "two": "2.5", "three": None}, {"one": None, "two": None, "three": None}] == found


def test_an_old_lake_gets_the_new_columns(logs: Path, lake_dir: Path, ingest: Ingest, newer: Newer) -> None:
    """
    The columns come with the first ingest of the newer trailql, old rows answer from `extra`, compaction fills them in,
    an older trailql goes on reading and writing, and every record is rebuilt as it was.
    """
    write_log(logs, record(1, **_NEW), record(2), record(3, **_ODD))
    ingest()
    columns = "eventID, newField, newFlag, newParts, record_field('newField') AS as_text"
    query = f"SELECT {columns} FROM events ORDER BY eventID"

    before = asked(newer, query)
    write_log(logs, record(4, **_NEW), record(5), record(6, **_ODD), unique="another0another0")
    newer("ingest", str(logs))
    mixed = asked(newer, query)
    ingest()  # the older one again, on a lake that has columns it does not know
    write_log(logs, record(7, **_NEW), unique="oldagain0oldagai")
    ingest()
    newer("lake", "compact")
    compacted = asked(newer, query)

    def expected(*numbers: int) -> list[dict[str, Any]]:
        found = []
        for number in numbers:
            made = record(number)
            told: dict[str, Any] = dict.fromkeys(("newField", "newFlag", "newParts", "as_text"))
            if number in (1, 4, 7):
                told |= {"newField": "blue", "newFlag": True, "newParts": '{"a":[1,2.5],"b":null}', "as_text": "blue"}
            elif number in (3, 6):
                told |= {"newParts": '"text"', "as_text": "7"}
            found.append({"eventID": made["eventID"], **told})
        return sorted(found, key=lambda row: str(row["eventID"]))

    def parsed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row | {"newParts": row["newParts"] and json.loads(row["newParts"])} for row in rows]

    assert parsed(expected(1, 2, 3)) == parsed(before)
    assert parsed(expected(1, 2, 3, 4, 5, 6)) == parsed(mixed)
    assert parsed(expected(1, 2, 3, 4, 5, 6, 7)) == parsed(compacted)
    fields = [field.name for field in DeltaTable(str(lake_dir / "events")).schema().fields]
    assert {"newField", "newFlag", "newParts"} <= set(fields)
    assert 7 == json.loads(newer("query", "SELECT count(*) AS n FROM events", "--format", "json"))[0]["n"]
    with open_lake(lake_dir) as older:
        assert 7 == older.sql("SELECT count(*) AS n FROM events").arrow()["n"][0].as_py()


def test_a_lake_whose_ledger_is_older(logs: Path, lake_dir: Path, ingest: Ingest) -> None:
    """The ledger of a lake made before copies were told apart gets its columns with the next ingest."""
    write_log(logs, record(1), record(1))
    made = _ORIGINAL.replace("LOGS", str(logs)).replace("LAKE", str(lake_dir))
    subprocess.run([sys.executable, "-c", made], check=True, capture_output=True)
    assert "duplicates_in_file" not in {field.name for field in DeltaTable(str(lake_dir / "files")).schema().fields}
    with open_lake(lake_dir) as lake:
        assert [(1, None)] == _counts(lake.sql("FROM files").dicts())
    write_log(logs, record(2, at=TIME), record(2, at=TIME), unique="another0another0")

    ingest()

    with open_lake(lake_dir) as lake:
        assert [(1, None), (1, 1)] == _counts(lake.sql("FROM files ORDER BY ingested_at").dicts())


def _counts(rows: list[dict[str, Any]]) -> list[tuple[Any, Any]]:
    return [(row["duplicates_dropped"], row["duplicates_in_file"]) for row in rows]


_ORIGINAL = """
import trailql.schema as schema

for table, columns in schema.TABLES.items():
    schema.TABLES[table] = tuple(column for column in columns if not column.is_later)

import dataclasses
import trailql.lake.ledger as ledger
from trailql.ingest import ingest_logs

real = ledger.fields
ledger.fields = lambda row: [f for f in real(row) if f.name in {c.name for c in schema.TABLES["files"]}]
ingest_logs(["LOGS"], "LAKE")
"""
"""A trailql from before there were later columns."""
