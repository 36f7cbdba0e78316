"""`trailql insights` and its commands, from outside."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

_FIRST = datetime(2026, 9, 1, tzinfo=UTC)


def _trailql(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trailql", *map(str, words)], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A steady API over 30 days with one burst, errors beside it, a read that is not counted.
    """
    rows = []
    for day in range(30):
        for minute in range(0, 1440, 10):
            moment = _FIRST + timedelta(days=day, minutes=minute)
            rows.append(("111122223333", "eu-west-1", "ssm.amazonaws.com", "PutInventory", None, moment, 2))
            rows.append(("111122223333", "eu-west-1", "ssm.amazonaws.com", "ListNodes", None, moment, 2))
    for minute in range(10):
        moment = _FIRST + timedelta(days=28, hours=9, minutes=minute)
        rows.append(("111122223333", "eu-west-1", "ssm.amazonaws.com", "PutInventory", None, moment, 20))
        rows.append(("111122223333", "eu-west-1", "iam.amazonaws.com", "ListUsers", "AccessDenied", moment, 4))
    names = ("account", "region", "eventSource", "eventName", "errorCode", "minute", "count")
    path = tmp_path_factory.mktemp("rates") / "rates.parquet"
    pl.DataFrame(rows, schema=list(names), orient="row", infer_schema_length=None).write_parquet(path)
    return path


def test_from_rates(rates: Path) -> None:
    """
    A file of minute counts instead of a lake; records in CloudTrail's own shape.
    """
    ran = _trailql("insights", "--from-rates", rates, "--since", "2026-09-28T00:00:00Z", "--format", "jsonl")
    found = [json.loads(line) for line in ran.stdout.splitlines()]

    assert 0 == ran.returncode
    told = {(each["insightDetails"]["eventName"], each["insightDetails"].get("errorCode")) for each in found}
    assert {("PutInventory", None), ("ListUsers", "AccessDenied")} == told
    assert ["Start", "End"] * 2 == [each["insightDetails"]["state"] for each in found]
    starts = {each["eventTime"] for each in found if each["insightDetails"]["state"] == "Start"}
    assert {"2026-09-29T09:00:00Z"} == starts


@pytest.mark.parametrize(
    ("content", "says"), [(None, "no Parquet file"), (b"PAR1", "no Parquet file"), ("columns", "column region")]
)
def test_from_rates_of_another_kind(tmp_path: Path, content: bytes | str | None, says: str) -> None:
    """
    What is no such file is named, with the columns that are asked for.
    """
    path = tmp_path / "rates.parquet"
    if content == "columns":
        pl.DataFrame({"account": ["111122223333"]}).write_parquet(path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    ran = _trailql("insights", "--from-rates", path)

    assert 4 == ran.returncode
    assert says in ran.stderr
    assert str(path) in ran.stderr


def test_save_list_explain_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The sample organization: what is kept can be listed, explained by the beginning of its id, and exported.
    """
    lake = tmp_path / "lake"
    sample = Path(__file__).parents[2] / "sample_logs" / "AWSLogs"
    assert 3 == _trailql("ingest", sample, "--lake", lake, "--quiet").returncode  # a damaged file is part of it
    assert 0 == _trailql("insights", "--lake", lake, "--save").returncode
    rows = _trailql("insights", "list", "--lake", lake, "--format", "csv").stdout.splitlines()
    [spike] = [row for row in rows if "ModifySnapshotAttribute" in row]
    monkeypatch.setenv("COLUMNS", "240")
    told = _trailql("insights", "--lake", lake)
    [folded] = [line for line in told.stdout.splitlines() if "ApiErrorRate" in line]
    errors = [row.split(",") for row in rows if "ApiErrorRate" in row]
    assert len(errors) > 3
    assert f" {sum(int(row[7]) for row in errors)} " in folded  # their calls
    assert f"{len(rows) - 1} insights in {len(rows) - len(errors)} rows; --format csv shows each" in told.stderr
    plot = tmp_path / "spike.html"
    explained = _trailql("insights", "explain", spike.split(",")[0], "--lake", lake, "--plot", plot)
    exported = json.loads(_trailql("insights", "export", "--lake", lake, "--format", "json").stdout)

    assert "188 calls" in explained.stdout
    assert "user/build-bot" in explained.stdout
    assert plot.read_text().startswith("<!doctype html>")
    assert 2 * (len(rows) - 1) == len(exported["Records"])
    assert 2 == _trailql("insights", "explain", "nothing", "--lake", lake).returncode
    assert 2 == _trailql("insights", "--from-rates", plot, "--save").returncode
    compared = _trailql("insights", "compare", sample, "--lake", lake, "--format", "csv").stdout.splitlines()
    assert ["ModifySnapshotAttribute"] == [
        row.split(",")[4].split(":")[1] for row in compared if row.startswith("both")
    ]
    assert not [row for row in compared if row.startswith("only AWS")]
    assert compared == _trailql("insights", "compare", "--lake", lake, "--format", "csv").stdout.splitlines()
