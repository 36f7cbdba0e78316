"""Answers as Arrow, Polars, pandas and plain Python, and the page that says so."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas
import polars
import pyarrow as pa
import pytest

import trailql
from tests.conftest import REPOSITORY, SAMPLE_LOGS
from trailql.ingest import ingest_logs
from trailql.query.result import Result, unique_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    One account's sample logs.
    """
    target = tmp_path_factory.mktemp("result") / "lake"
    ingest_logs([str(next((SAMPLE_LOGS / "AWSLogs" / "o-exampleorg1").iterdir()))], target)
    return target


def test_one_answer_in_every_form(folder: Path) -> None:
    """
    The same rows, columns of one name included.
    """
    with trailql.open_lake(folder) as lake:
        found = lake.sql("SELECT eventName, count(*) AS n, 1 AS n FROM events GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3")

    assert ["eventName", "n", "n"] == found.columns == found.arrow().column_names
    assert 3 == len(found) == found.arrow().num_rows
    assert isinstance(found.arrow(), pa.Table)
    assert isinstance(found.pl(), polars.DataFrame)
    assert isinstance(found.df(), pandas.DataFrame)
    assert ["eventName", "n", "n_2"] == found.pl().columns == list(found.df().columns) == list(found.dicts()[0])
    assert found.rows() == found.pl().rows() == list(found) == [tuple(row) for row in found.df().to_numpy()]


def test_times_are_utc(folder: Path) -> None:
    """
    A time is aware in our own dialect, and has no zone in Lake's, as on AWS.
    """
    with trailql.open_lake(folder) as lake:
        ours = lake.sql("SELECT min(eventTime) AS t FROM events").rows()[0][0]
        lakes = lake.sql("SELECT min(eventTime) AS t FROM $EDS_ID").rows()[0][0]
        athenas = lake.sql("SELECT min(eventtime) AS t FROM cloudtrail_logs").rows()[0][0]

    assert lakes.replace(tzinfo=UTC) == ours == datetime.fromisoformat(athenas)
    assert ours.utcoffset().total_seconds() == 0


def test_an_answer_without_rows(folder: Path) -> None:
    """
    Nothing found is a table with columns.
    """
    with trailql.open_lake(folder) as lake:
        found = lake.sql("SELECT eventName, eventTime FROM events WHERE eventName = 'nothing'")

    assert [] == found.rows() == found.dicts()
    assert ["eventName", "eventTime"] == found.pl().columns


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "a_2", "a_3"]),
        (["a", "A"], ["a", "A_2"]),
        (["a", "a_2", "a"], ["a", "a_2", "a_3"]),
    ],
)
def test_names_become_different(names: list[str], expected: list[str]) -> None:
    """
    The second column of a name gets a number that no other column has.
    """
    assert expected == unique_names(names)


def test_the_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Every snippet of docs/library.md runs, and names only what a Result has.
    """
    page = REPOSITORY.joinpath("docs/library.md").read_text()
    monkeypatch.chdir(folder.parent)

    names: dict[str, object] = {}
    for snippet in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(snippet, names)
    for name in re.findall(r"`\.(\w+)(?:\(\))?`", page):
        assert hasattr(Result, name) or name in {"message", "hint"}


def test_neither_numpy_nor_pandas_is_needed(folder: Path) -> None:
    """
    Ingest, query and detections load neither: it takes a third of a second. Insights need numpy.
    """
    code = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"numpy", "pandas"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from trailql.cli.app import main
sys.argv = ["trailql", *sys.argv[1:]]
main()
"""
    logs = next(SAMPLE_LOGS.rglob("*CloudTrail_*.json.gz")).parent
    for words in (
        ["ingest", str(logs), "--lake", str(folder.parent / "plain"), "--quiet"],
        ["query", "SELECT * FROM events LIMIT 3", "--lake", str(folder)],
        ["query", "SELECT eventName, count(*) FROM $EDS_ID GROUP BY 1", "--lake", str(folder), "--format", "parquet"],
        ["detect", "--lake", str(folder)],
    ):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, cwd=REPOSITORY, check=False)
        assert 0 == done.returncode, done.stderr.decode()
