"""`trailql coverage`: what is printed where, and with which exit code."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from tests.forensics.test_coverage import HOLE, delivered, hourly, keep, neighbours
from tests.made import ACCOUNT, OTHER_REGION, REGION, record, write_log
from trailql.cli.coverage import coverage
from trailql.errors import UsageError
from trailql.ingest import ingest_logs
from trailql.lake.lake import open_lake_folder

_APP = typer.Typer()
_APP.command()(coverage)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(_APP, [str(word) for word in words], env={"COLUMNS": "200", "TERM": "dumb"})


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A lake with one hole, and a StopLogging before it whose trail has an evil name.
    """
    folder = tmp_path_factory.mktemp("coverage")
    stop = record(
        at=HOLE - timedelta(minutes=50),
        eventSource="cloudtrail.amazonaws.com",
        eventName="StopLogging",
        requestParameters={"name": "=evil\x1b[31m-trail"},
    )
    write_log(folder / "logs", stop, delivered=HOLE - timedelta(minutes=45))
    ingest_logs([str(folder / "logs")], folder / "lake")
    steady = delivered(ACCOUNT, OTHER_REGION, hourly())
    keep(folder / "lake", neighbours() + steady + delivered(ACCOUNT, REGION, hourly(but=(HOLE, 5))))
    return folder / "lake"


def test_the_table_names_the_hole_and_what_explains_it(lake: Path) -> None:
    """
    Where, from when to when, how long, who stopped the trail; its name cannot colour the terminal.
    """
    shown = run("--lake", lake).stdout

    assert "1 hole:" in shown
    assert f"{ACCOUNT} {REGION}: 2026-10-13 09:00 to 2026-10-13 14:00, 5 hours" in shown
    assert "last delivery 2026-10-13 08:15, next 2026-10-13 14:05" in shown
    assert f"StopLogging =evil\\x1b[31m-trail by arn:aws:iam::{ACCOUNT}:user/web-developer" in shown
    assert "\x1b" not in shown


def test_exit_code(lake: Path) -> None:
    """
    1 with --fail-on-gap and a hole; 0 without the one or the other.
    """
    assert 0 == run("--lake", lake).exit_code
    assert 1 == run("--lake", lake, "--fail-on-gap").exit_code
    assert 0 == run("--lake", lake, "--fail-on-gap", "--until", "2026-10-12").exit_code
    assert 0 == run("--lake", lake, "--fail-on-gap", "--region", OTHER_REGION).exit_code
    assert 0 == run("--lake", lake, "--fail-on-gap", "--min-silence", "6").exit_code


@pytest.mark.parametrize("options", [[], ["--since", "7d"]], ids=" ".join)
def test_an_empty_lake_is_not_green(tmp_path: Path, options: list[str]) -> None:
    """
    A lake without a log file meets --fail-on-gap, and the text says why.
    """
    open_lake_folder(tmp_path, create=True)
    done = run("--lake", tmp_path, "--fail-on-gap", *options)
    assert (1, True) == (done.exit_code, "no holes" not in done.stdout)
    assert ("nothing delivered at all" if options else "no log files in this lake") in done.stdout


@pytest.mark.parametrize("since", ["7d", "14d"])
def test_a_dead_mans_switch(tmp_path: Path, since: str) -> None:
    """
    The command that the documentation recommends for a schedule, five weeks after the last delivery.
    """
    last = datetime.now(UTC) - timedelta(days=35)
    times = [last - timedelta(hours=hours) for hours in range(28 * 24)]
    keep(tmp_path / "lake", delivered(ACCOUNT, REGION, times))

    done = run("--lake", tmp_path / "lake", "--since", since, "--fail-on-gap")

    assert 1 == done.exit_code
    assert f"last delivery {last:%Y-%m-%d %H:%M}" in done.stdout


def test_json_holds_everything(lake: Path) -> None:
    """
    Totals, gaps with their explanations, a row per account and Region, and one per day.
    """
    found = json.loads(run("--lake", lake, "--format", "json").stdout)

    assert 4 * 28 * 24 - 5 + 1 == found["files"]
    (gap,) = found["gaps"]
    assert ("2026-10-13T09:00:00Z", "2026-10-13T14:00:00Z", True) == (gap["since"], gap["until"], gap["explained"])
    assert ["StopLogging"] == [change["name"] for change in gap["changes"]]
    assert (4, 4 * 28) == (len(found["regions"]), len(found["days"]))
    assert [5] == [day["gap_hours"] for day in found["days"] if day["gap_hours"]]
    assert {} == found["never_delivered"]


def test_rows_by_region_day_and_gap(lake: Path, tmp_path: Path) -> None:
    """
    csv and jsonl hold one table, whole; --output takes it from stdout to a file.
    """
    days = run("--lake", lake, "--by", "day", "--format", "jsonl", "--limit", "3").stdout.splitlines()
    by_region = list(csv.DictReader(run("--lake", lake, "--format", "csv").stdout.splitlines()))
    done = run("--lake", lake, "--by", "gap", "--format", "csv", "--output", tmp_path / "gaps.csv")

    assert 4 * 28 == len(days)
    assert {"account", "region", "day", "files", "rejected"} <= set(json.loads(days[0]))
    assert ["0", "5", "0", "0"] == [row["gap_hours"] for row in by_region]
    assert "" == done.stdout
    (gap,) = csv.DictReader((tmp_path / "gaps.csv").read_text().splitlines())
    assert (ACCOUNT, "5") == (gap["account"], gap["hours"])


def test_long_tables_are_cut_and_say_so(lake: Path) -> None:
    """
    --limit counts rows; the rest is a number.
    """
    shown = run("--lake", lake, "--by", "day", "--limit", "2").stdout

    assert f"… and {4 * 28 - 2} more" in shown


def test_chart_shows_days_with_missing_hours(lake: Path) -> None:
    """
    A character a day: full ones, and an exclamation mark where hours are missing.
    """
    shown = run("--lake", lake, "--chart").stdout

    assert f"{ACCOUNT}  {REGION}  {'█' * 15}!{'█' * 12}" in shown


def test_markdown(lake: Path) -> None:
    """
    Holes and rows as Markdown tables.
    """
    assert (
        f"| 2026-10-13 09:00 | 2026-10-13 14:00 | 5 | {ACCOUNT} {REGION} |"
        in run("--lake", lake, "--format", "md").stdout
    )


def test_wrong_usage(lake: Path) -> None:
    """
    Parquet, a chance that is none, and what is no account or Region, are refused.
    """
    for words in (["--format", "parquet"], ["--chance", "2"], ["--account", "999"], ["--region", "Ireland"]):
        assert isinstance(run("--lake", lake, *words).exception, UsageError)


def test_help_has_an_example() -> None:
    """
    The help shows one whole command.
    """
    assert "Example: trailql coverage --since 7d --fail-on-gap" in run("--help").stdout
