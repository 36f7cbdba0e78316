"""Detections of one's own, and which ones run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.detect.rules import HEADER, SQL, write_rule
from trailql.detect.attack import TACTICS, tactics_of
from trailql.detect.catalog import bundled_detections
from trailql.detect.choice import choose
from trailql.detect.own import own_detections
from trailql.errors import DetectionError, UsageError

_ALL = bundled_detections()


def test_ids_are_paths(tmp_path: Path) -> None:
    """
    The folder and the name; `own` stands for the top.
    """
    write_rule(tmp_path / "a")
    write_rule(tmp_path / "b", name="odd_hours")

    assert ["iam.break_glass", "own.odd_hours"] == [
        each.id for each in own_detections([tmp_path / "a", tmp_path / "b"])
    ]


@pytest.mark.parametrize(
    ("text", "name", "line", "message"),
    [
        (HEADER + SQL, "iam/user_created", 1, "is taken by"),
        (HEADER + SQL, "a/b/c", 1, "too deep"),
        (HEADER.replace("-- severity: high\n", "") + SQL, "iam/x", 1, "no 'severity:'"),
        (HEADER.replace("high", "awful") + SQL, "iam/x", 2, "awful"),
        (HEADER + "-- parameter: n INTEGER = many\n" + SQL, "iam/x", 8, "not a whole number"),
        (HEADER + SQL.replace("AND errorCode", "AND AND errorCode"), "iam/x", 11, "syntax error"),
        (HEADER + "SELECT * FROM events WHERE getenv('HOME') = ''", "iam/x", 8, "not allowed"),
        (HEADER + "DROP TABLE events", "iam/x", 8, "only SELECT"),
        (HEADER, "iam/x", 1, "no SQL"),
    ],
)
def test_malformed(tmp_path: Path, text: str, name: str, line: int, message: str) -> None:
    """
    The error names file and line.
    """
    path = write_rule(tmp_path, text, name=name)

    with pytest.raises(DetectionError, match=message) as caught:
        own_detections([tmp_path])

    assert f"{path}:{line}" == caught.value.at


def test_two_of_one_name(tmp_path: Path) -> None:
    """
    The second names the first.
    """
    first = write_rule(tmp_path / "a")
    write_rule(tmp_path / "b")

    with pytest.raises(DetectionError, match=str(first)):
        own_detections([tmp_path / "a", tmp_path / "b"])


@pytest.mark.parametrize("detection", _ALL, ids=lambda each: each.id)
def test_every_technique_has_its_tactics(detection: object) -> None:
    """
    No bundled detection is in no tactic's pack.
    """
    for technique in detection.attack:  # type: ignore[attr-defined]
        assert tactics_of(technique), technique
        assert set(tactics_of(technique)) <= set(TACTICS)


def test_packs() -> None:
    """
    CIS, tactics and services, together their union; all bundled detections are in the pack attack.
    """
    ids = {pack: {each.id for each in choose(_ALL, packs=[pack])} for pack in ("cis", "attack", "persistence", "iam")}

    assert "iam.policy_changed" in ids["cis"]
    assert {each.id for each in _ALL} == ids["attack"]
    assert "iam.user_created" in ids["persistence"]
    assert {each.id for each in _ALL if each.id.startswith("iam.")} == ids["iam"]
    assert ids["cis"] | ids["iam"] == {each.id for each in choose(_ALL, packs=["cis", "iam"])}
    assert choose(_ALL, packs=["credential-access"]) == choose(_ALL, packs=["Credential Access"])


def test_only_and_skip() -> None:
    """
    Ids, short names and globs; what is skipped is skipped wherever it came from.
    """
    assert ["iam.user_created"] == [each.id for each in choose(_ALL, only=["user_created"])]
    left = [each.id for each in choose(_ALL, only=["iam.*"], skip=["iam.user_created", "*policy*"])]
    assert left
    assert not [id for id in left if id == "iam.user_created" or "policy" in id or not id.startswith("iam.")]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"packs": ["persistance"]}, "no pack 'persistance'"),
        ({"only": ["iam.user_creatd"]}, "no detection is called"),
        ({"skip": ["nosuch.*"]}, "no detection is called"),
        ({"packs": ["iam"], "only": ["ec2.*"]}, "no detection is left"),
    ],
)
def test_what_there_is_not(choice: dict[str, list[str]], message: str) -> None:
    """
    A name that matches nothing is an error, since a job would run without it for ever.
    """
    with pytest.raises(UsageError, match=message) as caught:
        choose(_ALL, **choice)
    assert caught.value.hint
