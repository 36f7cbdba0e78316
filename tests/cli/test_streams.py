"""Standard output: readers that go, disks that are full, descriptors that are closed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

_ALL = "SELECT * FROM events LIMIT 2000"
_COMMANDS = [
    *(["query", _ALL, "--format", format] for format in ("table", "csv", "json", "jsonl", "md", "parquet", "arrow")),
    ["export", "--format", "jsonl", "--quiet"],
    ["lake", "manifest"],
    ["lake", "info", "--by-day"],
    ["coverage", "--format", "json"],
    ["detect", "--format", "json"],
    ["insights", "--format", "json"],
    ["query", "--list"],
]


def _words(command: list[str], lake: Path) -> list[str]:
    words = [sys.executable, "-m", "trailql", *command]
    return words if "--list" in command else [*words, "--lake", str(lake)]


@pytest.mark.parametrize("command", _COMMANDS, ids=" ".join)
def test_a_reader_that_has_seen_enough(sample_lake: Path, command: list[str]) -> None:
    """
    `| head -c 10` ends quietly, with exit code 0.
    """
    with subprocess.Popen(
        _words(command, sample_lake), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPOSITORY
    ) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.read(10)
        running.stdout.close()
        told = running.stderr.read().decode()

    assert (0, False) == (running.returncode, "trailql" in told or "Error" in told), told


@pytest.mark.parametrize("command", _COMMANDS, ids=" ".join)
def test_a_full_disk(sample_lake: Path, command: list[str]) -> None:
    """
    One line says so, with an exit code of its own.
    """
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            _words(command, sample_lake), stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=REPOSITORY
        )

    assert 8 == done.returncode, done.stderr
    assert "trailql: standard output: cannot be written: no space left on device" in done.stderr
    assert 1 == done.stderr.count("trailql: ")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("command", [["lake", "info"], ["query", "SELECT 1"], ["--version"]], ids=" ".join)
def test_a_closed_standard_output(sample_lake: Path, command: list[str]) -> None:
    """
    `>&-` is named, and no file takes its number.
    """
    words = _words(command, sample_lake) if command != ["--version"] else [sys.executable, "-m", "trailql", "--version"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *words], stderr=subprocess.PIPE, text=True, check=False, cwd=REPOSITORY
    )

    assert (8, True) == (done.returncode, "standard output: is closed" in done.stderr), done.stderr


def test_a_file_on_a_full_disk(sample_lake: Path) -> None:
    """
    The same exit code for --output.
    """
    for format in ("csv", "parquet", "arrow"):
        words = _words(["query", "SELECT 1", "--format", format, "--output", "/dev/full"], sample_lake)
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=REPOSITORY)
        assert (8, "trailql: /dev/full: cannot be written: no space left on device\n") == (
            done.returncode,
            done.stderr,
        )


def test_a_verdict_stands_whoever_reads(sample_lake: Path) -> None:
    """
    `detect --fail-on high | head` is still 1: a pipe is no all-clear.
    """
    words = _words(["detect", "--fail-on", "high", "--format", "json"], sample_lake)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=REPOSITORY) as running:
        assert running.stdout
        running.stdout.close()
    assert 1 == running.returncode
