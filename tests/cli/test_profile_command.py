"""`trailql profile`: bars and what is new for eyes, all of it for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from tests.cli.test_trace_command import lake_with
from tests.forensics.stories import at, event, user
from trailql.cli.profile import profile
from trailql.report.profile import SHARE_COLUMNS, bar

_APP = typer.Typer()
_APP.command()(profile)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(_APP, [str(word) for word in words], env={"COLUMNS": "100", "TERM": "dumb"})


def test_the_text_says_what_is_new(sample_lake: Path) -> None:
    """
    Totals, what is new in one place, bars, hours.
    """
    done = run("build-bot", "--since", "2026-10-15", "--lake", sample_lake)

    assert 0 == done.exit_code, done.output
    for told in (
        "440 calls, 212 changes, 101 failed (23%)",
        "before, since 2026-09-14 18:29:06: 115 calls, 0 failed",
        "access keys   1 of 2: AKIANEWKEY123EXAMPLE",
        "ec2:ModifySnapshotAttribute   ████████████████████        188  new",
        "hours of the day (UTC)",
    ):
        assert told in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_for_machines(sample_lake: Path) -> None:
    """
    json has the whole, jsonl a row for each value; without --since nothing is said to be new or not.
    """
    asked = ("build-bot", "--lake", sample_lake, "--format")
    whole = json.loads(run(*asked, "json", "--since", "2026-10-15").stdout)
    rows = [json.loads(line) for line in run(*asked, "jsonl").stdout.splitlines()]

    assert (440, 115, 24) == (whole["calls"], whole["calls_before"], len(whole["hours"]))
    assert {"name", "count", "new", "values"} == set(whole["dimensions"][0])
    assert list(SHARE_COLUMNS) == list(rows[0])
    assert {None} == {row["new"] for row in rows}
    assert "| APIs | ec2:ModifySnapshotAttribute | 188 |" in run(*asked, "md").stdout


@pytest.mark.parametrize("form", ["table", "md", "json"])
def test_names_cannot_break_out(tmp_path: Path, form: str) -> None:
    """
    A user agent cannot colour the terminal.
    """
    lake = lake_with(tmp_path, [event(1, user(), "s3.amazonaws.com:PutObject", at(0), userAgent="x\x1b[31m\r\ny")])
    shown = run("alice", "--lake", lake, "--format", form).stdout
    assert "x" in shown
    assert not {"\x1b", "\r"} & set(shown)


def test_nothing_found(sample_lake: Path) -> None:
    """
    Nothing on stdout, a word on stderr, exit code 0.
    """
    done = run("nobody", "--lake", sample_lake)
    assert (0, "") == (done.exit_code, done.stdout)
    assert "no events of nobody (name)" in done.stderr


def test_bars_are_twenty_wide() -> None:
    """
    Whatever the share, and never empty.
    """
    assert {20} == {len(bar(part / 100)) for part in range(101)}
    assert "▏" == bar(0.0001).strip()
