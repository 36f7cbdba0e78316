"""A full disk, a folder that may not be written, a lake of tomorrow: a clear error, and nothing there is harmed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Ingest, Rows, read_table
from tests.made import record, write_log
from trailql.lake.check import check
from trailql.lake.lake import open_lake_folder
from trailql.lake.session import working_connection
from trailql.schema import LAYOUT_VERSION


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes, where this machine lets us have one."""
    where = tmp_path / "disk"
    where.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=2m", "none", where], check=False)
    if not done or done.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)


def trailql(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    return _python("-m", "trailql", *words)


def as_nobody(*words: str, lake: Path) -> subprocess.CompletedProcess[str]:
    """
    Run a command on a lake as somebody who may only read it.

    It is run on a copy first, as we are: Python may lie where nobody can read it, and is all in memory then.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(lake, Path(folder, "lake"))
        return _python("-c", _TWICE, str(copy), str(lake), *words)


_TWICE = """
import os, sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from trailql.cli.app import main

def run(lake):
    sys.argv = ["trailql", *sys.argv[3:], "--lake", lake] if not os.getuid() else [*sys.argv[:-1], lake]
    try:
        main()
    except SystemExit as done:
        return done.code
    return 0

copy, lake = sys.argv[1:3]
with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
    run(copy)
os.setgid(65534)
os.setuid(65534)
sys.exit(run(lake))
"""


def _python(*words: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[2]
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, cwd=root)


def test_a_full_disk(logs: Path, small_disk: Path, ingest: Ingest) -> None:
    """The ingest says that there is no space, and where; what was in the lake is there, and room makes it whole."""
    lake = small_disk / "lake"
    write_log(logs, *(record(number) for number in range(100)))
    ingest(lake=lake)
    more = write_log(logs, *(record(1000 + number) for number in range(3000)), unique="another0another0")
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 60_000))

    done = trailql("ingest", str(logs), "--lake", str(lake))

    assert 5 == done.returncode, done.stderr
    assert "no space left" in done.stderr
    assert str(lake) in done.stderr
    assert "Traceback" not in done.stderr
    assert 100 == len(read_table(lake, "events"))
    assert [] == check(open_lake_folder(lake)).problems
    filler.unlink()
    summary = ingest(lake=lake)
    assert (3000, 1) == (summary.events_added, summary.files_known)
    assert [] == check(open_lake_folder(lake)).orphans
    assert more.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_folder_that_may_not_be_written(logs: Path, ingest: Ingest) -> None:
    """Questions are answered; an ingest, a compaction and an expiry say that they may not write."""
    write_log(logs, *(record(number) for number in range(100)))
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        lake = Path(folder, "lake")
        ingest(lake=lake)
        before = sorted(path for path in lake.rglob("*"))
        copied = shutil.copytree(logs, Path(folder, "logs"))
        write_log(copied, record(999), unique="another0another0")

        asked = as_nobody("query", "SELECT count(*) FROM events", "--format", "csv", lake=lake)
        checked = as_nobody("lake", "check", lake=lake)
        refused = [
            as_nobody(*words, lake=lake)
            for words in (
                ("ingest", str(copied)),
                ("lake", "compact"),
                ("lake", "expire", "--keep", "1d"),
                ("lake", "check", "--repair"),
            )
        ]

        assert (0, "100") == (asked.returncode, asked.stdout.split()[-1]), asked.stderr
        assert 0 == checked.returncode, checked.stderr
        for done in refused:
            assert 5 == done.returncode, done.stderr
            assert "permission denied" in done.stderr
            assert "Traceback" not in done.stderr
        assert before == sorted(path for path in lake.rglob("*"))


@pytest.mark.parametrize("words", [("ingest", "LOGS"), ("lake", "compact"), ("lake", "check"), ("query", "SELECT 1")])
def test_a_lake_of_tomorrow(logs: Path, lake_dir: Path, ingest: Ingest, rows: Rows, words: tuple[str, ...]) -> None:
    """No command touches a lake whose layout it does not know."""
    write_log(logs, record(1))
    ingest()
    write_log(logs, record(2), unique="another0another0")
    marker = lake_dir / "trailql.json"
    marker.write_text(json.dumps({"layout_version": LAYOUT_VERSION + 1}))
    before = {path: path.read_bytes() for path in lake_dir.rglob("*") if path.is_file()}

    done = trailql(*(str(logs) if word == "LOGS" else word for word in words), "--lake", str(lake_dir))

    assert (5, True) == (done.returncode, "pip install --upgrade" in done.stderr), done.stderr
    assert before == {path: path.read_bytes() for path in lake_dir.rglob("*") if path.is_file()}


def test_what_does_not_fit_into_memory_is_spilled(tmp_path: Path) -> None:
    """A run's database sorts more than it may hold, in a lake whose folder for that is not there yet, and tidies up."""
    lake = open_lake_folder(tmp_path / "lake", create=True)

    with working_connection(lake, "24MB") as con:
        con.execute("CREATE TABLE names AS SELECT md5(range::VARCHAR) AS name FROM range(1_500_000)")
        spilled = con.execute("SELECT count(*) FROM duckdb_temporary_files()").fetchall()[0][0]
        first = con.execute("SELECT name FROM names ORDER BY name LIMIT 1 OFFSET 1000").fetchall()

    assert spilled
    assert first
    assert not (tmp_path / "lake" / "tmp").exists()
