"""`trailql tables`, `trailql describe`, and names that are nearly right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.ipc
import pytest

from tests.conftest import REPOSITORY
from trailql.schema import TABLE_MEANINGS, TABLES, VIEWS, walk


def trailql(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trailql", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
    )


def test_tables(sample_lake: Path) -> None:
    """
    Rows, bytes, days and meaning of each table, without reading one; a view has its meaning only.
    """
    done = trailql("tables", "--lake", sample_lake, "--format", "json")
    told = {row["table"]: row for row in json.loads(done.stdout)}

    assert [*TABLES, *VIEWS] == list(told)
    assert (None, None) == (told["sessions"]["rows"], told["sessions"]["bytes"])
    assert (21_442, "2026-09-14", "2026-10-18") == tuple(
        told["events"][name] for name in ("rows", "first_day", "last_day")
    )
    assert told["events"]["bytes"] > 1_000_000
    assert (0, None) == (told["expired"]["rows"], told["expired"]["first_day"])
    assert "21,442" in trailql("tables", "--lake", sample_lake).stdout
    assert 5 == trailql("tables", "--lake", sample_lake / "no").returncode


def test_describe_needs_no_lake(tmp_path: Path) -> None:
    """
    Every column and field has its path, its type as SQL sees it and a meaning.
    """
    done = trailql("describe", "events", "--format", "json", "--lake", tmp_path / "nowhere")
    told = {row["column"]: row for row in json.loads(done.stdout)}

    assert [".".join(path) for path, _ in walk(TABLES["events"])] == list(told)
    assert "TIMESTAMPTZ" == told["eventTime"]["type"]
    assert "STRUCT" == told["userIdentity"]["type"]
    assert "VARCHAR" == told["userIdentity.sessionContext.sessionIssuer.arn"]["type"]
    assert all(row["meaning"] for row in told.values())
    wrong = trailql("describe", "evens")
    assert (2, True) == (wrong.returncode, "did you mean events?" in wrong.stderr)


def test_describe_fits_the_terminal(sample_lake: Path) -> None:
    """
    Fields are indented under their struct, meanings and examples folded.
    """
    lines = trailql("describe", "events", "--examples", "--lake", sample_lake, COLUMNS="90").stdout.splitlines()

    assert max(map(len, lines)) <= 90
    assert any(line.startswith("    sessionIssuer ") for line in lines)
    assert any("such as: us-east-1 | eu-west-1" in line for line in lines)


def test_examples_of_a_time(sample_lake: Path) -> None:
    """
    --since narrows what is looked at.
    """
    words = ["describe", "events", "--examples", "--lake", sample_lake, "--format", "json"]
    days = {row["column"]: row for row in json.loads(trailql(*words, "--since", "2026-10-18").stdout)}["event_date"]
    assert ["2026-10-18"] == days["examples"]


@pytest.mark.parametrize("table", TABLES)
def test_everything_has_a_meaning(table: str) -> None:
    """
    No table, column or field without a sentence.
    """
    assert TABLE_MEANINGS[table]
    assert [] == [path for path, column in walk(TABLES[table]) if not column.meaning]


def test_names_that_are_nearly_right(sample_lake: Path) -> None:
    """
    detect takes the short name as query does; a wrong one gets the nearest, a query's is said to be one.
    """
    short = trailql("detect", "trail_logging_stopped", "--lake", sample_lake, "--format", "jsonl")
    full = trailql("detect", "cloudtrail.trail_logging_stopped", "--lake", sample_lake, "--format", "jsonl")
    assert short.stdout
    assert full.stdout == short.stdout
    for words, message in (
        (["detect", "trail_loging_stopped"], "did you mean trail_logging_stopped?"),
        (["detect", "api_calls_by_name"], "is a query, not a detection"),
        (["query", "failed_consol_logins"], "did you mean failed_console_logins?"),
        (["query", "signin.failed_consol_logins"], "did you mean signin.failed_console_logins?"),
    ):
        done = trailql(*words, "--lake", sample_lake)
        assert (2, True) == (done.returncode, message in done.stderr), done.stderr


def test_arrow_into_a_pipe_and_a_file(sample_lake: Path, tmp_path: Path) -> None:
    """
    A pipe gets a stream, --output an Arrow file.
    """
    words = [sys.executable, "-m", "trailql", "query", "SELECT count(*) AS n FROM events", "--lake", str(sample_lake)]
    piped = subprocess.run([*words, "--format", "arrow"], capture_output=True, check=True, cwd=REPOSITORY).stdout
    subprocess.run([*words, "--format", "arrow", "--output", str(tmp_path / "n.arrow")], check=True, cwd=REPOSITORY)

    assert [{"n": 21_442}] == pyarrow.ipc.open_stream(piped).read_all().to_pylist()
    with pyarrow.ipc.open_file(tmp_path / "n.arrow") as file:
        assert [{"n": 21_442}] == file.read_all().to_pylist()


def test_wide_records(sample_lake: Path) -> None:
    """
    query and detect show one record below the other.
    """
    query = trailql("query", "SELECT eventName, userIdentity FROM events LIMIT 2", "--wide", "--lake", sample_lake)
    detect = trailql("detect", "trail_logging_stopped", "--wide", "--lake", sample_lake)
    assert 2 == query.stdout.count("\neventName")
    assert '  "type": ' in query.stdout
    assert "detection         cloudtrail.trail_logging_stopped" in detect.stdout


def test_shell_runs_a_file(sample_lake: Path) -> None:
    """
    `trailql shell < file.sql`: answers on stdout, no prompt, the exit code of the first failure.
    """
    words = [sys.executable, "-m", "trailql", "shell", "--lake", str(sample_lake)]
    text = ".format csv\nSELECT count(*) AS n FROM events;\nSELECT nope FROM events;\n.nope\nSELECT 2 AS n;"
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert (6, "n\n21442\nn\n2\n") == (done.returncode, done.stdout)
    assert "nope" in done.stderr
    assert (
        0
        == subprocess.run(
            words, input="SELECT 1;", capture_output=True, text=True, check=False, cwd=REPOSITORY
        ).returncode
    )
