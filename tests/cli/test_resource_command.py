"""`trailql resource`: changes with what was before, for eyes and for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from tests.cli.test_trace_command import lake_with
from tests.forensics.stories import at, event, user
from trailql.cli.resource import resource
from trailql.report.resource import HISTORY_COLUMNS

_APP = typer.Typer()
_APP.command()(resource)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(_APP, [str(word) for word in words], env={"COLUMNS": "100", "TERM": "dumb"})


def policy(principal: str) -> dict[str, Any]:
    """PutBucketPolicy's request."""
    statement = [{"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject"}]
    return {"bucketName": "logs", "bucketPolicy": {"Version": "2012-10-17", "Statement": statement}}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A bucket whose policy was opened.
    """
    put = "s3.amazonaws.com:PutBucketPolicy"
    records = [
        event(1, user(), put, at(0), requestParameters=policy("arn:aws:iam::111122223333:root")),
        event(2, user("mallory"), "s3.amazonaws.com:GetBucketPolicy", at(5), requestParameters={"bucketName": "logs"}),
        event(3, user("mallory"), put, at(9), requestParameters=policy("*")),
    ]
    return lake_with(tmp_path_factory.mktemp("resource"), records)


def test_a_policy_as_a_diff(lake: Path) -> None:
    """
    The lines that changed, against the policy before and its time; who looked stands between.
    """
    done = run("arn:aws:s3:::logs", "--lake", lake)

    assert 0 == done.exit_code, done.output
    told = [
        "arn:aws:s3:::logs: 2 changes, 1 read, by 2 principals",
        "12:30:00  alice    203.0.113.7  PutBucketPolicy",
        "! what was set before is not in the lake, where no → stands",
        "12:35:00  mallory  203.0.113.7  GetBucketPolicy",
        "12:39:00  mallory  203.0.113.7  PutBucketPolicy",
        "bucketPolicy, against 2026-10-01 12:30:00:",
        '-      "Principal": "arn:aws:iam::111122223333:root",',
        '+      "Principal": "*",',
    ]
    places = [done.stdout.find(words) for words in told]
    assert -1 not in places, told[places.index(-1)]
    assert places == sorted(places)


def test_for_machines(lake: Path) -> None:
    """
    jsonl has both policies whole, and the event that set the first.
    """
    rows = [json.loads(line) for line in run("logs", "--lake", lake, "--format", "jsonl").stdout.splitlines()]
    assert ["change", "reads", "change"] == [row["kind"] for row in rows]
    assert list(HISTORY_COLUMNS) == list(rows[0])
    (setting,) = rows[2]["settings"]
    assert rows[0]["event_ids"] == [setting["before_event_id"]]
    assert "*" == json.loads(setting["after"])["Statement"][0]["Principal"]
    assert "PutBucketPolicy" in run("logs", "--lake", lake, "--format", "md").stdout


@pytest.mark.parametrize("form", ["table", "md", "json"])
def test_values_cannot_break_out(tmp_path: Path, form: str) -> None:
    """
    What was set cannot colour the terminal.
    """
    evil = event(1, user(), "ec2.amazonaws.com:ModifyX", at(0), requestParameters={"id": "i-1", "v": "a\x1b[31m\r\nb"})
    shown = run("i-1", "--lake", lake_with(tmp_path, [evil]), "--format", form).stdout
    assert "ModifyX" in shown
    assert not {"\x1b", "\r"} & set(shown)


def test_nothing_found(lake: Path) -> None:
    """
    Nothing on stdout, a word on stderr, exit code 0.
    """
    done = run("log", "--lake", lake)
    assert (0, "") == (done.exit_code, done.stdout)
    assert "no event names log over all events" in done.stderr
