"""Troubles of the hunt itself that end, and come back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.hunt.receivers import alert
from tests.hunt.test_round import _CONFIG, DAY, Scene, write_rule
from tests.made import record, write_log
from trailql.hunt.stored import set_status
from trailql.lake.lake import open_lake_folder
from trailql.sinks.alert import Alert, in_words
from trailql.sinks.email import mail
from trailql.sinks.security_hub import asff
from trailql.sinks.slack import slack_message

_LAG = _CONFIG.replace("max_lag = false", 'max_lag = "3h"')
_HIGH = '[[hunt.sinks]]\nname = "high"\ntype = "file"\npath = "high.jsonl"\nmin_severity = "high"\n'


def told(scene: Scene, name: str = "alerts.jsonl") -> list[tuple[str, str]]:
    """Reason and detection of the alerts in a file; each key is there once."""
    path = scene.folder / name
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    assert len(lines) == len({each["key"] for each in lines})
    return [(each["reason"].partition(":")[0], each["id"].removeprefix("hunt.")) for each in lines]


def begun(folder: Path, text: str) -> Scene:
    """A hunt whose first round is over."""
    scene = Scene(folder, text)
    write_log(scene.logs, record(0, at=DAY), delivered=DAY, unique="begin00000000000")
    scene.round(DAY + timedelta(hours=1))
    return scene


def deliverer(scene: Scene) -> Callable[[datetime], None]:
    numbers = iter(range(1, 10_000))

    def deliver(at: datetime) -> None:
        number = next(numbers)
        write_log(scene.logs, record(number, at=at), delivered=at, unique=f"more{number:012d}")

    return deliver


def test_lag_ends_and_comes_back(tmp_path: Path) -> None:
    """
    Told as new, as over, and again; only by sinks that were told of it.
    """
    scene = begun(tmp_path, _LAG + _HIGH)
    deliver = deliverer(scene)
    for hours in (5, 6, 7):
        scene.round(DAY + timedelta(hours=hours))
    assert [("new", "lag")] == told(scene)
    deliver(DAY + timedelta(hours=7, minutes=30))
    for hours in (8, 9):
        scene.round(DAY + timedelta(hours=hours))
    [stored] = scene.stored().values()
    assert ("closed", "it is over") == (stored.status, stored.reason)
    for hours in (12, 13):
        scene.round(DAY + timedelta(hours=hours))
    [stored] = scene.stored().values()
    assert ("open", "it was found again") == (stored.status, stored.reason)
    deliver(DAY + timedelta(hours=13, minutes=30))
    for hours in (14, 15):
        scene.round(DAY + timedelta(hours=hours))
    assert [("new", "lag"), ("over", "lag"), ("again", "lag"), ("over", "lag")] == told(scene)
    assert [] == told(scene, "high.jsonl")
    over = json.loads((scene.folder / "alerts.jsonl").read_text().splitlines()[1])
    assert "grown in 2 rounds since it was found" == dict(in_words(Alert(over["key"], over)).facts)["How often"]


def test_of_days_of_trouble_the_end_is_told_once(tmp_path: Path) -> None:
    """
    A finding a day, all of them closed at the end, and one alert that says so.
    """
    scene = begun(tmp_path, _LAG)
    for hours in (6, 30, 54):
        scene.round(DAY + timedelta(hours=hours))
    deliverer(scene)(DAY + timedelta(hours=55))
    scene.round(DAY + timedelta(hours=56))
    assert [("new", "lag")] * 3 + [("over", "lag")] == told(scene)
    assert {"closed"} == {each.status for each in scene.stored().values()}


def test_a_source_that_can_be_read_again(tmp_path: Path) -> None:
    """
    The failure is over with the first round in which nothing fails; acknowledged or not.
    """
    scene = begun(tmp_path, _CONFIG.replace('["logs"]', '["logs", "other"]') + _HIGH)
    assert [("new", "round_failed")] == told(scene)
    [stored] = scene.stored().values()
    lake = open_lake_folder(scene.folder / "lake")
    set_status(lake, [stored.finding.fingerprint], "acknowledged", "seen", DAY + timedelta(hours=1, minutes=30))
    shutil.copytree(scene.logs, scene.folder / "other")
    for hours in (2, 3):
        scene.round(DAY + timedelta(hours=hours))
    assert [("new", "round_failed"), ("over", "round_failed")] == told(scene) == told(scene, "high.jsonl")


def test_what_somebody_closed_is_not_told_to_be_over(tmp_path: Path) -> None:
    """
    He knows; and what is excepted or turned off is left as it is.
    """
    scene = begun(tmp_path, _LAG)
    scene.round(DAY + timedelta(hours=6))
    scene.configure(_CONFIG)
    deliver = deliverer(scene)
    deliver(DAY + timedelta(hours=6, minutes=30))
    scene.round(DAY + timedelta(hours=7))
    [stored] = scene.stored().values()
    assert "open" == stored.status
    lake = open_lake_folder(scene.folder / "lake")
    set_status(lake, [stored.finding.fingerprint], "closed", "seen", DAY + timedelta(hours=7, minutes=30))
    scene.configure(_LAG)
    scene.round(DAY + timedelta(hours=8))
    assert [("new", "lag")] == told(scene)


def test_a_killed_round_is_over_with_the_next_but_one(tmp_path: Path) -> None:
    """
    The next one tells of the kill, the one after it that rounds end well.
    """
    scene = begun(tmp_path, _CONFIG)
    for _ in range(2):
        (scene.folder / "lake" / "writing" / ".hunt-main.lock").write_text("held\n")
        for _ in range(3):
            scene.round(DAY + timedelta(hours=2 + len(told(scene)), minutes=1))
    assert [(reason, "round_failed") for reason in ("new", "over", "again", "over")] == told(scene)


def test_a_rule_that_is_mended(tmp_path: Path) -> None:
    """
    Over when it has run, or is gone; a round that hunts nothing says nothing of it.
    """
    write_rule(tmp_path, "broken", "SELECT * FROM events WHERE eventName::INTEGER > 0")
    scene = begun(tmp_path, 'rules = ["rules"]\n' + _CONFIG.replace('stopped"]', 'stopped", "own.broken"]'))
    write_rule(scene.folder, "broken", "SELECT * FROM events WHERE eventName = 'StopLogging' AND eventTime IS NULL")
    scene.round(DAY + timedelta(hours=2))
    assert [("new", "rule_failed")] == told(scene)
    deliverer(scene)(DAY + timedelta(hours=2, minutes=30))
    scene.round(DAY + timedelta(hours=3))
    assert [("new", "rule_failed"), ("over", "rule_failed")] == told(scene)


def test_a_silence_is_over_when_it_is_heard_again(tmp_path: Path) -> None:
    """
    Not when it lies too far back to be seen; and not when others are heard.
    """
    scene = Scene(tmp_path, _CONFIG.replace("silence = false\n", ""))
    for hour in range(24 * 14):
        at = DAY + timedelta(hours=hour, minutes=5)
        write_log(scene.logs, record(hour, at=at), delivered=at, unique=f"one{hour:013d}")
        if hour < 24 * 9:
            other = record(10_000 + hour, at=at, awsRegion="eu-west-1")
            write_log(scene.logs, other, region="eu-west-1", delivered=at, unique=f"two{hour:013d}")
    for days in (10, 11, 14):
        scene.round(DAY + timedelta(days=days))
    assert [("new", "silence")] == told(scene)
    at = DAY + timedelta(days=14, hours=1)
    other = record(20_000, at=at, awsRegion="eu-west-1")
    write_log(scene.logs, other, region="eu-west-1", delivered=at, unique="again00000000000")
    write_log(scene.logs, record(20_001, at=at), delivered=at, unique="again00000000001")
    for hours in (2, 3):
        scene.round(DAY + timedelta(days=14, hours=hours))
    assert [("new", "silence"), ("over", "silence")] == told(scene)
    assert ["closed"] == [each.status for each in scene.stored().values()]


def test_words_of_the_end() -> None:
    """
    Every sink says that it is over; nobody is asked to do anything; Security Hub archives its finding.
    """
    end = datetime(2026, 10, 14, 9, tzinfo=UTC).isoformat()
    began = alert(reason=f"over:{end}")
    over = Alert(began.key, {**began.told, "found_at": end})
    words = in_words(over)
    assert words.headline.startswith("OVER: ")
    assert ("", "", "") == (words.why, words.harmless, words.take_it)
    assert dict(words.facts)["When"].endswith("over at 2026-10-14 09:00:00 UTC")
    assert ":white_check_mark:" in json.dumps(slack_message(over))
    assert mail(over, "a@example.com", ["b@example.com"])["Importance"] is None
    assert "ARCHIVED" == asff(over, account="123456789012", region="us-east-1")["RecordState"]
