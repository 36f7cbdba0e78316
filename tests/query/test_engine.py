"""Questions to a lake, and what a question must not do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trailql.detect.samples import cases_of
from trailql.errors import LakeError, QueryError
from trailql.ingest import ingest_logs
from trailql.query.engine import OpenLake, open_lake
from trailql.query.library import queries_folder

_SAMPLE = queries_folder() / "signin" / "console_login_without_mfa.sql"
_COUNT = "SELECT count(*) AS n FROM events"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A lake of four events on 2026-10-14 at 10:00, made from the records of a sample.
    """
    import json

    target = tmp_path_factory.mktemp("engine")
    records = [r for case in cases_of("console_login_without_mfa", _SAMPLE) if not case.fires for r in case.records]
    (target / "logs.json").write_text(json.dumps({"Records": records}))
    ingest_logs([str(target / "logs.json")], target / "lake")
    return target / "lake"


@pytest.fixture
def opened(folder: Path) -> Iterator[OpenLake]:
    with open_lake(folder) as lake:
        yield lake


def test_answers_with_rows(opened: OpenLake) -> None:
    """
    A SELECT comes back as an Arrow table.
    """
    assert [{"n": 4}] == opened.sql(_COUNT).dicts()


def test_parameters_are_bound(opened: OpenLake) -> None:
    """
    A value is a value, whatever SQL it looks like.
    """
    query = "SELECT count(*) AS n FROM events WHERE eventName = $name"

    assert [{"n": 4}] == opened.sql(query, {"name": "ConsoleLogin"}).dicts()
    assert [{"n": 0}] == opened.sql(query, {"name": "' OR true --"}).dicts()


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [(None, None, 4), ((10, 0), None, 4), ((10, 1), None, 0), (None, (10, 0), 0), ((9, 0), (10, 1), 4)],
)
def test_window_is_half_open(
    folder: Path, since: tuple[int, int] | None, until: tuple[int, int] | None, expected: int
) -> None:
    """
    since <= eventTime < until.
    """
    day = lambda hm: datetime(2026, 10, 14, *hm, tzinfo=UTC) if hm else None  # noqa: E731

    with open_lake(folder, since=day(since), until=day(until)) as lake:
        assert [{"n": expected}] == lake.sql(_COUNT).dicts()


def test_tables_without_rows_can_be_asked(opened: OpenLake) -> None:
    """
    set_aside exists for SQL before the first record was set aside.
    """
    assert [] == opened.sql("SELECT log_file, reason FROM set_aside").dicts()


@pytest.mark.parametrize(
    "text",
    [
        "COPY (SELECT 1) TO '{lake}/x.csv'",
        "WITH x AS (COPY (SELECT 1) TO '{lake}/x.parquet') SELECT * FROM x",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '{lake}/../logs.json'",
        "SELECT * FROM read_json('{lake}/../logs.json')",
        "SELECT * FROM glob('/etc/*')",
        "ATTACH '/tmp/other.db' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 1",
        "PRAGMA database_list; SELECT 1",
        "SELECT 1; DROP VIEW events",
        "DROP VIEW events",
        "CREATE TABLE t AS SELECT 1",
        "INSERT INTO events SELECT * FROM events",
        "EXPORT DATABASE '{lake}/out'",
    ],
)
def test_reaches_nothing_but_the_lake(opened: OpenLake, folder: Path, text: str) -> None:
    """
    Writing, other files, settings, extensions and Python's own variables are out of reach, and the lake stays whole.
    """
    before = sorted(path.name for path in folder.rglob("*"))

    with pytest.raises(QueryError):
        opened.sql(text.format(lake=folder))

    assert before == sorted(path.name for path in folder.rglob("*"))
    assert [{"n": 4}] == opened.sql(_COUNT).dicts()


def test_says_what_is_wrong(opened: OpenLake) -> None:
    """
    An unknown column is named, with a hint.
    """
    with pytest.raises(QueryError, match="nope") as caught:
        opened.sql("SELECT nope FROM events")
    assert caught.value.hint


def test_no_lake(tmp_path: Path) -> None:
    """
    A folder that is no lake says how to make one.
    """
    with pytest.raises(LakeError) as caught:
        open_lake(tmp_path / "nowhere")
    assert "trailql ingest" in (caught.value.hint or "")
