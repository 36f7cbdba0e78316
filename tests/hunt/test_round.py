"""A round: what it hunts, what it tells, what it remembers."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sample_logs.identities import iam_user
from tests.conftest import read_table
from tests.made import ACCOUNT, record, write_file, write_log
from trailql.errors import BusyError
from trailql.hunt.config import HuntSettings, read_hunt
from trailql.hunt.lock import alone
from trailql.hunt.outbox import pause
from trailql.hunt.plan import plan_round
from trailql.hunt.round import RoundResult, run_round
from trailql.hunt.stored import set_status, stored_findings
from trailql.lake.lake import open_lake_folder
from trailql.lake.session import working_connection

DAY = datetime(2026, 10, 14, tzinfo=UTC)
_CONFIG = """
[hunt]
lake = "lake"
sources = ["logs"]
only = ["cloudtrail.trail_logging_stopped"]
insights = false
[hunt.dead_man]
silence = false
max_lag = false
[hunt.metrics]
file = "metrics.prom"
[[hunt.sinks]]
name = "file"
type = "file"
path = "alerts.jsonl"
"""


class Scene:
    """A folder with a hunt in it."""

    def __init__(self, folder: Path, text: str = _CONFIG) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.numbers = 0
        self.configure(text)

    def configure(self, text: str) -> None:
        (self.folder / "trailql.toml").write_text(text)

    @property
    def settings(self) -> HuntSettings:
        return read_hunt(self.folder / "trailql.toml")

    def stop_logging(self, user: str, at: datetime, delivered: datetime | None = None, **fields: Any) -> None:
        """A user stops a trail; the log file of it arrives."""
        self.numbers += 1
        made = record(
            self.numbers,
            at=at,
            eventSource="cloudtrail.amazonaws.com",
            eventName="StopLogging",
            userIdentity=iam_user(ACCOUNT, user, key="AKIAIOSFODNN7EXAMPLE"),
            recipientAccountId=ACCOUNT,
            errorCode=None,
            **fields,
        )
        write_log(self.logs, made, delivered=delivered or at, unique=f"file{self.numbers:012d}")

    def round(self, now: datetime, **options: Any) -> RoundResult:
        return run_round(self.settings, clock=lambda: now, **options)

    def alerts(self) -> list[tuple[str, str]]:
        """What the file has: reason and user."""
        path = self.folder / "alerts.jsonl"
        told = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [(each["reason"].partition(":")[0], str(each["actor"]).rpartition("/")[2]) for each in told]

    def stored(self) -> dict[str, Any]:
        lake = open_lake_folder(self.folder / "lake")
        with working_connection(lake) as con:
            return {
                (each.finding.actor or each.finding.id).rpartition("/")[2]: each for each in stored_findings(con, lake)
            }


def write_rule(folder: Path, name: str, sql: str, **header: str) -> Path:
    """A detection of one's own, `own.NAME`."""
    said = {"title": "Ours", "severity": "high", "attack": "T1562.008", "description": "ours", "quiet when": "never"}
    said |= {"misses": "nothing", "false positives": "none", "source": "https://docs.aws.amazon.com/", **header}
    text = "".join(f"-- {key}: {value}\n" for key, value in said.items())
    return write_file(folder, f"rules/own/{name}.sql", f"{text}{sql}\n".encode())


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """
    A hunt whose first round is over.
    """
    made = Scene(tmp_path)
    write_log(made.logs, record(0, at=DAY), delivered=DAY, unique="begin00000000000")
    made.round(DAY + timedelta(hours=1))
    return made


def test_a_late_event_is_hunted_when_it_comes(scene: Scene) -> None:
    """
    The watermark is on ingest: an event of ten days ago that comes today is told today, and once.
    """
    scene.stop_logging("late", DAY - timedelta(days=10), delivered=DAY + timedelta(hours=2))
    first = scene.round(DAY + timedelta(hours=3))
    second = scene.round(DAY + timedelta(hours=4))
    assert ([("new", "late")], 1, 0) == (scene.alerts(), first.alerts, second.alerts)
    assert (1, 0) == (first.fresh.events, second.fresh.events)


def test_the_first_round_does_not_tell_of_everything(tmp_path: Path) -> None:
    """
    It looks a day back; what is older counts as hunted.
    """
    made = Scene(tmp_path)
    made.stop_logging("old", DAY - timedelta(days=3))
    made.stop_logging("young", DAY)
    made.round(DAY + timedelta(hours=6))
    made.round(DAY + timedelta(hours=7))
    assert [("new", "young")] == made.alerts()


def test_a_late_event_completes_what_happened_days_after(scene: Scene) -> None:
    """
    A detection that looks back two weeks sees its later half again when the earlier half comes late.
    """
    sql = """
        SELECT b.eventTime AS first_event_time, b.eventTime AS last_event_time, [b.eventID] AS event_ids,
               b.recipientAccountId AS account, actor(b.userIdentity) AS actor
        FROM events a JOIN events b ON actor(a.userIdentity) = actor(b.userIdentity)
        WHERE a.eventName = 'StopLogging' AND b.eventName = 'StopLogging'
          AND b.eventTime - a.eventTime BETWEEN INTERVAL 3 DAY AND INTERVAL 10 DAY
    """
    write_rule(scene.folder, "twice", sql, lookback="14d")
    scene.configure('rules = ["rules"]\n' + _CONFIG.replace("cloudtrail.trail_logging_stopped", "own.twice"))
    scene.stop_logging("eve", DAY + timedelta(days=7))
    scene.round(DAY + timedelta(days=8))
    assert [] == scene.alerts()
    scene.stop_logging("eve", DAY + timedelta(hours=12), delivered=DAY + timedelta(days=10))
    scene.round(DAY + timedelta(days=10))
    assert [("new", "eve")] == scene.alerts()


def test_what_grows_is_updated_and_not_told_again(scene: Scene) -> None:
    """
    More events of a finding make it larger; after a quiet time it is told again.
    """
    scene.configure(_CONFIG.replace("[hunt]\n", '[hunt]\nalert_again_after = "6h"\n'))
    for hours in (1, 2, 12):
        scene.stop_logging("eve", DAY + timedelta(hours=hours))
        scene.round(DAY + timedelta(hours=hours, minutes=10))
    assert [("new", "eve"), ("again", "eve")] == scene.alerts()
    [stored] = scene.stored().values()
    assert (3, 3, DAY + timedelta(hours=1), DAY + timedelta(hours=12)) == (
        stored.events,
        stored.times_seen,
        stored.finding.first_event_time,
        stored.finding.last_event_time,
    )


def test_a_severity_that_rises_is_told(scene: Scene) -> None:
    """
    Also of a finding that is acknowledged.
    """
    scene.stop_logging("eve", DAY + timedelta(hours=1))
    scene.round(DAY + timedelta(hours=2))
    [stored] = scene.stored().values()
    set_status(open_lake_folder(scene.folder / "lake"), [stored.finding.fingerprint], "acknowledged", "seen", DAY)
    scene.configure(_CONFIG + '[detections."cloudtrail.trail_logging_stopped"]\nseverity = "critical"\n')
    scene.stop_logging("eve", DAY + timedelta(hours=3))
    scene.round(DAY + timedelta(hours=4))
    assert [("new", "eve"), ("raised", "eve")] == scene.alerts()


@pytest.mark.parametrize(("status", "told"), [("acknowledged", False), ("closed", True), ("open", False)])
def test_status_decides_whether_growth_is_told(scene: Scene, status: str, told: bool) -> None:
    """
    A closed finding that is found anew opens and is told; one that somebody looks after is not.
    """
    scene.stop_logging("eve", DAY + timedelta(hours=1))
    scene.round(DAY + timedelta(hours=2))
    [stored] = scene.stored().values()
    when = DAY + timedelta(hours=2, minutes=30)
    set_status(open_lake_folder(scene.folder / "lake"), [stored.finding.fingerprint[:12]], status, "because", when)
    scene.stop_logging("eve", DAY + timedelta(hours=3))
    scene.round(DAY + timedelta(hours=4))
    assert [("new", "eve")] + [("again", "eve")] * told == scene.alerts()
    assert {"acknowledged": "acknowledged"}.get(status, "open") == scene.stored()["eve"].status


def test_what_is_closed_twice_is_told_twice(scene: Scene) -> None:
    """
    Also when what makes it grow happened before what was known.
    """
    for number, hours in enumerate((9, 8, 7)):
        scene.stop_logging("eve", DAY + timedelta(hours=hours))
        now = DAY + timedelta(hours=10 + number)
        scene.round(now)
        fingerprint = scene.stored()["eve"].finding.fingerprint
        set_status(open_lake_folder(scene.folder / "lake"), [fingerprint], "closed", "done", now + timedelta(minutes=9))
    assert [("new", "eve"), ("again", "eve"), ("again", "eve")] == scene.alerts()


def test_exceptions_are_kept_and_not_told(scene: Scene) -> None:
    """
    An excepted finding is stored with its reason; when the exception goes and it grows, it is told.
    """
    excepted = '[[detections."cloudtrail.trail_logging_stopped".exceptions]]\nreason = "ours"\nexpires = "never"\n'
    scene.configure(_CONFIG + excepted + 'actor = "*user/eve"\n')
    scene.stop_logging("eve", DAY + timedelta(hours=1))
    scene.round(DAY + timedelta(hours=2))
    assert ([], "ours") == (scene.alerts(), scene.stored()["eve"].exception)
    scene.configure(_CONFIG)
    scene.stop_logging("eve", DAY + timedelta(hours=3))
    scene.round(DAY + timedelta(hours=4))
    assert [("new", "eve")] == scene.alerts()


def test_new_and_changed_rules_see_the_past_when_asked(scene: Scene) -> None:
    """
    A rule that is added is named; --backfill lets it, and it alone, look back, and it is known from then on.
    """
    scene.stop_logging("eve", DAY + timedelta(hours=1))
    rules = write_rule(scene.folder, "stopped", "SELECT * FROM events WHERE eventName = 'StopLogging'")
    scene.round(DAY + timedelta(hours=2))
    with_rule = 'rules = ["rules"]\n' + _CONFIG.replace('stopped"]', 'stopped", "own.stopped"]')
    scene.configure(with_rule)
    named = scene.round(DAY + timedelta(hours=3))
    told = scene.round(DAY + timedelta(hours=4), backfill=timedelta(days=7))
    after = scene.round(DAY + timedelta(hours=5), backfill=timedelta(days=7))
    assert (["own.stopped"], [], []) == (named.pending_rules, told.pending_rules, after.pending_rules)
    assert (1, 0, [("new", "eve")] * 2) == (told.alerts, after.alerts, scene.alerts())
    assert rules.exists()
    write_rule(scene.folder, "stopped", "SELECT * FROM events WHERE eventName LIKE 'Stop%'")
    assert ["own.stopped"] == scene.round(DAY + timedelta(hours=6)).pending_rules


def test_a_broken_rule_does_not_blind_the_others(scene: Scene) -> None:
    """
    One that fails while running is told of, and counts as one that has seen nothing.
    """
    write_rule(scene.folder, "broken", "SELECT * FROM events WHERE eventName::INTEGER > 0")
    scene.configure('rules = ["rules"]\n' + _CONFIG.replace('stopped"]', 'stopped", "own.broken"]'))
    scene.stop_logging("eve", DAY + timedelta(hours=1))
    result = scene.round(DAY + timedelta(hours=2))
    assert ("new", "eve") in scene.alerts()
    assert any("own.broken" in text for text in result.errors)
    assert "hunt.rule_failed" in scene.stored()
    assert ["own.broken"] == scene.round(DAY + timedelta(hours=3)).pending_rules


def test_a_source_that_fails_does_not_stop_the_others(scene: Scene) -> None:
    """
    The others are hunted; the failure is a finding, told once a day.
    """
    scene.configure(_CONFIG.replace('["logs"]', '["nowhere", "logs"]'))
    scene.stop_logging("eve", DAY + timedelta(hours=1))
    for hours in (2, 3):
        result = scene.round(DAY + timedelta(hours=hours))
        assert any("nowhere" in text for text in result.errors)
    assert 1 == sum(user == "None" for _, user in scene.alerts())
    assert ("new", "eve") in scene.alerts()
    assert "hunt.round_failed" in scene.stored()
    assert 'trailql_hunt_success{hunt="main"} 0' in (scene.folder / "metrics.prom").read_text()


def test_rejected_files_are_told(scene: Scene) -> None:
    """
    A file that cannot be read is a finding that names it.
    """
    write_file(scene.logs, "junk.json.gz", b"no gzip at all")
    scene.round(DAY + timedelta(hours=2))
    assert "junk.json.gz" in json.dumps(scene.stored()["hunt.files_rejected"].finding.numbers)


def test_silence_and_lag(tmp_path: Path) -> None:
    """
    A Region that delivered every hour and stopped is told once, though rounds go on; so is a lake without new logs.
    """
    made = Scene(tmp_path, _CONFIG.replace("silence = false\nmax_lag = false", 'max_lag = "3h"'))
    for hour in range(24 * 10):
        at = DAY + timedelta(hours=hour, minutes=5)
        write_log(made.logs, record(hour, at=at), delivered=at, unique=f"one{hour:013d}")
        if hour < 24 * 9:
            other = record(10_000 + hour, at=at, awsRegion="eu-west-1")
            write_log(made.logs, other, region="eu-west-1", delivered=at, unique=f"two{hour:013d}")
    end = DAY + timedelta(days=10)
    made.round(end)
    for hours in (1, 2):
        made.round(end + timedelta(hours=hours))
    silent = [each for each in made.stored().values() if each.finding.id == "hunt.silence"]
    assert [("eu-west-1", 1)] == [(each.finding.region, each.times_seen) for each in silent]
    assert 1 == sum(reason == "new" for reason, _ in made.alerts())
    made.configure(_CONFIG.replace("max_lag = false", 'max_lag = "3h"'))
    for hours in (4, 5, 6):
        made.round(end + timedelta(hours=hours))
    assert "hunt.lag" in made.stored()
    assert 2 == sum(reason == "new" for reason, _ in made.alerts())


def test_a_round_without_news_writes_nothing(scene: Scene) -> None:
    """
    But for one row an hour: a lake does not grow by being looked at.
    """
    scene.round(DAY + timedelta(hours=2))
    before = len(read_table(scene.folder / "lake", "hunts"))
    for minutes in (5, 10, 15):
        scene.round(DAY + timedelta(hours=2, minutes=minutes))
    assert before == len(read_table(scene.folder / "lake", "hunts"))
    scene.round(DAY + timedelta(hours=3, minutes=5))
    assert before + 1 == len(read_table(scene.folder / "lake", "hunts"))


def test_a_second_round_is_refused(scene: Scene) -> None:
    """
    While one is at work; another hunt on the same lake is not.
    """
    lake = open_lake_folder(scene.folder / "lake")
    with alone(lake, "main"):
        with pytest.raises(BusyError, match="at work"):
            scene.round(DAY + timedelta(hours=2))
        run_round(replace(scene.settings, name="other"), clock=lambda: DAY + timedelta(hours=2))
    scene.round(DAY + timedelta(hours=2))


def test_a_killed_round_is_told(scene: Scene) -> None:
    """
    By the next one, as the finding of a round that failed; a round that ended leaves nothing to tell.
    """
    (scene.folder / "lake" / "writing" / ".hunt-main.lock").write_text("held\n")
    scene.round(DAY + timedelta(hours=2))
    scene.round(DAY + timedelta(hours=3))
    stored = scene.stored()["hunt.round_failed"]
    assert ("killed" in stored.finding.numbers["error"], 1) == (True, stored.times_seen)


def test_without_the_lock_the_commit_decides(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Should two rounds be at work all the same, one gets through and the other leaves nothing.
    """
    from trailql.hunt import round as rounds

    real = rounds.alone
    monkeypatch.setattr(rounds, "alone", lambda lake, hunt: nullcontext(False))
    scene.stop_logging("eve", DAY + timedelta(hours=1))
    taken = rounds.fresh_files

    def overtaken(*arguments: Any) -> Any:
        found = taken(*arguments)
        monkeypatch.setattr(rounds, "fresh_files", taken)
        scene.round(DAY + timedelta(hours=2))
        return found

    monkeypatch.setattr(rounds, "fresh_files", overtaken)
    with pytest.raises(BusyError, match="committed meanwhile"):
        scene.round(DAY + timedelta(hours=2))
    monkeypatch.setattr(rounds, "alone", real)
    assert [("new", "eve")] == scene.alerts()


def test_plan_changes_nothing(scene: Scene) -> None:
    """
    --dry-run lists what would be read, and leaves the lake as it is.
    """
    scene.stop_logging("eve", DAY + timedelta(hours=1))
    before = sorted(path.name for path in (scene.folder / "lake").rglob("*"))
    plan = plan_round(scene.settings, now=DAY + timedelta(hours=2))
    assert "1 log files" in plan.to_read[0][1]
    assert before == sorted(path.name for path in (scene.folder / "lake").rglob("*"))
    assert [] == scene.alerts()


def test_a_sink_that_is_down_delays_its_alerts_alone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The other sink is told at once; the alert waits, is tried in growing pauses, and comes when the sink is back.
    """
    monkeypatch.setattr("trailql.hunt.outbox._SECOND_TRY_SECONDS", 0.0)
    scene.configure(_CONFIG + '[[hunt.sinks]]\nname = "down"\ntype = "file"\npath = "dir/alerts.jsonl"\n')
    (scene.folder / "dir").write_text("in the way")
    scene.stop_logging("eve", DAY + timedelta(hours=1))
    first = scene.round(DAY + timedelta(hours=2))
    at_once = scene.round(DAY + timedelta(hours=2, seconds=5))
    assert ([("new", "eve")], {"down": 1}, {}) == (scene.alerts(), first.delivered.left, at_once.delivered.sent)
    (scene.folder / "dir").unlink()
    later = scene.round(DAY + timedelta(hours=3))
    assert ({"down": 1}, {}) == (later.delivered.sent, later.delivered.left)
    assert 1 == len((scene.folder / "dir" / "alerts.jsonl").read_text().splitlines())
    assert 1 == len(scene.alerts())


def test_pauses_grow_and_end() -> None:
    """
    From half a minute to six hours; what a sink asks for is heeded.
    """
    assert all(timedelta(seconds=30) <= pause(1) <= timedelta(minutes=1) for _ in range(50))
    assert all(timedelta(hours=3) <= pause(40) <= timedelta(hours=6) for _ in range(50))
    assert pause(1, 900) == timedelta(seconds=900)


def test_other_alerts_go_on_when_one_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An alert that the other side cannot digest does not hold up those behind it.
    """
    from tests.hunt.receivers import web_server

    with web_server() as web:
        web.answers.append((400, {}, b"invalid"))
        scene.configure(_CONFIG + f'[[hunt.sinks]]\nname = "hook"\ntype = "webhook"\nurl = "{web.url}"\n')
        scene.stop_logging("one", DAY + timedelta(hours=1))
        scene.stop_logging("two", DAY + timedelta(hours=1))
        result = scene.round(DAY + timedelta(hours=2))
        assert ({"file": 2, "hook": 1}, {"hook": 1}) == (result.delivered.sent, result.delivered.left)
