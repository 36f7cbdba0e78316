"""Fixtures of the tests that need an AWS to talk to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import KEYS, Server, aws_server
from trailql.ingest import IngestSummary, ingest_logs
from trailql.sources.aws import Aws, AwsAccess

S3Ingest = Callable[..., IngestSummary]


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Test credentials in the environment, and nobody's own configuration."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An empty AWS for the tests of one module."""
    with aws_server(tmp_path_factory.mktemp("aws")) as running:
        yield running


@pytest.fixture
def bucket(server: Server, request: pytest.FixtureRequest) -> str:
    """A new bucket, named after the test."""
    name = f"trail-{abs(hash(request.node.nodeid)) % 10**12:012d}"
    server.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def s3_ingest(server: Server, lake_dir: Path) -> S3Ingest:
    """Ingest an S3 URI from the server into the lake."""

    def run(uri: str, **options: Any) -> IngestSummary:
        aws = Aws(AwsAccess(endpoint_url=options.pop("endpoint_url", server.url)))
        return ingest_logs([uri], options.pop("lake", lake_dir), aws=aws, **options)

    return run
