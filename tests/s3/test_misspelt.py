"""A misspelt source or filter is an error that says what is there instead, and leaves no lake behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import read_table
from tests.s3.conftest import S3Ingest
from tests.s3.made_bucket import key, log_file
from tests.servers import Server, free_port
from trailql.errors import SourceError, UsageError
from trailql.ingest import Selection, ingest_event_history, plan_ingest
from trailql.sources.aws import AccessRefused, Aws, AwsAccess
from trailql.sources.s3 import Bucket

_NOW = datetime.now(UTC).replace(tzinfo=None)
_ACCOUNT, _OTHER = "111122223333", "444455556666"
Put = Callable[[str, bytes], None]


@pytest.fixture
def put(server: Server, bucket: str) -> Put:
    """Put an object into the bucket."""

    def run(name: str, body: bytes) -> None:
        server.client("s3").put_object(Bucket=bucket, Key=name, Body=body)

    return run


@pytest.fixture
def trail(put: Put) -> None:
    """Two accounts' log files below `audit/`, with other services' folders beside and among them."""
    put(key(_ACCOUNT, "eu-west-1", _NOW, "a" * 16, root="audit/AWSLogs"), log_file(0, 1, _NOW))
    put(key(_OTHER, "us-east-1", _NOW, "a" * 16, root="audit/AWSLogs"), log_file(1, 1, _NOW))
    put("audit/AWSLogs/777788889999/Config/eu-west-1/x.json.gz", b"not to be read")
    put("config/x.json", b"not to be read")


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    ("within", "there"),
    [
        ("adit/trail", "audit, config"),
        ("adit/", "audit, config"),
        ("audit/AWSLogs/999999999999/", f"{_ACCOUNT}, {_OTHER}"),
        ("audit/AWSLogs/o-exampleorg1/", f"{_ACCOUNT}, {_OTHER}"),
        (f"audit/AWSLogs/{_ACCOUNT}/CloudTrial/", "CloudTrail"),
        (f"audit/AWSLogs/{_ACCOUNT}/CloudTrail/eu-wset-1/", "eu-west-1"),
        ("audit/AWSLogs/777788889999/", "Config"),
    ],
)
def test_prefix_with_nothing_below(bucket: str, s3_ingest: S3Ingest, lake_dir: Path, within: str, there: str) -> None:
    """The message names what lies where the prefix goes wrong."""
    with pytest.raises(SourceError) as caught:
        s3_ingest(f"s3://{bucket}/{within}")

    assert 4 == caught.value.exit_code
    assert f"there are {there}" in caught.value.message
    assert f"s3://{bucket}/{within}".rstrip("/") == str(caught.value.at).rstrip("/")
    assert not lake_dir.exists()


def test_empty_bucket(bucket: str, s3_ingest: S3Ingest, lake_dir: Path) -> None:
    """An empty bucket is no bucket of a trail."""
    with pytest.raises(SourceError, match="no log files and no AWSLogs/ are there"):
        s3_ingest(f"s3://{bucket}")
    assert not lake_dir.exists()


def test_trail_without_deliveries_yet(bucket: str, put: Put, s3_ingest: S3Ingest) -> None:
    """A trail's folder that waits for its first delivery is right; so is one with nothing new."""
    put(f"AWSLogs/{_ACCOUNT}/CloudTrail/", b"")
    assert 0 == s3_ingest(f"s3://{bucket}").files_seen
    assert 0 == s3_ingest(f"s3://{bucket}/AWSLogs/{_ACCOUNT}/CloudTrail/").ingested

    put(key(_ACCOUNT, "eu-west-1", _NOW, "a" * 16), log_file(0, 1, _NOW))
    assert 1 == s3_ingest(f"s3://{bucket}").ingested
    assert 0 == s3_ingest(f"s3://{bucket}").ingested


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            Selection(accounts=frozenset({"123456789012"})),
            f"--account 123456789012: .*{_ACCOUNT}, {_OTHER}, 777788889999",
        ),
        (Selection(regions=frozenset({"us-esat-1"})), "--region us-esat-1: .*eu-west-1, us-east-1"),
        (Selection(accounts=frozenset({_OTHER}), regions=frozenset({"eu-west-1"})), "there are us-east-1"),
    ],
    ids=["account", "region", "region-of-account"],
)
def test_filter_that_no_folder_meets(
    bucket: str, s3_ingest: S3Ingest, lake_dir: Path, asked: Selection, told: str
) -> None:
    """A well-formed account or Region without a folder is refused, and those that are there are named."""
    with pytest.raises(UsageError, match=told):
        s3_ingest(f"s3://{bucket}", selection=asked)
    assert not lake_dir.exists()


@pytest.mark.usefixtures("trail")
def test_filter_that_some_folder_meets(bucket: str, s3_ingest: S3Ingest) -> None:
    """Of several accounts, one that is not there does not keep the others out; it is named."""
    summary = s3_ingest(f"s3://{bucket}", selection=Selection(accounts=frozenset({_ACCOUNT, "123456789012"})))

    assert 1 == summary.ingested
    assert [f"--account 123456789012: no folder of it; there are {_ACCOUNT}, {_OTHER}, 777788889999"] == summary.notes


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let listings of a prefix be answered as a policy would have it; moto does not check policies here."""

    def run(*prefixes: str) -> None:
        listed = Bucket.folders

        def folders(self: Bucket, prefix: str) -> list[str]:
            if prefix in prefixes:
                raise AccessRefused("access denied", at=self.uri(prefix))
            return listed(self, prefix)

        def objects(self: Bucket, prefix: str, **_: Any) -> Any:
            raise AccessRefused("access denied", at=self.uri(prefix))

        monkeypatch.setattr(Bucket, "folders", folders)
        if "audit/" in prefixes:
            monkeypatch.setattr(Bucket, "objects", objects)

    return run


@pytest.mark.usefixtures("trail")
def test_folders_that_may_not_be_listed(bucket: str, s3_ingest: S3Ingest, refuse: Callable[..., None]) -> None:
    """A folder beside the trail that a policy closes is named, and the trail is read all the same."""
    refuse("config/")

    summary = s3_ingest(f"s3://{bucket}")

    assert (2, [f"not allowed to look into s3://{bucket}/config/"]) == (summary.ingested, summary.notes)


@pytest.mark.usefixtures("trail")
def test_trail_behind_a_closed_folder(
    bucket: str, s3_ingest: S3Ingest, refuse: Callable[..., None], lake_dir: Path
) -> None:
    """Where the way to the trail is closed, the error names the folders and how to go on; no lake is made."""
    refuse("config/", "audit/")

    with pytest.raises(SourceError, match="not allowed to look into audit/, config/") as caught:
        s3_ingest(f"s3://{bucket}")
    assert f"trailql ingest s3://{bucket}/PREFIX/" in str(caught.value.hint)

    refuse("")
    with pytest.raises(AccessRefused) as refused:
        s3_ingest(f"s3://{bucket}")
    assert f"trailql iam-policy --bucket s3://{bucket}/ " in str(refused.value.hint)
    assert not lake_dir.exists()


@pytest.mark.usefixtures("trail")
def test_listing_that_fails_makes_no_lake(
    bucket: str, s3_ingest: S3Ingest, lake_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever keeps a bucket from being listed, in the middle or from the start, there is no lake afterwards."""

    def fail(self: Bucket, prefix: str, **_: Any) -> Any:
        raise AccessRefused("access denied", at=self.uri(prefix))

    with monkeypatch.context() as middle:
        middle.setattr(Bucket, "objects", fail)
        with pytest.raises(AccessRefused):
            s3_ingest(f"s3://{bucket}")
    with pytest.raises(SourceError, match="cannot be reached"):
        s3_ingest(f"s3://{bucket}", endpoint_url=f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SourceError, match="no usable AWS credentials"):
        s3_ingest(f"s3://{bucket}")

    assert not lake_dir.exists()


def test_history_that_fails_makes_no_lake(lake_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for event history."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SourceError):
        ingest_event_history(lake_dir, selection=Selection(regions=frozenset({"eu-west-1"})), aws=Aws())
    assert not lake_dir.exists()


def test_folder_that_is_no_lake_is_left_alone(bucket: str, put: Put, s3_ingest: S3Ingest, lake_dir: Path) -> None:
    """An empty folder may become a lake; one that holds something else is refused before anything is listed."""
    put(key(_ACCOUNT, "eu-west-1", _NOW, "a" * 16), log_file(0, 1, _NOW))
    lake_dir.mkdir()
    assert 1 == s3_ingest(f"s3://{bucket}").ingested
    assert 1 == len(read_table(lake_dir, "events"))

    other = lake_dir.parent / "other"
    other.mkdir()
    (other / "note.txt").write_text("mine")
    with pytest.raises(Exception, match="not a trailql lake"):
        s3_ingest(f"s3://{bucket}", lake=other)
    assert ["note.txt"] == [each.name for each in other.iterdir()]


def test_plan_sums_up(bucket: str, put: Put, s3_ingest: S3Ingest, server: Server, lake_dir: Path) -> None:
    """Everything listed is known, was rejected before, is not selected, is skipped, or is to be read."""
    for number, body in enumerate([log_file(0, 1, _NOW), b"<html>", json.dumps({"Records": []}).encode()]):
        put(key(_ACCOUNT, "eu-west-1", _NOW, f"{number:016d}"), body)
    s3_ingest(f"s3://{bucket}")
    put(key(_ACCOUNT, "eu-west-1", _NOW, "9" * 16), log_file(9, 1, _NOW))
    aws = Aws(AwsAccess(endpoint_url=server.url))

    plan = plan_ingest([f"s3://{bucket}"], lake_dir, aws=aws)
    assert (4, 2, 1, 1) == (plan.files_seen, plan.files_known, plan.files_rejected_before, plan.files_to_read)

    again = plan_ingest([f"s3://{bucket}"], lake_dir, retry_rejected=True, aws=aws)
    assert (4, 2, 0, 2) == (again.files_seen, again.files_known, again.files_rejected_before, again.files_to_read)
