"""A lake that was damaged: every damage is seen and named, and repair with the next ingest makes it whole again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ingest, Rows
from tests.made import TIME, record, write_file, write_log
from trailql.errors import LakeError
from trailql.lake.check import check
from trailql.lake.lake import open_lake_folder
from trailql.lake.writer import writing
from trailql.query.engine import open_lake


@pytest.fixture
def whole(logs: Path, lake_dir: Path, ingest: Ingest) -> None:
    """A lake of two ingests, with a record set aside."""
    for number in range(2):
        records = [record(100 * number + each) for each in range(50)]
        write_log(logs, *records, '{"eventName":"NoTime"}', unique=f"number{number:010d}")
        ingest()


def first(lake: Path, table: str) -> Path:
    """A Parquet file of a table."""
    return sorted((lake / table).rglob("*.parquet"))[0]


def flip(path: Path) -> None:
    """One bit in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


_DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (Path.unlink, "missing"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-100]), "changed"),
    "a bit": (flip, "changed"),
    "emptied": (lambda path: path.write_bytes(b""), "changed"),
}


def test_a_whole_lake(whole: None, lake_dir: Path) -> None:
    """Nothing to say, and everything was looked at."""
    told = check(open_lake_folder(lake_dir))

    assert ([], [], []) == (told.problems, told.orphans, told.writers)
    assert (6, 100, 2) == (told.files, told.events, told.log_files)


@pytest.mark.parametrize("damage", _DAMAGES)
@pytest.mark.parametrize("table", ["events", "files", "set_aside"])
def test_damage_is_named_and_mended(
    whole: None, lake_dir: Path, ingest: Ingest, rows: Rows, table: str, damage: str
) -> None:
    """Whatever happens to whichever file: check names it, repair and another ingest bring every row back, once."""
    lake = open_lake_folder(lake_dir)
    before = sorted(row["eventID"] for row in rows()), sorted(row["record"] for row in rows("set_aside"))
    path = first(lake_dir, table)
    harm, kind = _DAMAGES[damage]
    harm(path)

    found = check(lake)
    assert (kind, str(path)) in [(problem.kind, problem.at) for problem in found.problems]
    repaired = check(lake, repair=True)
    assert repaired.repaired
    between = check(lake)
    assert [] == between.problems
    ingest()

    assert before == (sorted(row["eventID"] for row in rows()), sorted(row["record"] for row in rows("set_aside")))
    assert [] == check(lake).problems


def test_orphans_are_listed_and_deleted_by_repair(whole: None, lake_dir: Path) -> None:
    """Files that no table ever knew."""
    orphan = write_file(lake_dir, f"events/event_date={TIME.date()}/part-nobody-1.parquet", b"x")
    lake = open_lake_folder(lake_dir)

    assert [orphan.relative_to(lake_dir).as_posix()] == check(lake).orphans
    check(lake, repair=True)
    assert not orphan.exists()
    assert [] == check(lake).orphans


def test_repair_waits_for_writers(whole: None, lake_dir: Path) -> None:
    """Their files would look like orphans."""
    lake = open_lake_folder(lake_dir)

    with writing(lake), pytest.raises(LakeError, match="another command"):
        check(lake, repair=True)


def test_changed_books_are_seen(whole: None, lake_dir: Path) -> None:
    """A commit that drops a file from the log behind trailql's back shows in the counts."""
    log = sorted((lake_dir / "events" / "_delta_log").glob("*.json"))[-1]
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    log.write_text("\n".join(json.dumps(line) for line in lines if "add" not in line))

    problems = check(open_lake_folder(lake_dir)).problems

    assert [("events lost", "0 events, the ledger says 50")] == [(each.kind, each.what) for each in problems]


def test_questions_to_a_damaged_lake_name_it(logs: Path, lake_dir: Path, ingest: Ingest) -> None:
    """Where a file of the lake is missing or cut off, a question is refused with the command that looks into it."""
    write_log(logs, record(1))
    ingest()
    (path,) = (lake_dir / "events").rglob("part-*.parquet")
    path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(LakeError, match="missing or damaged") as cut:
        open_lake(lake_dir)
    path.unlink()
    with pytest.raises(LakeError, match="missing or damaged") as missing:
        open_lake(lake_dir)

    assert cut.value.hint == missing.value.hint == f"trailql lake check --lake {lake_dir}"
