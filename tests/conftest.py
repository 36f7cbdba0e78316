"""Fixtures every test may use: an empty lake, folders of logs, and the tables read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, settings

from trailql.ingest import IngestSummary, ingest_logs
from trailql.lake.lake import open_lake_folder
from trailql.lake.parquet import parquet_sql

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
SAMPLE_LOGS = REPOSITORY / "sample_logs"

settings.register_profile(
    "trailql",
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
settings.load_profile("trailql")

Rows = Callable[..., list[dict[str, Any]]]
Ingest = Callable[..., IngestSummary]


@pytest.fixture
def lake_dir(tmp_path: Path) -> Path:
    """Where a lake may be made."""
    return tmp_path / "lake"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """An empty folder for log files."""
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def ingest(logs: Path, lake_dir: Path) -> Ingest:
    """Ingest the folder `logs`, or other sources, into the lake."""

    def run(*sources: str | Path, **options: Any) -> IngestSummary:
        return ingest_logs([str(source) for source in sources or (logs,)], options.pop("lake", lake_dir), **options)

    return run


@pytest.fixture
def rows(lake_dir: Path) -> Rows:
    """Read a table of the lake back, as a list of dicts."""

    def read(table: str = "events", lake: Path = lake_dir) -> list[dict[str, Any]]:
        return read_table(lake, table)

    return read


@pytest.fixture(scope="session")
def sample_logs() -> Path:
    """The sample organization's log files."""
    return SAMPLE_LOGS / "AWSLogs"


@pytest.fixture(scope="session")
def sample_lake(sample_logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample organization's lake, made once; nobody may change it."""
    target = tmp_path_factory.mktemp("sample") / "lake"
    ingest_logs([str(sample_logs)], target)
    return target


@pytest.fixture(scope="session")
def expected() -> dict[str, Any]:
    """What is to be found in the sample logs."""
    answers: dict[str, Any] = json.loads((SAMPLE_LOGS / "expected.json").read_text())
    return answers


def read_table(lake: Path, table: str) -> list[dict[str, Any]]:
    """All rows of a table; none before its first commit."""
    paths = open_lake_folder(lake).live_files(table)
    if not paths:
        return []
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        found: list[dict[str, Any]] = con.sql(f"FROM {parquet_sql(paths)}").to_arrow_table().to_pylist()
    return found


def shared_data(name: str) -> Path:
    """A folder of real logs beside the repository; the test is skipped where it is absent."""
    folder = SHARED_DATA / name
    if not folder.is_dir():
        pytest.skip(f"no real logs at ../shared/data/{name}")
    return folder
