"""A month of hunting with everything that goes wrong; a sample of `make hunt-crash`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hunt.month import BUCKET, IN_S3_DAYS, IN_S3_EVERY, play
from tests.servers import aws_server


def test_a_month_with_kills(tmp_path: Path) -> None:
    """
    Late, out of order, twice; rounds skipped, killed and run beside each other; sinks that fail: each incident is told.

    Once for each sink, by its idempotency key; only a kill between delivery and commit may repeat a key.
    """
    outcome = play(tmp_path, seed=20261129, days=9, kills=14)

    assert [] == outcome.faults
    assert outcome.planted >= 6
    assert outcome.kills >= 8
    assert outcome.failures


def test_a_fortnight_in_peace(tmp_path: Path) -> None:
    """
    Without kills no alert comes twice at all, however often its sink failed.
    """
    outcome = play(tmp_path, seed=7, days=4, kills=0)

    assert (0, []) == (outcome.repeated, outcome.faults)


@pytest.mark.skipif("TRAILQL_TEST_S3_KILLS" not in os.environ, reason="of clocks and minutes: make hunt-crash-s3")
def test_a_few_days_in_s3_with_kills(tmp_path: Path) -> None:
    """
    The same on a lake in S3, where a lease keeps rounds apart and a note says that its writer lives.
    """
    with aws_server(tmp_path) as server:
        server.client("s3").create_bucket(Bucket=BUCKET)
        outcome = play(tmp_path, seed=20261129, days=IN_S3_DAYS, kills=5, every=IN_S3_EVERY, server=server)

    assert [] == outcome.faults
    assert outcome.planted >= 3
    assert outcome.kills >= 3
