"""Rounds that have very much to tell."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.test_commands import trailql
from tests.hunt.receivers import Web, alert, web_server
from tests.hunt.test_round import _CONFIG, DAY, Scene
from tests.made import record, write_log
from trailql.detect.finding import Severity
from trailql.hunt.config import HuntSettings
from trailql.hunt.flood import summed_up
from trailql.sinks.alert import Alert, in_words
from trailql.sinks.email import mail, plain_text

_SLACK = '[[hunt.sinks]]\nname = "people"\ntype = "slack"\nurl = { env = "HOOK" }\n'
_USERS = [f"user-{number}" for number in range(7)]


def flooded(folder: Path, web: Web, monkeypatch: pytest.MonkeyPatch, flood: str) -> Scene:
    """A hunt with a sink for machines and one for people, and seven findings to come."""
    monkeypatch.setenv("HOOK", f"{web.url}/services/x")
    monkeypatch.setattr("trailql.hunt.outbox._SECOND_TRY_SECONDS", 0.0)
    scene = Scene(folder, _CONFIG.replace("[hunt]\n", f"[hunt]\nflood = {flood}\n", 1) + _SLACK)
    write_log(scene.logs, record(0, at=DAY), delivered=DAY, unique="begin00000000000")
    scene.round(DAY + timedelta(hours=1))
    for user in _USERS:
        scene.stop_logging(user, DAY + timedelta(hours=1, minutes=scene.numbers))
    return scene


def made(severity: Severity, number: int, id: str = "iam.one") -> Alert:
    told = {**alert(severity=severity).told, "id": id, "key": f"{number:032x}", "fingerprint": f"{number:032x}"}
    return Alert(told["key"], told)


def settings(flood: int | None) -> HuntSettings:
    return HuntSettings(Path("trailql.toml"), lake="/var/lib/my lake", flood=flood)


def test_people_get_a_summary_and_machines_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Three one by one and a summary, which names a command that lists all; nothing of it is told again.
    """
    with web_server() as web:
        scene = flooded(tmp_path, web, monkeypatch, "3")
        result = scene.round(DAY + timedelta(hours=3))
        assert ({"file": 7, "people": 4}, {}) == (result.delivered.sent, result.delivered.left)
        assert {("new", user) for user in _USERS} == set(scene.alerts())
        texts = [json.loads(each.body) for each in web.requests]
        [summary] = [each for each in texts if "more findings" in each["text"]]
        assert summary["text"].startswith("HIGH: 4 more findings in one round")
        assert "4 high cloudtrail.trail_logging_stopped" in json.dumps(summary)
        assert "Take it" not in json.dumps(summary)
        [round] = {line.split("--round ")[1].split()[0] for line in json.dumps(summary).split("`") if "--round" in line}
        done = trailql("findings", "list", "--round", round, "--lake", scene.folder / "lake", "--format", "jsonl")
        assert 7 == len(done.stdout.splitlines())
        assert all(each.alerted_at for each in scene.stored().values())
        for user in _USERS:
            scene.stop_logging(user, DAY + timedelta(hours=2))
        later = scene.round(DAY + timedelta(hours=4))
        assert (0, 4) == (later.alerts, len(web.requests))


@pytest.mark.parametrize("flood", ["false", "7"])
def test_no_flood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flood: str) -> None:
    """
    As many as allowed are told one by one; with false all are.
    """
    with web_server() as web:
        scene = flooded(tmp_path, web, monkeypatch, flood)
        assert {"file": 7, "people": 7} == scene.round(DAY + timedelta(hours=3)).delivered.sent


def test_a_summary_waits_in_the_outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    While Slack is down, and after a crash between commit and delivery; it comes once, with the key it had.
    """
    with web_server() as web:
        scene = flooded(tmp_path, web, monkeypatch, "3")
        text = (scene.folder / "trailql.toml").read_text()
        scene.configure(text.replace("[hunt.dead_man]\n", "[hunt.dead_man]\nfailed = false\n"))
        with monkeypatch.context() as killed:
            killed.setattr("trailql.hunt.round.deliver", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                scene.round(DAY + timedelta(hours=3))
        web.answers += [(500, {}, b"")] * 2
        down = scene.round(DAY + timedelta(hours=4))
        assert ({"people": 4}, 7) == (down.delivered.left, len(scene.alerts()))
        web.requests.clear()
        up = scene.round(DAY + timedelta(hours=6))
        assert ({"people": 4}, {}) == (up.delivered.sent, up.delivered.left)
        assert 1 == sum(b"more findings" in each.body for each in web.requests)
        assert {} == scene.round(DAY + timedelta(hours=8)).delivered.sent


def test_the_most_severe_are_told_one_by_one() -> None:
    """
    Critical ones and the hunt's own troubles always; the others in the order they were found.
    """
    alerts = [made(Severity.LOW, number) for number in range(3)]
    alerts += [made(Severity.CRITICAL, number) for number in range(3, 6)]
    alerts += [made(Severity.MEDIUM, 6, "hunt.lag"), made(Severity.HIGH, 7, "iam.two")]

    *singly, summary = summed_up(alerts, settings(2), "slack", round="r", now=DAY)
    assert [3, 4, 5, 6] == [int(each.key, 16) for each in singly]
    assert [(1, "high", "iam.two"), (3, "low", "iam.one")] == [
        (each["count"], each["severity"], each["detection"]) for each in summary.told["summed_up"]
    ]
    assert Severity.HIGH == summary.severity
    *singly, summary = summed_up(alerts, settings(6), "slack", round="r", now=DAY)
    assert [3, 4, 5, 6, 7, 0] == [int(each.key, 16) for each in singly]
    assert alerts == summed_up(alerts, settings(8), "slack", round="r", now=DAY)
    assert alerts == summed_up(alerts, settings(None), "slack", round="r", now=DAY)


def test_the_key_is_of_what_is_summed_up() -> None:
    """
    The same in another round with the same alerts, in whatever order; another one for others, and for another sink.
    """
    alerts = [made(Severity.LOW, number) for number in range(5)]
    [_, one] = summed_up(alerts, settings(1), "slack", round="r", now=DAY)
    [_, again] = summed_up([alerts[0], *alerts[:0:-1]], settings(1), "slack", round="s", now=DAY + timedelta(hours=1))
    [_, fewer] = summed_up(alerts[:-1], settings(1), "slack", round="r", now=DAY)
    [_, elsewhere] = summed_up(alerts, settings(1), "mail", round="r", now=DAY)
    assert (one.key, False, False) == (again.key, one.key == fewer.key, one.key == elsewhere.key)


def test_a_summary_as_mail() -> None:
    """
    The counts stand in it, and a command that can be pasted.
    """
    alerts = [made(Severity.LOW, number, f"iam.rule_{number % 30:02}") for number in range(70)]
    [*_, summary] = summed_up(alerts, settings(1), "mail", round="20261014T000000-0a", now=DAY)
    text = plain_text(in_words(summary))
    assert "69 more findings in one round" in str(mail(summary, "a@example.com", ["b@example.com"])["Subject"])
    assert "3 low iam.rule_01, " in text
    assert "and 10 detections more" in text
    assert "Look     trailql findings list --round 20261014T000000-0a --lake '/var/lib/my lake'" in text
    assert "Take it" not in text
