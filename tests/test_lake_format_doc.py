"""docs/lake-format.md: its snippets open the lake, its tables name the columns that are there."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Ingest
from tests.made import TIME, record, write_log
from trailql.lake.compact import compact
from trailql.lake.lake import open_lake_folder
from trailql.schema import TABLES

_PAGE = (REPOSITORY / "docs" / "lake-format.md").read_text()
_SNIPPETS = re.findall(r"```python\n(.*?)```", _PAGE.partition("## Opening it elsewhere")[2], re.DOTALL)


def _tool(snippet: str) -> str:
    return "spark" if "pyspark" in snippet else "polars" if "polars" in snippet else "duckdb"


@pytest.mark.parametrize("snippet", _SNIPPETS, ids=map(_tool, _SNIPPETS))
def test_snippet_counts_the_events(logs: Path, tmp_path: Path, ingest: Ingest, snippet: str) -> None:
    """Each, run as it stands there beside a lake with dead files in it, counts what trailql counts."""
    if _tool(snippet) == "spark" and not (importlib.util.find_spec("pyspark") and shutil.which("java")):
        pytest.skip("needs Java and pip install '.[spark]': make spark")
    for number in range(3):
        records = [record(100 * number + each, at=TIME.replace(day=1 + each % 3)) for each in range(50)]
        write_log(logs, *records, unique=f"number{number:010d}")
        ingest(lake=tmp_path / "lake")
    compact(open_lake_folder(tmp_path / "lake"))
    write_log(logs, record(9999), unique="last0last0last0l")
    ingest(lake=tmp_path / "lake")

    done = subprocess.run([sys.executable, "-c", snippet], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stderr
    assert ["151"] == done.stdout.split()


def test_there_is_a_snippet_for_each_tool() -> None:
    """Polars, plain DuckDB, Spark."""
    assert ["polars", "duckdb", "spark"] == list(map(_tool, _SNIPPETS))


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_on_the_page(table: str) -> None:
    """A column nobody can read about is none."""
    section = re.split(r"\n## ", _PAGE.partition(f"\n## {table}\n")[2])[0]
    assert [] == [column.name for column in TABLES[table] if f"`{column.name}`" not in section]
