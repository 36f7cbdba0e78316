"""Records written out again: what was delivered, under CloudTrail's keys, the same bytes every time."""

from __future__ import annotations

import errno
import gzip
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.campaign.reading import canonical, records_of
from tests.conftest import Ingest, read_table, shared_data
from tests.made import ACCOUNT, OTHER_ACCOUNT, Record, record, spelled, text, trail, without, write_file
from tests.normalize.test_odd_values import CASES
from trailql.errors import OutputError, UsageError
from trailql.ingest import ingest_logs
from trailql.query.engine import open_lake
from trailql.report import log_files
from trailql.report.log_files import ExportSummary, write_lines, write_log_files
from trailql.sources.keys import read_key


def exported(lake: Path, folder: Path, **options: Any) -> ExportSummary:
    """Export a lake as log files."""
    with open_lake(lake) as opened:
        return write_log_files(opened, folder, **options)


def lines_of(lake: Path, output: Path) -> list[str]:
    """Export a lake as lines."""
    with open_lake(lake) as opened:
        write_lines(opened, output)
    written = output.read_text()
    assert written == "" or written.endswith("\n")
    return written.split("\n")[:-1]


def texts_in(folder: Path) -> Iterator[str]:
    """The record texts of the log files below a folder, as an independent reader finds them."""
    for path in sorted(folder.rglob("*.json*")):
        if "CloudTrail-" not in str(path):
            yield from records_of(path.read_bytes()) or ()


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rows_of(lake: Path) -> list[str]:
    """Every row but for the log file it came from, as text, in order."""
    rows = read_table(lake, "events")
    return sorted(repr({key: value for key, value in row.items() if key != "log_file"}) for row in rows)


def comes_back(logs: Path, lake: Path, tmp_path: Path) -> None:
    """Hold the promise to a lake: both exports have every record of the logs, and make the same lake again."""
    summary = exported(lake, tmp_path / "export")
    lines = lines_of(lake, tmp_path / "export.jsonl")

    rows = rows_of(lake)
    read = cache(canonical)  # most texts are met three times
    assert len(rows) == summary.records == len(lines)
    assert set(map(read, texts_in(logs))) == set(map(read, texts_in(tmp_path / "export"))) == set(map(read, lines))
    for name in ("export", "export.jsonl"):
        told = ingest_logs([str(tmp_path / name)], tmp_path / f"lake-of-{name}")
        assert ([], 0, 0) == (told.problems, told.records_set_aside, told.duplicates_dropped)
    assert rows == rows_of(tmp_path / "lake-of-export")
    exported(tmp_path / "lake-of-export", tmp_path / "export-of-export")
    assert files_in(tmp_path / "export") == files_in(tmp_path / "export-of-export")
    assert lines == lines_of(tmp_path / "lake-of-export.jsonl", tmp_path / "again.jsonl")


@pytest.fixture(scope="module")
def sample_lake(tmp_path_factory: pytest.TempPathFactory, sample_logs: Path) -> Path:
    """The sample organization's lake."""
    lake = tmp_path_factory.mktemp("sample") / "lake"
    ingest_logs([str(sample_logs)], lake)
    return lake


def test_sample_comes_back(sample_logs: Path, sample_lake: Path, tmp_path: Path) -> None:
    """The sample organization, in and out and in again."""
    comes_back(sample_logs, sample_lake, tmp_path)


@pytest.mark.parametrize("name", ["sans504", "stratus"])
def test_real_logs_come_back(name: str, tmp_path: Path) -> None:
    """Real logs, in and out and in again."""
    folder = shared_data(name)
    ingest_logs([str(folder)], tmp_path / "lake")

    comes_back(folder, tmp_path / "lake", tmp_path)


def test_odd_records_come_back(tmp_path: Path) -> None:
    """Unknown fields, equal keys, lone surrogates, huge numbers, wrong types, odd times: whatever is an event."""
    for number, written in enumerate(CASES.values()):
        write_file(tmp_path, f"logs/{number}.json", trail(record(1000), written))
    ingest_logs([str(tmp_path / "logs")], tmp_path / "lake")
    rejected = {row["uri"] for row in read_table(tmp_path / "lake", "files") if row["status"] == "rejected"}
    aside = {row["log_file"] for row in read_table(tmp_path / "lake", "set_aside")}
    for path in rejected | aside:
        Path(path).unlink()
    write_file(tmp_path, "logs/good.json", trail(record(1000)))
    assert len(CASES) > 2 * len(rejected | aside)

    comes_back(tmp_path / "logs", tmp_path / "lake", tmp_path)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(text(record(1)), id="usual"),
        pytest.param(text(record(1, userAgent='line\nbreak "quoted" \\ back\x7f\u2028')), id="escapes"),
        pytest.param(spelled(record(1), newField='{"b":[1.50,1e400,-0.0],"a":null}'), id="unknown-field"),
        pytest.param(spelled(record(1), newField='{"a":1,"a":0.1000000000000000055}'), id="unknown-with-equal-keys"),
        pytest.param(spelled(record(1), eventName='"A","eventName":"B"'), id="equal-keys"),
        pytest.param(spelled(record(1), userAgent=r'"\ud800 \u0041"'), id="lone-surrogate"),
        pytest.param('{ "eventTime" : "2026-10-01T12:30:00Z",\n "eventID": 1e400, "eventName": 1 }', id="numbers"),
        pytest.param(spelled(record(1), requestParameters=f'{{"n":{"9" * 5000}}}'), id="digits"),
    ],
)
def test_text_is_the_delivered_one(tmp_path: Path, written: str) -> None:
    """
    To the byte, where the row tells it: the usual order of keys, or the whole text in `extra`. In any case equal.
    """
    ingest_logs([str(write_file(tmp_path, "a.json", trail(written)))], tmp_path / "lake")
    exported(tmp_path / "lake", tmp_path / "export")

    (found,) = texts_in(tmp_path / "export")

    (row,) = read_table(tmp_path / "lake", "events")
    assert canonical(written) == canonical(found)
    if row["extra"] is None or "$record" in row["extra"]:
        assert written == found


def test_usual_files_come_back_to_the_byte(sample_logs: Path, sample_lake: Path, tmp_path: Path) -> None:
    """Of the sample records all but those with an unknown field, which changes places, have the delivered text."""
    exported(sample_lake, tmp_path / "export")

    delivered = set(texts_in(sample_logs))
    changed = [one for one in texts_in(tmp_path / "export") if one not in delivered]
    assert len(changed) < 10


def test_keys_say_what_is_in_the_files(sample_lake: Path, tmp_path: Path) -> None:
    """Every file lies under its account, Region and day, and is named for the minute of its last event."""
    exported(sample_lake, tmp_path / "export", most_records=50)

    for path in (tmp_path / "export").rglob("*.gz"):
        facts = read_key(str(path))
        records: list[Record] = json.loads(gzip.decompress(path.read_bytes()))["Records"]
        assert {facts.account} == {one["recipientAccountId"] for one in records}
        assert {facts.region} == {one["awsRegion"] for one in records}
        times = [one["eventTime"] for one in records]
        assert times == sorted(times)
        assert facts.delivered_at is not None
        assert f"{facts.delivered_at:%Y-%m-%dT%H:%M}" == times[-1][:16]
        assert f"/{times[0][:10].replace('-', '/')}/" in str(path)
        assert times[0][:10] == times[-1][:10]


@pytest.mark.parametrize(
    ("bounds", "sizes"),
    [
        ({}, [10]),
        ({"most_records": 4}, [4, 4, 2]),
        ({"most_records": 5}, [5, 5]),
        ({"most_records": 1}, [1] * 10),
        ({"most_bytes": 3 * 1400}, [3, 3, 3, 1]),
        ({"most_bytes": 1}, [1] * 10),
    ],
)
def test_files_are_bounded(tmp_path: Path, bounds: dict[str, int], sizes: list[int]) -> None:
    """By records and by bytes; a record larger than the bound has a file of its own."""
    made = [record(number, eventID=f"{number:036d}", userAgent="") for number in range(10)]
    made = [one | {"userAgent": "x" * (1399 - len(text(one)))} for one in made]
    ingest_logs([str(write_file(tmp_path, "a.json", trail(*made)))], tmp_path / "lake")

    summary = exported(tmp_path / "lake", tmp_path / "export", **bounds)

    found = [json.loads(gzip.decompress(stored))["Records"] for stored in files_in(tmp_path / "export").values()]
    assert sorted(sizes) == sorted(map(len, found))
    assert (len(sizes), 10) == (summary.files, summary.records)
    assert sum(map(len, files_in(tmp_path / "export").values())) == summary.stored_bytes
    assert made == sorted((one for each in found for one in each), key=lambda one: str(one["eventID"]))


def test_same_bytes_however_it_is_read(sample_lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small batches, pieces on disk and single days give the files that large ones give; nothing else is left."""
    exported(sample_lake, tmp_path / "one", most_records=300)
    monkeypatch.setattr("trailql.query.records._RUN_ROWS", 1)
    monkeypatch.setattr("trailql.query.records._BATCH_ROWS", 2048)
    monkeypatch.setattr("trailql.query.sorting.sorted_rows.__kwdefaults__", {"piece_bytes": 1})
    monkeypatch.setattr("trailql.query.sorting._SLICE_ROWS", 10)

    exported(sample_lake, tmp_path / "other", most_records=300)

    assert files_in(tmp_path / "one") == files_in(tmp_path / "other")
    assert ["AWSLogs"] == os.listdir(tmp_path / "other")
    assert all(b"\0\0\0\0" == stored[4:8] for stored in files_in(tmp_path / "one").values())


def test_files_that_would_have_one_name(tmp_path: Path) -> None:
    """Two equal files of one place, which only a damaged lake can ask for, get two names."""
    cutter = log_files._Cutter(1, 1 << 20)
    import pyarrow as pa

    from tests.made import TIME

    rows = pa.record_batch(
        [pa.array([f"{ACCOUNT}/us-east-1/2026-10-01"] * 3), pa.array([TIME] * 3), pa.array(["{}"] * 3)],
        ["place", "eventTime", "text"],
    )

    found = [*cutter.add(rows), *cutter.rest()]

    assert 3 == len({key for key, _ in found})
    assert {b'{"Records":[{}]}'} == {body for _, body in found}


def test_condition_and_window(tmp_path: Path) -> None:
    """Only events for which the condition holds are written."""
    made = [record(1), record(2, recipientAccountId=OTHER_ACCOUNT), without(record(3), "recipientAccountId")]
    ingest_logs([str(write_file(tmp_path, "a.json", trail(*made)))], tmp_path / "lake")

    summary = exported(tmp_path / "lake", tmp_path / "export", condition=f"recipientAccountId = '{OTHER_ACCOUNT}'")

    assert [made[1]] == list(map(json.loads, texts_in(tmp_path / "export")))
    assert 1 == summary.records


def test_nothing_to_write(tmp_path: Path, ingest: Ingest, logs: Path, lake_dir: Path) -> None:
    """An empty folder, or no lines."""
    write_file(logs, "a.json", trail(record(1)))
    ingest()

    assert (0, 0) == (
        exported(lake_dir, tmp_path / "export", condition="false").records,
        len(os.listdir(tmp_path / "export")),
    )
    ingest_logs([str(write_file(logs, "empty/a.json", b"[]"))], tmp_path / "empty-lake")
    assert [] == lines_of(tmp_path / "empty-lake", tmp_path / "lines.jsonl")
    assert 0 == exported(tmp_path / "empty-lake", tmp_path / "export-of-empty").records


@pytest.mark.parametrize("there", ["file", "folder-with-a-file", "hidden-file"])
def test_folder_must_be_empty(tmp_path: Path, ingest: Ingest, logs: Path, lake_dir: Path, there: str) -> None:
    """What is there already is not mixed with an export, and is named."""
    write_file(logs, "a.json", trail(record(1)))
    ingest()
    target = tmp_path / "export"
    if there == "file":
        target.write_text("mine")
    else:
        write_file(target, ".mine" if there == "hidden-file" else "mine", b"mine")
    before = files_in(tmp_path / "export") if target.is_dir() else target.read_bytes()

    with pytest.raises(UsageError, match="export: "):
        exported(lake_dir, target)

    assert before == (files_in(target) if target.is_dir() else target.read_bytes())


@pytest.mark.parametrize("below", ["export", "events", "trailql.json", ""])
def test_nothing_is_written_into_the_lake(ingest: Ingest, logs: Path, lake_dir: Path, below: str) -> None:
    """Neither files nor lines: a lake is written by ingest alone."""
    write_file(logs, "a.json", trail(record(1)))
    ingest()
    before = files_in(lake_dir)

    with pytest.raises(UsageError, match="lies in the lake"):
        exported(lake_dir, lake_dir / below)
    with pytest.raises(UsageError, match="lies in the lake"):
        lines_of(lake_dir, lake_dir / below)

    assert before == files_in(lake_dir)


class Full:
    """A disk that is full after so many bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
        self.free = free
        real = Path.open
        full = self

        def opened(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            file = real(path, mode, *arguments, **options)
            if mode == "wb":
                write = file.write

                class Counted:
                    def __enter__(self) -> Any:
                        return self

                    def __exit__(self, *exception: object) -> None:
                        file.close()

                    def write(self, data: bytes) -> int:
                        full.free -= len(data)
                        if full.free < 0:
                            write(data[: len(data) // 2])
                            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                        return int(write(data))

                    def flush(self) -> None:
                        file.flush()

                    def fileno(self) -> int:
                        return int(file.fileno())

                return Counted()
            return file

        monkeypatch.setattr(Path, "open", opened)


@pytest.mark.parametrize("free", [0, 1000, 5000])
def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """The file is named; what has a final name is whole, and nothing half-written is left."""
    made = [record(number, eventID=f"{number:036d}", awsRegion=f"us-east-{number % 9 + 1}") for number in range(90)]
    ingest_logs([str(write_file(tmp_path, "a.json", trail(*made)))], tmp_path / "lake")
    Full(monkeypatch, free)

    with pytest.raises(OutputError, match=r"AWSLogs.*\.json\.gz: cannot be written: no space left on device"):
        exported(tmp_path / "lake", tmp_path / "export")
    with pytest.raises(OutputError, match=r"lines\.jsonl: cannot be written: no space left on device"):
        lines_of(tmp_path / "lake", tmp_path / "lines.jsonl")

    left = files_in(tmp_path / "export")
    assert all(records_of(stored) for stored in left.values())
    assert all(name.endswith(".json.gz") and "/1111" in name for name in left)
    assert not (tmp_path / "lines.jsonl").exists()
    assert [] == [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_lines_take_the_place_of_a_file_when_they_are_whole(tmp_path: Path, ingest: Ingest, logs: Path) -> None:
    """An earlier file stays until the new one is there, also behind a link; a pipe is written to."""
    write_file(logs, "a.json", trail(record(1)))
    ingest()
    target = write_file(tmp_path, "real.jsonl", b"earlier")
    (tmp_path / "link.jsonl").symlink_to(target)
    with open_lake(tmp_path / "lake") as lake:
        with pytest.raises(UsageError):
            write_lines(lake, tmp_path / "link.jsonl", condition="true; DROP VIEW events")
        assert b"earlier" == target.read_bytes()

        write_lines(lake, tmp_path / "link.jsonl")
        write_lines(lake, Path("/dev/null"))

    assert text(record(1)) + "\n" == target.read_text()
    assert (tmp_path / "link.jsonl").is_symlink()
    assert Path("/dev/null").is_char_device()


def test_a_line_is_a_line(tmp_path: Path) -> None:
    """Line breaks between the members of a record, kept in its text, do not break the line."""
    written = '{\n"eventTime":"2026-10-01T12:30:00Z",\r\n"eventName":"A","eventName":"B","userAgent":"a\\nb"}'
    ingest_logs([str(write_file(tmp_path, "a.json", trail(written, record(1))))], tmp_path / "lake")

    lines = lines_of(tmp_path / "lake", tmp_path / "lines.jsonl")

    assert 2 == len(lines)
    assert sorted(map(canonical, (written, text(record(1))))) == sorted(map(canonical, lines))
