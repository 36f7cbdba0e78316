"""A sample of `make campaign`."""

from __future__ import annotations

from pathlib import Path

from tests.campaign.mutations import run


def test_mutations(tmp_path: Path) -> None:
    """Of changed records and log files none is lost, none is there twice, each is rebuilt, each refusal has a name."""
    found = run(1200, 250, 20261124, tmp_path)

    assert [] == found.failures
    assert found.counts["records held against their rows"] > 1200
    assert found.counts["files rejected"] > 20
