"""The lake as a folder: whose it is, which layout it has, and that any Delta reader reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Ingest, Rows
from tests.made import event_ids, record, trail, write_file, write_log
from trailql.errors import LakeError
from trailql.lake.lake import arrow_schema, open_lake_folder
from trailql.schema import LAYOUT_VERSION, TABLES


def test_foreign_folder_is_refused_and_left_alone(logs: Path, ingest: Ingest, tmp_path: Path) -> None:
    """A folder with something else in it is no lake, and nothing is written into it."""
    write_log(logs, record())
    foreign = tmp_path / "photos"
    write_file(foreign, "picture.jpg", b"x")

    with pytest.raises(LakeError) as caught:
        ingest(lake=foreign)

    assert (str(foreign), 5) == (caught.value.at, caught.value.exit_code)
    assert ["picture.jpg"] == [path.name for path in foreign.iterdir()]


def test_empty_folder_becomes_a_lake(logs: Path, lake_dir: Path, ingest: Ingest) -> None:
    """An empty folder, or none yet, becomes a lake that says so."""
    lake_dir.mkdir()
    write_log(logs, record())

    ingest()

    assert LAYOUT_VERSION == json.loads((lake_dir / "trailql.json").read_text())["layout_version"]


@pytest.mark.parametrize("there", [False, True], ids=["missing", "empty"])
def test_opening_what_is_no_lake(lake_dir: Path, there: bool) -> None:
    """Reading from a folder that is no lake is an error with the command that would make one."""
    if there:
        lake_dir.mkdir()

    with pytest.raises(LakeError) as caught:
        open_lake_folder(lake_dir)

    assert "trailql ingest" in str(caught.value.hint)


def test_newer_layout_is_refused(logs: Path, lake_dir: Path, ingest: Ingest) -> None:
    """A lake of a newer layout is not touched; the error says what this trailql can read."""
    write_log(logs, record())
    ingest()
    (lake_dir / "trailql.json").write_text(json.dumps({"layout_version": LAYOUT_VERSION + 1}))

    with pytest.raises(LakeError, match=f"layout version {LAYOUT_VERSION + 1}"):
        ingest()


@pytest.mark.parametrize("marker", ["", "{}", "[]", "null", '{"layout_version":"new"}'])
def test_damaged_marker_is_named(lake_dir: Path, marker: str) -> None:
    """A marker that cannot be read is a LakeError that names the file."""
    path = write_file(lake_dir, "trailql.json", marker.encode())

    with pytest.raises(LakeError) as caught:
        open_lake_folder(lake_dir)

    assert str(path) == caught.value.at


def test_delta_readers_see_the_same_events(logs: Path, lake_dir: Path, ingest: Ingest, rows: Rows) -> None:
    """deltalake and Polars read the tables from the Delta log alone, with as many rows and all columns."""
    pl = pytest.importorskip("polars", reason="Polars reads the lake as a second opinion")
    deltalake = pytest.importorskip("deltalake")
    write_log(logs, *(record(number) for number in range(50)))
    ingest()
    write_log(logs, record(1), record(99), unique="another0another0")
    ingest()

    frame = pl.scan_delta(str(lake_dir / "events")).collect()
    table = deltalake.DeltaTable(str(lake_dir / "events"))

    assert 51 == frame.height == len(rows())
    assert event_ids(rows()) == sorted(frame["eventID"].to_list())
    assert [column.name for column in TABLES["events"]] == [field.name for field in table.schema().fields]
    assert 2 == pl.scan_delta(str(lake_dir / "files")).collect().height


@pytest.mark.parametrize("table", ["events", "files", "set_aside"])  # what any ingest makes
def test_columns_are_those_of_the_schema(logs: Path, lake_dir: Path, ingest: Ingest, rows: Rows, table: str) -> None:
    """Every table has the columns and the order that trailql.schema says."""
    write_log(logs, record(1), '{"eventName":"NoTime"}')

    ingest()

    assert arrow_schema(TABLES[table]).names == list(rows(table)[0])


@pytest.mark.parametrize("name", ["a b", "a+b", "a'b", "é", "[1]", "a*b", "a?b", "a#b", "event_date=2020-01-01", "a=b"])
def test_lake_path_may_have_any_character(logs: Path, tmp_path: Path, ingest: Ingest, rows: Rows, name: str) -> None:
    """A lake lies wherever the user wants it, and is found again there."""
    lake = tmp_path / name / "lake"
    write_log(logs, record(1))
    ingest(lake=lake)
    write_log(logs, record(1), record(2), unique="another0another0")

    summary = ingest(lake=lake)

    assert (1, 1, 1) == (summary.files_known, summary.events_added, summary.duplicates_dropped)
    assert event_ids([record(1), record(2)]) == event_ids(rows(lake=lake))


def test_lake_path_with_a_percent_sign_is_refused(logs: Path, tmp_path: Path, ingest: Ingest) -> None:
    """Delta would take it for an escape and write elsewhere; trailql says so before anything is written."""
    write_log(logs, record(1))

    with pytest.raises(LakeError, match="%"):
        ingest(lake=tmp_path / "a%20b" / "lake")
    assert [] == [path.name for path in tmp_path.iterdir() if path.name.startswith("a")]


def test_lake_inside_the_source_is_no_source(logs: Path, ingest: Ingest) -> None:
    """A lake that lies in the folder it is fed from is not taken for log files."""
    write_file(logs, "a.json", trail(record(1)))
    lake = logs / "lake"
    ingest(lake=lake)

    summary = ingest(lake=lake)

    assert [] == summary.problems
    assert 1 == summary.files_known


def test_leftover_of_a_broken_run_does_not_count(logs: Path, lake_dir: Path, ingest: Ingest, rows: Rows) -> None:
    """A Parquet file that was written but never committed is no part of the table."""
    write_log(logs, record(1))
    ingest()
    (path,) = (lake_dir / "events").rglob("*.parquet")
    write_file(path.parent, "part-leftover.parquet", path.read_bytes())

    assert 1 == len(rows())
    assert 0 == ingest().events_added
