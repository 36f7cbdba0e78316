"""`trailql timeline`: lines under days for eyes, everything for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from tests.cli.test_trace_command import lake_with
from tests.forensics.stories import at as minute
from tests.forensics.stories import chain, event, user
from trailql.cli.timeline import timeline
from trailql.errors import UsageError
from trailql.report.timeline import ENTRY_COLUMNS

_APP = typer.Typer()
_APP.command()(timeline)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(_APP, [str(word) for word in words], env={"COLUMNS": "100", "TERM": "dumb"})


def test_the_sample_attack_in_order(sample_lake: Path) -> None:
    """
    Sign-ins, the key, the policy, each followed by its findings; insights where their calls are; local time on request.
    """
    done = run("--ip", "203.0.113.0/24", "--lake", sample_lake, "--tz", "Europe/Berlin")

    told = [
        "2026-10-14 Wednesday (Europe/Berlin)",
        "22:41:17  web-developer",
        "2026-10-15 Thursday (Europe/Berlin)",
        "ConsoleLogin ×14 in 8 min, failed (Failed authentication)",
        "▲ HIGH Console sign-in succeeded after repeated failures",
        "CreateAccessKey: build-bot",
        "▲ MEDIUM An access key was created for another user",
        "AttachUserPolicy: build-bot, AdministratorAccess",
        "220 reads in 12 min",
        "▲ unusual ApiCallRate: ec2:ModifySnapshotAttribute",
        "ModifySnapshotAttribute ×188 in 13 min",
    ]
    assert 0 == done.exit_code, done.output
    flat = " ".join(done.stdout.split())
    places = [flat.find(" ".join(words.split())) for words in told]
    assert -1 not in places, told[places.index(-1)]
    assert places == sorted(places)
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "454 events in" in done.stderr


def test_for_machines(tmp_path: Path) -> None:
    """
    jsonl has every column, in UTC whatever the zone; --no-findings leaves events alone; --limit says what is left.
    """
    lake = lake_with(tmp_path, chain())
    done = run("--lake", lake, "--format", "jsonl", "--no-findings", "--tz", "Asia/Tokyo", "--all", "--limit", "7")

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert 7 == len(rows)
    assert {"event"} == {row["kind"] for row in rows}
    assert ("2026-10-01T12:30:00Z", list(ENTRY_COLUMNS)) == (rows[0]["first_event_time"], list(rows[0]))
    assert "1 line more" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--tz", "Mars"], "no time zone"), (["--tz", "../x"], "no time zone"), (["--fold", "long"], "no length of time")],
)
def test_wrong_usage(tmp_path: Path, words: list[str], message: str) -> None:
    """
    Options that mean nothing are named.
    """
    failed = run("--lake", lake_with(tmp_path, chain()), *words).exception
    assert isinstance(failed, UsageError)
    assert message in failed.message


@pytest.mark.parametrize("form", ["table", "md", "json"])
def test_names_cannot_break_out(tmp_path: Path, form: str) -> None:
    """
    Names of a log cannot colour the terminal or make a line of their own.
    """
    evil = "x\x1b[31m\n00:00:00  root"
    calls = event(
        1, user(evil), "s3.amazonaws.com:PutObject", minute(0), requestParameters={"bucketName": evil}, errorCode=evil
    )
    shown = run("--lake", lake_with(tmp_path, [calls]), "--format", form, "--no-findings").stdout
    assert "\x1b" not in shown
    assert not any(line.startswith("00:00:00") for line in shown.splitlines())


@pytest.mark.parametrize("year", ["0001", "9999"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_times_no_clock_has_shown(tmp_path: Path, year: str, zone: str) -> None:
    """
    Records may say any time.
    """
    edge = {"0001": "0001-01-01T00:00:00Z", "9999": "9999-12-31T23:59:59Z"}[year]
    odd = event(90, user(), "iam.amazonaws.com:ListUsers", minute(1), eventTime=edge)
    done = run("--lake", lake_with(tmp_path, [odd]), "--tz", zone, "--no-findings")

    assert 0 == done.exit_code, repr(done.exception)
    assert year in done.stdout
