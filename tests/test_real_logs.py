"""The sample organization and real logs: known figures, and every record rebuilt equal."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compared import not_among
from tests.conftest import Ingest, Rows, read_table, shared_data
from trailql.ingest import IngestSummary, ingest_logs
from trailql.normalize.careful import rebuild


def records_in(folder: Path) -> Iterator[Any]:
    """Every record of the event files below a folder, read by the standard library alone."""
    for path in sorted(folder.rglob("*.json*")):
        if "CloudTrail-" in str(path):
            continue
        stored = path.read_bytes()
        try:
            document = json.loads(gzip.decompress(stored) if stored[:2] == b"\x1f\x8b" else stored)
        except (ValueError, EOFError, OSError):
            continue
        yield from document["Records"] if isinstance(document, dict) else document


def lost(folder: Path, rows: list[dict[str, Any]]) -> list[Any]:
    """The records of a folder that no row gives back equal."""
    return not_among(list(records_in(folder)), [rebuild(row) for row in rows])


@pytest.fixture(scope="module")
def sample_lake(tmp_path_factory: pytest.TempPathFactory, sample_logs: Path) -> tuple[Path, IngestSummary]:
    """The sample logs in a lake."""
    lake = tmp_path_factory.mktemp("sample") / "lake"
    return lake, ingest_logs([str(sample_logs)], lake)


def test_sample_figures(sample_lake: tuple[Path, IngestSummary], expected: dict[str, Any]) -> None:
    """The sample gives the figures of expected.json: files, records, duplicates, rejects and skips."""
    lake, summary = sample_lake

    files, records = expected["files"], expected["records"]
    assert files["total"] == summary.files_seen
    assert files["log_files_with_records"] + files["insights"] == summary.ingested
    assert files["log_files_empty"] == summary.empty
    assert files["log_files_truncated"] + files["not_cloudtrail"] == summary.rejected
    assert files["digests"] == summary.skipped["in the CloudTrail-Digest folder: no event records"]
    assert files["insights"] == summary.insights_added == len(read_table(lake, "aws_insights"))
    assert records["read"] + files["insights"] == summary.records
    assert records["duplicates"] == summary.duplicates_dropped
    assert records["distinct_events"] == summary.events_added == len(read_table(lake, "events"))
    assert (0, 0) == (summary.conflicts, summary.records_set_aside)


def test_sample_problems_are_named(sample_lake: tuple[Path, IngestSummary], expected: dict[str, Any]) -> None:
    """The cut-off file and the foreign one are named, each with its reason."""
    _, summary = sample_lake

    oddities = expected["oddities"]
    reasons = {uri[uri.index("AWSLogs/") :]: reason for uri, reason in summary.problems}
    assert {oddities["truncated"], oddities["not_cloudtrail"]} == set(reasons)
    assert reasons[oddities["truncated"]].startswith("truncated")
    assert reasons[oddities["not_cloudtrail"]].startswith("not JSON")


def test_sample_counts(sample_lake: tuple[Path, IngestSummary], expected: dict[str, Any]) -> None:
    """The events counted by name, category, error and identity are those of expected.json."""
    rows = read_table(sample_lake[0], "events")

    events = expected["events"]
    assert events["by_event_name"] == Counter(row["eventName"] for row in rows)
    assert events["by_category"] == Counter(row["eventCategory"] for row in rows)
    assert events["by_error_code"] == Counter(row["errorCode"] for row in rows if row["errorCode"])
    assert events["by_identity_type"] == Counter(row["userIdentity"]["type"] for row in rows)
    places = Counter(f"{row['recipientAccountId']} {row['awsRegion']}" for row in rows)
    assert events["by_account_and_region"] == places
    assert events["first_event_time"] == min(row["eventTime"] for row in rows).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert events["last_event_time"] == max(row["eventTime"] for row in rows).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_sample_is_lossless(
    sample_lake: tuple[Path, IngestSummary], sample_logs: Path, expected: dict[str, Any]
) -> None:
    """Every sample record is rebuilt equal, the field nobody knows included; only those need `extra`."""
    rows = read_table(sample_lake[0], "events")

    assert [] == lost(sample_logs, rows)
    assert expected["oddities"]["events_with_unknown_field"] == sorted(row["eventID"] for row in rows if row["extra"])


def test_sample_again_adds_nothing(sample_lake: tuple[Path, IngestSummary], sample_logs: Path) -> None:
    """A second run over the sample adds nothing."""
    lake, _ = sample_lake

    summary = ingest_logs([str(sample_logs)], lake)

    assert (0, 0, 2) == (summary.events_added, summary.records, summary.files_rejected_before)


def test_ransomware_lab(ingest: Ingest, rows: Rows) -> None:
    """A real bucket copy, every event delivered by up to two trails: each once, and each rebuilt equal."""
    folder = shared_data("sans504")

    summary = ingest(folder)

    found = rows()
    assert (3872, 30_477, 23_981, 6496) == (
        summary.ingested,
        summary.records,
        summary.events_added,
        summary.duplicates_dropped,
    )
    assert ([], 0, 0) == (summary.problems, summary.conflicts, summary.records_set_aside)
    assert 44_307_672 == summary.content_bytes
    top = Counter(row["eventName"] for row in found).most_common(3)
    assert [("PutObject", 15_079), ("GetBucketAcl", 3513), ("GenerateDataKey", 2549)] == top
    assert [] == lost(folder, found)


def test_detonation_logs(ingest: Ingest, rows: Rows) -> None:
    """Real records in bare arrays, one file an attack technique: all 310 in, each rebuilt equal."""
    folder = shared_data("stratus")

    summary = ingest(folder)

    assert (35, 310, 310, []) == (summary.ingested, summary.records, summary.events_added, summary.problems)
    assert [] == lost(folder, rows())
