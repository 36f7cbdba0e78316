"""Lakes to ask: the sample logs', an empty one, and made ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.made import Record, write_log
from tests.questions.asked import read_records
from trailql.ingest import ingest_logs

MadeLake = Callable[..., Path]


@pytest.fixture(scope="session")
def sample(sample_logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake of the sample logs."""
    lake = tmp_path_factory.mktemp("questions") / "lake"
    ingest_logs([str(sample_logs)], lake)
    return lake


@pytest.fixture(scope="session")
def records(sample_logs: Path) -> list[Record]:
    """The events of the sample logs, read without trailql."""
    return read_records(sample_logs)


@pytest.fixture
def made_lake(tmp_path: Path) -> MadeLake:
    """Make a lake of the records given."""

    def make(*made: Record | str) -> Path:
        write_log(tmp_path / "logs", *made)
        ingest_logs([str(tmp_path / "logs")], tmp_path / "lake")
        return tmp_path / "lake"

    return make
