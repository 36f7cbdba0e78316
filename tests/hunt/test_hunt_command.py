"""`trailql hunt` and `trailql findings` on the command line: streams, exit codes, signals."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.test_commands import trailql
from tests.conftest import REPOSITORY, SAMPLE_LOGS
from tests.made import write_file
from trailql.hunt.lock import alone
from trailql.lake.lake import open_lake_folder

_CONFIG = """
[hunt]
lake = "lake"
sources = ["logs"]
only = ["cloudtrail.*", "iam.*"]
insights = false
first = "4000d"
[hunt.dead_man]
silence = false
max_lag = false
rejected = false
[hunt.metrics]
file = "hunt.prom"
[[hunt.sinks]]
type = "stdout"
min_severity = "high"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """
    A hunt over two weeks of the sample organization.
    """
    account = SAMPLE_LOGS / "AWSLogs" / "o-exampleorg1" / "444455556666" / "CloudTrail" / "us-east-1" / "2026" / "10"
    for day in ("14", "15"):
        shutil.copytree(account / day, tmp_path / "logs" / day)
    (tmp_path / "trailql.toml").write_text(_CONFIG)
    return tmp_path


def hunt(folder: Path, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return trailql("hunt", "--config", folder / "trailql.toml", *words, **options)


def test_a_round_and_its_findings(folder: Path) -> None:
    """
    Alerts on stdout, words on stderr, once; findings are listed, shown, acknowledged, closed.
    """
    first, second = hunt(folder), hunt(folder, "--quiet")
    alerts = [json.loads(line) for line in first.stdout.splitlines()]
    assert (0, 0) == (first.returncode, second.returncode), first.stderr
    assert {"cloudtrail.trail_logging_stopped", "iam.administrator_policy_attached"} <= {each["id"] for each in alerts}
    assert ("", "") == (second.stdout, second.stderr)
    assert re.search(r"hunted, 2026-10-1\dT.*; \d+ new findings; \d+ alerts sent; ", first.stderr)
    assert 'trailql_hunt_success{hunt="main"} 1' in (folder / "hunt.prom").read_text()

    words = ("--lake", folder / "lake")
    fingerprint = next(each["fingerprint"] for each in alerts if each["id"] == "cloudtrail.trail_logging_stopped")
    listed = trailql("findings", "list", *words, "--min-severity", "high")
    assert fingerprint[:12] in listed.stdout
    shown = json.loads(trailql("findings", "show", fingerprint[:12], *words, "--format", "jsonl").stdout)
    assert ["StopLogging"] == [event["eventName"] for event in shown["event_list"]]
    assert "StopLogging" in trailql("findings", "show", fingerprint[:12], *words).stdout

    assert 2 == trailql("findings", "ack", fingerprint[:12], *words, "--reason", " ").returncode
    for command, status in (("ack", "acknowledged"), ("close", "closed"), ("reopen", "open")):
        done = trailql("findings", command, fingerprint[:12], *words, "--reason", "we know")
        assert (0, True) == (done.returncode, f"→ {status}" in done.stderr)
        [told] = [
            json.loads(line)
            for line in trailql("findings", "list", *words, "--all", "--format", "jsonl").stdout.splitlines()
            if fingerprint in line
        ]
        assert (status, "we know") == (told["status"], told["reason"])
    assert (2, True) == (
        (done := trailql("findings", "show", "abcd", *words)).returncode,
        "no finding's fingerprint begins with abcd" in done.stderr,
    )


def test_what_a_first_round_does_not_look_at(folder: Path) -> None:
    """
    Older events count as hunted; that no detection has looked at them is said, with the setting.
    """
    config = folder / "trailql.toml"
    config.write_text(config.read_text().replace('first = "4000d"', 'first = "1h"'))

    done = hunt(folder)

    assert 0 == done.returncode
    assert re.search(r"new events on \d+ days? are older than hunt.first \(1h\): they count as hunted", done.stderr)


def test_dry_run(folder: Path) -> None:
    """
    Says what a round would do on stdout, and makes no lake.
    """
    done = hunt(folder, "--dry-run")
    assert (0, False) == (done.returncode, (folder / "lake").exists())
    assert re.search(r"ingest +\S+/logs: \d+ log files", done.stdout)
    assert "stdout, high and above" in done.stdout


def test_exit_codes(folder: Path) -> None:
    """
    3 where a file was rejected or an alert waits, 9 beside another round, 2 without a file; JSON lines on stderr.
    """
    write_file(folder / "logs", "junk.json.gz", b"no gzip at all")
    done = hunt(folder, "--log-format", "json")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert (3, {"rejected", "round"}) == (done.returncode, {each["event"] for each in lines})
    assert {"ingest", "look", "commit", "alert", "maintain"} == set(lines[-1]["steps"])
    with alone(open_lake_folder(folder / "lake"), "main"):
        busy = hunt(folder)
        told = hunt(folder, "--log-format", "json")
    assert (9, True) == (busy.returncode, "another round" in busy.stderr)
    assert (9, "warning") == (told.returncode, json.loads(told.stderr)["level"])
    assert 2 == trailql("hunt", "--config", folder / "missing.toml").returncode
    (folder / "trailql.toml").write_text(
        _CONFIG.replace("stdout", "syslog") + 'address = "127.0.0.1:9"\nprotocol = "tcp"\n'
    )
    (folder / "lake").rename(folder / "old")
    waits = hunt(folder)
    assert (3, True) == (waits.returncode, "wait" in waits.stderr)


def test_loop_ends_with_the_round(folder: Path) -> None:
    """
    --every goes on; SIGTERM lets the round at work end, and the exit code is 0.
    """
    words = [sys.executable, "-m", "trailql", "hunt", "--config", str(folder / "trailql.toml"), "--every", "1s"]
    process = subprocess.Popen(
        words, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    time.sleep(0.5)
    for _ in range(200):
        if (folder / "hunt.prom").exists():
            break
        time.sleep(0.1)
    time.sleep(1.5)
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=60)
    assert 0 == process.returncode, stderr
    assert stderr.rstrip().endswith("stopped")
    assert stderr.count("hunted") >= 2
    assert stdout.count('"new"') >= 2


@pytest.mark.parametrize("words", [["hunt"], ["findings", "list"], ["findings", "ack"], ["config", "check"]])
def test_help_has_an_example(words: list[str]) -> None:
    """
    Each command's help carries one, and the README shows the command.
    """
    done = trailql(*words, "--help")
    assert "Example: trailql" in done.stdout
    assert f"trailql {words[0]}" in (REPOSITORY / "README.md").read_text()
