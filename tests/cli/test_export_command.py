"""`trailql export` as a process: what is printed where, and with which exit code."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_commands import trailql
from tests.conftest import REPOSITORY
from tests.made import record, trail, write_file


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of twenty events on 2026-10-01, an hour apart in two days' time."""
    from datetime import timedelta

    from tests.made import TIME
    from trailql.ingest import ingest_logs

    target = tmp_path_factory.mktemp("export")
    made = [record(number, at=TIME + timedelta(hours=number)) for number in range(20)]
    ingest_logs([str(write_file(target, "a.json", trail(*made)))], target / "lake")
    return target / "lake"


def test_log_files(lake: Path, tmp_path: Path) -> None:
    """Files in the folder, counts on stderr, nothing on stdout, exit code 0."""
    done = trailql("export", "--lake", lake, "--output", tmp_path / "out")

    files = sorted((tmp_path / "out").rglob("*.json.gz"))
    assert (0, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("exported 20 records in 2 files to ")
    assert [12, 8] == [len(json.loads(gzip.decompress(file.read_bytes()))["Records"]) for file in files]


def test_lines(lake: Path, tmp_path: Path) -> None:
    """One record a line on stdout, or in the file; the counts on stderr."""
    printed = trailql("export", "--lake", lake, "--format", "jsonl")
    written = trailql("export", "--lake", lake, "--format", "jsonl", "--output", tmp_path / "out.jsonl", "--quiet")

    times = [json.loads(line)["eventTime"] for line in printed.stdout.splitlines()]
    assert (0, 0, "", "") == (printed.returncode, written.returncode, written.stdout, written.stderr)
    assert printed.stderr.startswith("exported 20 records: ")
    assert 20 == len(times)
    assert sorted(times) == times
    assert printed.stdout == (tmp_path / "out.jsonl").read_text()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--since", "2026-10-02"], 8),
        (["--until", "2026-10-01T13:30:00Z"], 1),
        (["--since", "2026-10-01T13:30:00Z", "--until", "2026-10-01T15:30:00Z"], 2),
        (["--where", "hour(eventTime) = 0"], 1),
        (["--where", "eventName = 'DescribeInstances'", "--since", "2026-10-02"], 8),
    ],
)
def test_selection(lake: Path, words: list[str], expected: int) -> None:
    """--since and --until as for query, together with --where."""
    done = trailql("export", "--lake", lake, "--format", "jsonl", *words)

    assert expected == len(done.stdout.splitlines())


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "--output FOLDER"),
        (["--format", "csv", "--output", "x"], 2, "csv"),
        (["--format", "jsonl", "--where", "1=1) UNION SELECT * FROM events WHERE (1=1"], 2, "no SQL condition"),
        (["--format", "jsonl", "--where", "true; DROP VIEW events"], 2, "no SQL condition"),
        (["--format", "jsonl", "--where", "true) --"], 2, "no SQL condition"),
        (["--format", "jsonl", "--where", "true --"], 2, "comment"),
        (["--format", "jsonl", "--where", "nope = 1"], 6, "nope"),
        (["--format", "jsonl", "--where", "eventName::INTEGER = 1"], 6, "Could not convert"),
        (["--format", "jsonl", "--since", "yesterday"], 2, "--since"),
        (["--format", "jsonl", "--since", "2026-10-02", "--until", "2026-10-01"], 2, "--until"),
        (["--output", "/dev/null"], 2, "/dev/null"),
        (["--output", "/proc/nowhere/out"], 2, "cannot be written"),
        (["--format", "jsonl", "--output", "/proc/nowhere"], 2, "cannot be written"),
    ],
)
def test_errors_say_what_to_do(lake: Path, words: list[str], code: int, message: str) -> None:
    """One message on stderr, the error's exit code, no traceback."""
    done = trailql("export", "--lake", lake, *words)

    assert (code, "") == (done.returncode, done.stdout)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_folder_that_is_not_empty(lake: Path, tmp_path: Path) -> None:
    """A second export into the same folder is refused in words, and changes nothing."""
    trailql("export", "--lake", lake, "--output", tmp_path / "out")

    again = trailql("export", "--lake", lake, "--output", tmp_path / "out")

    assert 2 == again.returncode
    assert "not empty" in again.stderr
    assert 2 == len(list((tmp_path / "out").rglob("*.gz")))


def test_no_lake(tmp_path: Path) -> None:
    """Without a lake there is nothing to export, and no folder is made."""
    assert 5 == trailql("export", "--lake", tmp_path / "nowhere", "--output", tmp_path / "out").returncode
    assert not (tmp_path / "out").exists()


def test_reader_that_goes_away(lake: Path) -> None:
    """`| head -1` is no error."""
    command = f"{sys.executable} -m trailql export --lake {lake} --format jsonl --quiet | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, cwd=REPOSITORY)

    assert (1, "") == (len(done.stdout.splitlines()), done.stderr)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_full_standard_output(lake: Path) -> None:
    """Nobody takes a cut-off export for a whole one."""
    command = f"{sys.executable} -m trailql export --lake {lake} --format jsonl > /dev/full"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, cwd=REPOSITORY)

    assert 8 == done.returncode
    assert "standard output: cannot be written: no space left on device" in done.stderr
    assert "exported" not in done.stderr
    assert "Traceback" not in done.stderr


def test_help_has_examples() -> None:
    """The help carries them."""
    done = trailql("export", "--help")

    assert 0 == done.returncode
    assert "Example: trailql export" in " ".join(done.stdout.split())
