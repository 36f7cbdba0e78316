"""The command line: what is printed where, and with which exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.made import TIME, record

_ROOT = Path(__file__).resolve().parents[2]
_LOGS = _ROOT / "sample_logs" / "AWSLogs"


def trailql(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trailql", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=_ROOT,
        **options,  # type: ignore[call-overload]
    )


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The sample organization's lake.
    """
    target = tmp_path_factory.mktemp("cli") / "lake"
    done = trailql("ingest", _LOGS, "--lake", target)
    assert 3 == done.returncode, done.stderr
    return target


def test_ingest_names_what_it_rejects(tmp_path: Path) -> None:
    """
    Exit 3, nothing on stdout, each rejected file with its reason and the counts on stderr; the second run adds nothing.
    """
    first = trailql("ingest", _LOGS, "--lake", tmp_path / "lake")
    second = trailql("ingest", _LOGS, "--lake", tmp_path / "lake")

    assert (3, "") == (first.returncode, first.stdout)
    assert 2 == first.stderr.count("rejected: ")
    assert "truncated: the gzip stream breaks off" in first.stderr
    assert re.search(r"events added\s+21,442\b", first.stderr)
    assert 0 == second.returncode
    assert re.search(r"events added\s+0\b", second.stderr)
    assert "2 rejected before and unchanged" in second.stderr


def test_query_formats(lake: Path, tmp_path: Path) -> None:
    """
    The same rows in every format, to stdout or a file.
    """
    question = "SELECT eventName, count(*) AS calls FROM events GROUP BY ALL ORDER BY calls DESC, eventName LIMIT 3"

    rows = json.loads(trailql("query", question, "--lake", lake, "--format", "json").stdout)
    lines = trailql("query", question, "--lake", lake, "--format", "jsonl").stdout.splitlines()
    cells = list(csv.DictReader(io.StringIO(trailql("query", question, "--lake", lake, "--format", "csv").stdout)))
    trailql("query", question, "--lake", lake, "--format", "parquet", "--output", tmp_path / "rows.parquet")

    assert {"eventName": "UpdateInstanceInformation", "calls": 2886} == rows[0]
    assert rows == [json.loads(line) for line in lines]
    assert [str(row["calls"]) for row in rows] == [cell["calls"] for cell in cells]
    assert rows == pq.read_table(tmp_path / "rows.parquet").to_pylist()


def test_query_by_name_file_and_parameters(lake: Path, tmp_path: Path) -> None:
    """
    A bundled name, a .sql file with a header, and --param all reach the same engine; --limit cuts.
    """
    (tmp_path / "mine.sql").write_text(
        "-- parameter: name TEXT = StopLogging\nSELECT count(*) AS n FROM events WHERE eventName = $name\n"
    )

    named = trailql("query", "failed_console_logins", "--lake", lake, "--format", "jsonl").stdout.splitlines()
    limited = trailql("query", "api_calls_by_name", "--lake", lake, "--format", "jsonl", "--limit", "2").stdout
    default = trailql("query", tmp_path / "mine.sql", "--lake", lake, "--format", "jsonl").stdout
    changed = trailql(
        "query", tmp_path / "mine.sql", "--lake", lake, "--format", "jsonl", "--param", "name=StartLogging"
    )

    assert 30 == sum(json.loads(line)["failures"] for line in named)
    assert 14 == json.loads(named[0])["failures"]
    assert 2 == len(limited.splitlines())
    assert {"n": 1} == json.loads(default)
    assert {"n": 1} == json.loads(changed.stdout)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["query", "SELECT nope FROM events"], 6, "nope"),
        (["query", "DROP VIEW events"], 6, "only SELECT"),
        (["query", "nosuchquery"], 2, "trailql query --list"),
        (["query", "SELECT 1", "--since", "yesterday"], 2, "--since"),
        (["detect", "--min-severity", "awful"], 2, "one of info"),
        (["detect", "no.such_detection"], 2, "trailql detect --list"),
        (["detect", "--param", "x=1"], 2, "no such detection"),
        (
            ["query", "api_calls_by_name", "--param", "from_date=yesterday"],
            2,
            "--param from_date=yesterday: not a date",
        ),
        (
            ["query", "SELECT 1", "--format", "parquet", "--output", "no/such/folder/x"],
            2,
            "no/such/folder/x: cannot be",
        ),
    ],
)
def test_errors_say_what_to_do(lake: Path, words: list[str], code: int, message: str) -> None:
    """
    One message on stderr, the error's exit code, nothing on stdout, no traceback.
    """
    done = trailql(*words, "--lake", lake)

    assert (code, "") == (done.returncode, done.stdout)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_no_lake_and_no_source(tmp_path: Path) -> None:
    """
    Missing things have exit codes of their own.
    """
    assert 5 == trailql("query", "SELECT 1", "--lake", tmp_path / "nowhere").returncode
    assert 4 == trailql("ingest", tmp_path / "nowhere", "--lake", tmp_path / "lake").returncode


def test_detect_fail_on(lake: Path) -> None:
    """
    --fail-on ends with 1 when it is met, and 0 when the window holds nothing of the kind.
    """
    assert 1 == trailql("detect", "--lake", lake, "--fail-on", "high").returncode
    assert 0 == trailql("detect", "--lake", lake, "--fail-on", "critical").returncode
    assert 0 == trailql("detect", "--lake", lake, "--fail-on", "high", "--until", "2026-10-14").returncode


def test_detect_as_ocsf(lake: Path) -> None:
    """
    One Detection Finding a line, with the fingerprint the other formats have.
    """
    words = ("detect", "--lake", lake, "--min-severity", "high", "--format")
    found = [json.loads(line) for line in trailql(*words, "ocsf").stdout.splitlines()]
    plain = [json.loads(line) for line in trailql(*words, "jsonl").stdout.splitlines()]

    assert {2004} == {each["class_uid"] for each in found}
    assert [each["fingerprint"] for each in plain] == [each["finding_info"]["uid"] for each in found]
    assert all(each["finding_info"]["desc"] for each in found)


def test_detect_with_files_of_ones_own(lake: Path, tmp_path: Path) -> None:
    """
    trailql.toml names own rules and files of names, relative to itself; an option goes before it.
    """
    folder = tmp_path / "settings"
    (folder / "rules" / "own").mkdir(parents=True)
    (folder / "rules" / "own" / "stopped.sql").write_text(
        "-- title: A trail was stopped\n-- severity: high\n-- attack: T1562.008\n-- description: Ours.\n"
        "-- quiet when: never\n-- misses: nothing\n-- false positives: none\n-- source: https://docs.aws.amazon.com/\n"
        "SELECT * FROM events WHERE eventSource = 'cloudtrail.amazonaws.com' AND eventName = 'StopLogging'\n"
    )
    (folder / "accounts.csv").write_text("444455556666,production\n")
    (folder / "networks.csv").write_text("203.0.113.0/24,guests\n")
    (folder / "trailql.toml").write_text(
        'rules = ["rules"]\n[enrich]\naccounts = "accounts.csv"\nnetworks = ["networks.csv"]\n'
    )
    other = tmp_path / "other.csv"
    other.write_text("203.0.113.0/24,strangers\n")
    words = ("detect", "own.stopped", "--lake", lake, "--config", folder / "trailql.toml", "--format")

    [found] = [json.loads(line) for line in trailql(*words, "jsonl").stdout.splitlines()]
    assert {"account_name": "production", "network": "guests"} == found["enrichment"]
    assert "(strangers)" in trailql(*words, "md", "--networks", other).stdout
    [ocsf] = [json.loads(line) for line in trailql(*words, "ocsf").stdout.splitlines()]
    assert "production" == ocsf["cloud"]["account"]["name"]
    assert "guests" == ocsf["evidences"][0]["src_endpoint"]["name"]


def test_detect_matrix(lake: Path) -> None:
    """
    The matrix instead of the findings, for eyes and for machines; the summary stays on stderr.
    """
    table = trailql("detect", "--lake", lake, "--matrix")
    assert "● T1562 Impair Defenses" in table.stdout
    assert "severity: " in table.stderr
    rows = json.loads(trailql("detect", "--lake", lake, "--matrix", "--format", "json").stdout)
    cell = next(each for each in rows if (each["tactic"], each["technique"]) == ("defense-evasion", "T1562"))
    assert cell["findings"] > 0 < cell["detections"]
    assert 2 == trailql("detect", "--lake", lake, "--matrix", "--format", "ocsf").returncode


def test_detect_says_what_ran(lake: Path) -> None:
    """
    How many detections over which time, on stderr; ids are whole in the table however narrow the terminal is.
    """
    done = trailql("detect", "--lake", lake, "--since", "2026-10-01", env={**os.environ, "COLUMNS": "80"})
    assert re.search(r"^\d+ findings of 1\d\d detections from 2026-10-01 00:00 UTC on$", done.stderr, re.MULTILINE)
    ids = {
        json.loads(line)["id"] for line in trailql("detect", "--lake", lake, "--format", "jsonl").stdout.splitlines()
    }
    assert ids
    assert all(f" {id} " in done.stdout for id in ids)

    never = trailql("detect", "--lake", lake, "--since", "2026-12-01", "--format", "jsonl")
    assert (0, "") == (never.returncode, never.stdout)
    assert re.match(r"no events in that time: the lake has events of 2026-\d\d-\d\d to 2026-10-18$", never.stderr)

    listed = trailql("detect", "--list", env={**os.environ, "COLUMNS": "60"}).stdout
    assert all(f"{id} " in listed for id in ids)


def test_query_outside_of_the_lakes_time(lake: Path) -> None:
    """
    No rows because the lake ends before: its days are named on stderr, and only then.
    """
    question = "SELECT eventName FROM events LIMIT 1"
    outside = trailql("query", question, "--lake", lake, "--since", "24h").stderr
    assert "the lake has events of 2026-09-14 to 2026-10-18" in outside
    assert "the lake has" not in trailql("query", question, "--lake", lake, "--since", "2026-10-01").stderr
    assert "the lake has" not in trailql("query", f"{question} OFFSET 100000", "--lake", lake).stderr


def test_insights_without_enough_history(lake: Path, tmp_path: Path) -> None:
    """
    Six days of logs are too few to compare with: that is said, with what there is and what is needed.
    """
    records = [record(day, at=TIME + timedelta(days=day)) for day in range(6)]
    (tmp_path / "logs.json").write_text(json.dumps({"Records": records}))
    trailql("ingest", tmp_path / "logs.json", "--lake", tmp_path / "lake")

    done = trailql("insights", "--lake", tmp_path / "lake")

    assert (0, True) == (done.returncode, "0 insights" in done.stderr)
    assert "too little history, nothing was tested: there are 4 days of baseline, 7 are needed" in done.stderr
    assert "history" not in trailql("insights", "--lake", lake).stderr
    compared = trailql("insights", "compare", "--lake", tmp_path / "lake")
    assert "0 both, 0 only AWS, 0 only ours" in compared.stderr
    assert "no Insights of CloudTrail's own in the lake (table aws_insights)" in compared.stderr
    assert "too little history" in compared.stderr


def test_parquet_goes_into_a_pipe_but_not_to_a_terminal(lake: Path) -> None:
    """
    A pipe gets the bytes of a Parquet file; a terminal a message.
    """
    words = [sys.executable, "-m", "trailql", "query", "SELECT 1 AS one", "--lake", str(lake), "--format", "parquet"]
    piped = subprocess.run(words, capture_output=True, check=True, cwd=_ROOT).stdout
    assert [{"one": 1}] == pq.read_table(io.BytesIO(piped)).to_pylist()

    terminal, side = pty.openpty()
    done = subprocess.run(words, stdout=side, stderr=subprocess.PIPE, check=False, cwd=_ROOT)
    os.close(side)
    os.close(terminal)
    assert (2, True) == (done.returncode, b"--output result.parquet" in done.stderr)


def test_summary_says_what_time_there_was(lake: Path, tmp_path: Path) -> None:
    """
    Where --from leaves out everything, the summary says from when the log files are.
    """
    done = trailql("ingest", _LOGS, "--lake", tmp_path / "lake", "--from", "24h")

    assert re.search(r"not selected +1,057 +by --from.*; new log files are of 2026-09-14 to 2026-10-19", done.stderr)


def test_insights_print_cloudtrail_records(lake: Path) -> None:
    """
    jsonl gives pairs of Start and End records in CloudTrail's shape.
    """
    lines = trailql("insights", "--lake", lake, "--format", "jsonl").stdout.splitlines()
    records = [json.loads(line) for line in lines]

    assert {"Start", "End"} == {record["insightDetails"]["state"] for record in records}
    assert {"AwsCloudTrailInsight"} == {record["eventType"] for record in records}
    pairs = {record["sharedEventID"] for record in records}
    assert len(records) == 2 * len(pairs)


@pytest.mark.parametrize(
    "command",
    [
        "ingest",
        "query",
        "shell",
        "tables",
        "describe",
        "detect",
        "insights",
        "coverage",
        "case",
        "trace",
        "timeline",
        "profile",
        "resource",
        "verify",
        "iam-policy",
    ],
)
def test_help_has_an_example(command: str) -> None:
    """
    Every command's help carries one, and the README shows the command.
    """
    done = trailql(command, "--help")

    assert 0 == done.returncode
    assert f"Example: trailql {command}" in " ".join(done.stdout.split())
    assert f"trailql {command}" in (_ROOT / "README.md").read_text()


def test_help_loads_nothing_heavy() -> None:
    """
    --help answers at once because DuckDB, Arrow, Polars and Delta are loaded by the commands that need them.
    """
    code = (
        "import sys\nfrom trailql.cli.app import app\n"
        "print([m for m in ('duckdb', 'pyarrow', 'polars', 'deltalake', 'boto3', 'msgspec') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_ROOT)

    assert "[]" == done.stdout.strip()


def test_control_characters_of_a_log_stay_out_of_the_terminal(tmp_path: Path) -> None:
    """
    A user agent that would clear the screen is printed as text.
    """
    record = {
        "eventVersion": "1.11", "eventTime": "2026-10-14T10:00:00Z", "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances", "userAgent": "\x1b[2Jgone", "eventID": "4b1b6b0e-0000-4000-8000-000000000001",
    }  # fmt: skip
    (tmp_path / "logs.json").write_text(json.dumps({"Records": [record]}))
    trailql("ingest", tmp_path / "logs.json", "--lake", tmp_path / "lake")

    done = trailql("query", "SELECT userAgent FROM events", "--lake", tmp_path / "lake")

    assert "\\x1b[2Jgone" in done.stdout
    assert "\x1b" not in done.stdout
