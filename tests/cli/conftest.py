"""The sample organization's lake, made once for the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from trailql.ingest import ingest_logs


@pytest.fixture(scope="session")
def sample_lake(sample_logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample organization's lake; nobody may change it."""
    target = tmp_path_factory.mktemp("sample") / "lake"
    ingest_logs([str(sample_logs)], target)
    return target
