"""A small data set, made once."""

from __future__ import annotations

import pytest

from tests.bench.insights.dataset import Dataset, make_dataset


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Three accounts (the last without anomalies) over six weeks."""
    return make_dataset(tmp_path_factory.mktemp("insights"), seed=3, accounts=3, days=42)
