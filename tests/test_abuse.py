"""A folder of everything that can go wrong: good files are in, each bad one is named, memory stays bounded."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY, Ingest, read_table
from tests.made import event_ids, record, text, trail, write_file
from trailql.ingest.pipeline import Limits

_MOST_MEMORY_KIB = 2 * 1024 * 1024
_RUN = """
import json, os, re, resource, sys
from trailql.ingest.pipeline import Limits
from trailql.ingest import ingest_logs
source, lake, user = sys.argv[1], sys.argv[2], int(sys.argv[3])
if user:
    ingest_logs([source + "/warm"], lake + "-warm")  # whatever is imported late is imported by root
    os.setgroups([])
    os.setresuid(user, user, user)
summary = ingest_logs([source], lake)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if os.path.exists("/proc/self/status"):  # ru_maxrss begins at the size of the process that started this one
    peak = int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
print(json.dumps({"added": summary.events_added, "problems": summary.problems, "peak": peak}))
"""


def ingest_elsewhere(source: Path, lake: Path, user: int = 0) -> dict[str, Any]:
    """Ingest in a process of its own, as another user if asked; its counts, its problems and its peak memory in KiB."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", _RUN, str(source), str(lake), str(user)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert 0 == done.returncode, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def gzip_stream(head: bytes, unit: bytes, count: int, tail: bytes) -> bytes:
    """A gzip of head, unit many times, tail; never whole in memory."""
    held = io.BytesIO()
    with gzip.GzipFile(fileobj=held, mode="wb", compresslevel=6, mtime=0) as file:
        file.write(head)
        block = unit * (100_000 // len(unit))
        for _ in range(count * len(unit) // len(block)):
            file.write(block)
        file.write(tail)
    return held.getvalue()


def test_abuse_folder(logs: Path, lake_dir: Path) -> None:
    """Good files are in; every bad one is named with its own reason; the process stays under 2 GiB."""
    good = trail(record(1), record(2))
    bomb = gzip_stream(b'{"Records":[{"a":"', b"x" * 100, 3_000_000, b'"}]}')
    assert len(bomb) < 400_000
    odd = record(4) | {"userIdentity": "a string where an object belongs"}
    bad = {
        "cut.json.gz": (gzip.compress(good)[:-40], "truncated"),
        "binary.json.gz": (os.urandom(4000), "not UTF-8"),
        "page.json.gz": (b"<!DOCTYPE html><html></html>", "not JSON"),
        "nothing.json.gz": (b"", "empty"),
        "bomb.json.gz": (bomb, "MiB"),
        "deep.json": (b'{"a":' * 100_000, "nested too deeply"),
        "bytes.json": (good.replace(b"aws-cli", b"\xff\xfe\xfd"), "not UTF-8"),
    }
    write_file(logs, "a.json.gz", gzip.compress(good))
    for name, (stored, _) in bad.items():
        write_file(logs, name, stored)
    write_file(logs, "odd.json", trail(odd, record(5)))
    write_file(logs, "z/last.json", trail(record(3)))
    (logs / "z" / "loop").symlink_to(logs)
    (logs / "gone.json").symlink_to(logs / "nowhere")

    told = ingest_elsewhere(logs, lake_dir)

    named = {Path(uri).name: reason for uri, reason in told["problems"]}
    assert set(bad) | {"gone.json"} == set(named)
    assert [] == [name for name, (_, reason) in bad.items() if reason not in named[name]]
    assert event_ids([record(number) for number in (1, 2, 3, 4, 5)]) == event_ids(read_table(lake_dir, "events"))
    assert told["peak"] < _MOST_MEMORY_KIB


@pytest.mark.parametrize(
    ("head", "unit", "tail"),
    [
        pytest.param(b'{"Records":[', b"{},", b"{}]}", id="empty-objects"),
        pytest.param(b'{"Records":[' + text(record(1)).encode() + b",", b"0,", b"0]}", id="numbers-behind-a-record"),
        pytest.param(b"", b"{}\n", b"", id="lines"),
    ],
)
def test_many_tiny_elements_take_bounded_memory(
    logs: Path, lake_dir: Path, head: bytes, unit: bytes, tail: bytes
) -> None:
    """A few KB that unpack to 400,000 elements neither fill memory nor stop the rest."""
    write_file(logs, "tiny.json.gz", gzip_stream(head, unit, 400_000, tail))
    write_file(logs, "ok.json", trail(record(2)))

    told = ingest_elsewhere(logs, lake_dir)

    assert 1 <= told["added"]
    assert told["peak"] < _MOST_MEMORY_KIB // 4


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder every user may enter and write, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)


def test_unreadable_file_is_named(open_folder: Path) -> None:
    """A file without permission is named with that reason; the others are read."""
    write_file(open_folder, "logs/ok.json", trail(record(1)))
    write_file(open_folder, "logs/warm/a.json", trail(record(2)))
    locked = write_file(open_folder, "logs/locked.json", trail(record(3)))
    closed = write_file(open_folder, "logs/closed/a.json", trail(record(4))).parent
    locked.chmod(0)
    closed.chmod(0)
    try:
        told = ingest_elsewhere(open_folder / "logs", open_folder / "lake", user=0 if os.geteuid() else 65534)
    except AssertionError as error:
        if os.geteuid() == 0 and ("Operation not permitted" in str(error) or "ModuleNotFoundError" in str(error)):
            pytest.skip("cannot become another user here")
        raise
    finally:
        closed.chmod(0o755)

    assert {str(locked): "cannot be read: permission denied", str(closed): "cannot be read: permission denied"} == dict(
        told["problems"]
    )
    assert 2 == told["added"]


def test_file_name_that_is_no_text(logs: Path, ingest: Ingest) -> None:
    """A file whose name is no UTF-8 is read or named; it does not stop the others."""
    try:
        Path(os.fsdecode(os.fsencode(logs) + b"/caf\xe9.json")).write_bytes(trail(record(1)))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    write_file(logs, "ok.json", trail(record(2)))

    summary = ingest()

    assert 2 == summary.events_added + summary.rejected


def test_pipe_does_not_hang(logs: Path, ingest: Ingest) -> None:
    """A named pipe among the files is skipped; nobody waits for a writer."""
    os.mkfifo(logs / "pipe.json")
    write_file(logs, "ok.json", trail(record(1)))

    summary = ingest()

    assert ({"not a regular file": 1}, 1) == (summary.skipped, summary.events_added)


def test_file_that_goes_bad_late_keeps_the_books(logs: Path, lake_dir: Path, ingest: Ingest) -> None:
    """Where line 30,000 of a large file is broken, the file is named, and the ledger counts what came in before."""
    made = record(1, userAgent="x" * 400)
    lines = [text(made | {"eventID": f"{number:036d}"}) for number in range(40_000)]
    lines[30_000] = '{"broken'
    write_file(logs, "a.ndjson", "\n".join(lines).encode())

    summary = ingest(limits=Limits(max_file_bytes=1 << 20, batch_bytes=1 << 20))

    assert 1 == summary.rejected
    added = sum(row["rows_added"] for row in read_table(lake_dir, "files"))
    assert added == summary.events_added == len(read_table(lake_dir, "events"))
