"""`trailql rules`, and how detect is told which detections run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.test_commands import trailql
from tests.detect.rules import HEADER, SQL, write_rule

_LOGS = Path(__file__).resolve().parents[2] / "sample_logs" / "AWSLogs"
_NIGHTLY = HEADER + (
    "SELECT * FROM events\nWHERE eventSource = 'ec2.amazonaws.com'\n"
    "  AND eventName = 'DeleteSnapshot' AND errorCode IS NULL\n"
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The sample organization's lake.
    """
    target = tmp_path_factory.mktemp("rules") / "lake"
    trailql("ingest", _LOGS, "--lake", target)
    return target


def test_own_rules_run_with_the_bundled_ones(lake: Path, tmp_path: Path) -> None:
    """
    They are listed, chosen and found like those.
    """
    write_rule(tmp_path, _NIGHTLY, name="own/snapshots")
    words = ["detect", "--lake", lake, "--rules", tmp_path, "--min-severity", "info", "--format", "jsonl"]

    found = {json.loads(line)["id"] for line in trailql(*words, "--pack", "own", "--pack", "cis").stdout.splitlines()}

    assert {"own.snapshots", "cloudtrail.trail_changed"} <= found
    assert not [id for id in found if id.startswith("activity.call_count")]
    assert "own.snapshots" in trailql("detect", "--rules", tmp_path, "--list").stdout


def test_malformed_rules(lake: Path, tmp_path: Path) -> None:
    """
    Exit code 7 with file and line, also for what shows only once it runs.
    """
    path = write_rule(tmp_path, _NIGHTLY.replace("high", "awful"))
    done = trailql("detect", "--lake", lake, "--rules", tmp_path)
    assert (7, "") == (done.returncode, done.stdout)
    assert f"{path}:2: no severity is called 'awful'" in done.stderr

    write_rule(tmp_path, HEADER + "SELECT\n  nope\nFROM events\nORDER BY 1")
    done = trailql("detect", "--lake", lake, "--rules", tmp_path, "--only", "break_glass")
    assert (7, True) == (done.returncode, f"{path}:9: " in done.stderr), done.stderr


def test_exceptions_are_never_silent(lake: Path, tmp_path: Path) -> None:
    """
    What is excepted, expired and disabled is said on stderr; --show-excepted prints the findings and why.
    """
    config = tmp_path / "trailql.toml"
    config.write_text(
        """
        [[detections."ec2.snapshots_or_images_deleted".exceptions]]
        reason = "the nightly backup"
        expires = 2999-12-31
        actor = "*:role/nightly-backup"
        [[detections."ec2.snapshots_or_images_deleted".exceptions]]
        reason = "the move"
        expires = 2020-01-31
        account = "444455556666"
        [detections."activity.call_refused"]
        disabled = true
        reason = "too many"
        """
    )
    words = ["detect", "--lake", lake, "--config", config]
    every = trailql(*words[:3], "--format", "jsonl").stdout.splitlines()
    done = trailql(*words, "--format", "jsonl")
    left = [json.loads(line) for line in done.stdout.splitlines()]
    shown = [json.loads(line) for line in trailql(*words, "--format", "jsonl", "--show-excepted").stdout.splitlines()]

    said = re.search(
        r"^(\d+) findings excepted by ec2.snapshots_or_images_deleted: the nightly backup, until 2999-12-31$",
        done.stderr,
        re.M,
    )
    assert said, done.stderr
    assert "an exception of ec2.snapshots_or_images_deleted has expired on 2020-01-31: the move" in done.stderr
    assert f"activity.call_refused is disabled by {config}: too many" in done.stderr
    assert "exception" not in left[0]
    excepted = [each for each in shown if each["exception"]]
    assert {"the nightly backup"} == {each["exception"] for each in excepted}
    assert int(said[1]) == len(excepted)
    assert len(shown) == len(left) + len(excepted)
    refused = [line for line in every if json.loads(line)["id"] == "activity.call_refused"]
    assert len(every) == len(shown) + len(refused)
    assert "the nightly backup" in trailql(*words, "--show-excepted", "--format", "md").stdout


def test_config_mistakes(lake: Path, tmp_path: Path) -> None:
    """
    Exit code 2 with file and key.
    """
    config = tmp_path / "trailql.toml"
    config.write_text('[detections."iam.user_created"]\nseverety = "low"\n')

    done = trailql("detect", "--lake", lake, "--config", config)

    assert (2, "") == (done.returncode, done.stdout)
    assert f'{config}: detections."iam.user_created".severety: unknown key' in done.stderr
    assert 2 == trailql("detect", "--lake", lake, "--config", tmp_path / "other.toml").returncode
    unknown = trailql("detect", "--lake", lake, "--pack", "persistance")
    assert (2, True) == (unknown.returncode, "privilege-escalation" in unknown.stderr)


def test_list_and_show() -> None:
    """
    Packs narrow the list; a detection is shown with parameters, cases and SQL.
    """
    rows = json.loads(trailql("rules", "list", "--pack", "cis", "--format", "json").stdout)
    assert rows
    assert all(row["cis"] and row["kind"] in ("per-event", "aggregating") for row in rows)

    shown = trailql("rules", "show", "terminate_instances_burst").stdout
    for part in ("severity: high", "parameter: instances INTEGER = 10", "quiet: nine instances", "WITH calls AS ("):
        assert part in shown


def test_new_lint_and_test(tmp_path: Path) -> None:
    """
    A detection's way: begun, filled in, looked through, tried; 7 and 1 while something is wrong.
    """
    made = trailql("rules", "new", "iam.break_glass", "--rules", tmp_path)
    assert 0 == made.returncode
    sql, samples = map(Path, made.stdout.split())
    assert 2 == trailql("rules", "new", "iam.break_glass", "--rules", tmp_path).returncode

    linted = trailql("rules", "lint", tmp_path)
    assert 7 == linted.returncode
    assert "break_glass.sql:1: to be filled in" in linted.stdout

    sql.write_text(HEADER + SQL)
    samples.write_text(samples.read_text().replace("TODO", "ConsoleLogin").replace("iam.ama", "signin.ama"))
    assert 0 == trailql("rules", "lint", tmp_path).returncode
    assert 0 == trailql("rules", "test", "--rules", tmp_path).returncode

    sql.write_text((HEADER + SQL).replace("  AND errorCode IS NULL\n", ""))
    failed = trailql("rules", "test", "--rules", tmp_path)
    assert 1 == failed.returncode
    assert "iam.break_glass: quiet: the call was refused: is found, and should be quiet" in failed.stdout


@pytest.mark.parametrize("command", ["list", "show", "test", "new", "lint"])
def test_help_has_an_example(command: str) -> None:
    """
    As every command's.
    """
    assert f"Example: trailql rules {command}" in " ".join(trailql("rules", command, "--help").stdout.split())
