"""The hunt's own tables: what goes, what stays, and that nothing is told again for it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import read_table
from tests.hunt.test_round import _CONFIG, DAY, Scene
from tests.made import record, write_log
from trailql.hunt import keeping
from trailql.hunt.keeping import LetGo, let_go
from trailql.hunt.round import run_round
from trailql.hunt.state import past_rounds
from trailql.hunt.stored import set_status
from trailql.lake.compact import compact
from trailql.lake.lake import Lake, Snapshot, open_lake_folder
from trailql.lake.retention import vacuum
from trailql.lake.session import working_connection
from trailql.lake.writer import recover, stray_files

_TABLES = ("findings", "outbox", "hunts")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """
    A hunt that has told of somebody on the first day.
    """
    made = Scene(tmp_path)
    write_log(made.logs, record(0, at=DAY), delivered=DAY, unique="begin00000000000")
    made.round(DAY + timedelta(hours=1))
    made.stop_logging("eve", DAY + timedelta(hours=1))
    made.round(DAY + timedelta(hours=2))
    return made


def lake_of(scene: Scene) -> Lake:
    return open_lake_folder(scene.folder / "lake")


def go(scene: Scene, days: int, hunt: str = "main") -> LetGo:
    return let_go(lake_of(scene), hunt, findings_days=400, now=DAY + timedelta(days=days))


def hunted(scene: Scene) -> frozenset[str]:
    with working_connection(lake_of(scene)) as con:
        return past_rounds(con, lake_of(scene), "main").hunted


def counts(scene: Scene) -> list[int]:
    return [len(read_table(scene.folder / "lake", table)) for table in _TABLES]


def test_old_findings_and_delivered_alerts_go(scene: Scene) -> None:
    """
    At their time; and a round after that neither finds nor tells them again, though the log files lie there still.
    """
    assert LetGo() == go(scene, 29)
    assert LetGo(outbox=2) == go(scene, 31)
    assert LetGo() == go(scene, 400)
    assert LetGo(findings=1) == go(scene, 402)
    assert (0, 0) == (len(scene.stored()), len(read_table(scene.folder / "lake", "outbox")))
    scene.round(DAY + timedelta(days=402))
    scene.stop_logging("mallory", DAY + timedelta(days=402))
    scene.round(DAY + timedelta(days=402, hours=1))
    assert [("new", "eve"), ("new", "mallory")] == scene.alerts()


def test_a_young_status_keeps_a_finding(scene: Scene) -> None:
    """
    What somebody has looked at lately stays, with all its rows; so does what another hunt has found.
    """
    [stored] = scene.stored().values()
    set_status(lake_of(scene), [stored.finding.fingerprint], "closed", "planned", DAY + timedelta(days=300))
    assert 0 == go(scene, 500).findings
    assert ("closed", 1) == ((found := scene.stored()["eve"]).status, found.times_seen)
    assert LetGo() == go(scene, 900, hunt="other")
    assert 2 == go(scene, 701).findings


def test_alerts_that_wait_stay(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    However old; they are delivered when their sink is back.
    """
    monkeypatch.setattr("trailql.hunt.outbox._SECOND_TRY_SECONDS", 0.0)
    scene.configure(_CONFIG + '[[hunt.sinks]]\nname = "down"\ntype = "file"\npath = "dir/alerts.jsonl"\n')
    (scene.folder / "dir").write_text("in the way")
    scene.stop_logging("mallory", DAY + timedelta(hours=3))
    scene.round(DAY + timedelta(hours=4))
    assert LetGo(findings=2, outbox=4) == go(scene, 500)
    (scene.folder / "dir").unlink()
    assert {"down": 1} == scene.round(DAY + timedelta(days=501)).delivered.sent


def test_old_rounds_become_one_row(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Which has hunted what they had: no batch is hunted again, no detection is new, and the first round is not repeated.
    """
    monkeypatch.setattr(keeping, "_LEAST_ROUNDS", 3)
    run_round(scene.settings, clock=lambda: DAY + timedelta(hours=3))
    scene.stop_logging("late", DAY + timedelta(hours=3))
    scene.round(DAY + timedelta(days=20))
    before, rows = hunted(scene), read_table(scene.folder / "lake", "hunts")
    assert LetGo(outbox=2, hunts=3) == go(scene, 31)
    assert LetGo() == go(scene, 32)
    folded, young = sorted(read_table(scene.folder / "lake", "hunts"), key=lambda row: row["ended_at"])
    assert (("folded", "3 rounds in one row"), "done") == ((folded["status"], folded["reason"]), young["status"])
    assert (before, 3) == (hunted(scene), len(before))
    old = [row for row in rows if row["ended_at"] < DAY + timedelta(days=1)]
    assert [sum(row[name] for row in old) for name in ("files", "events", "findings")] == [
        folded[name] for name in ("files", "events", "findings")
    ]
    assert json.loads(folded["rules"]) == json.loads(old[0]["rules"] or old[1]["rules"] or old[2]["rules"])
    result = scene.round(DAY + timedelta(days=33))
    assert (0, [], 0) == (result.fresh.files, result.pending_rules, result.alerts)


def test_everything_is_old(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A hunt that rested for a year goes on where it was, also when all its rows have become one, twice.
    """
    monkeypatch.setattr(keeping, "_LEAST_ROUNDS", 1)
    before = hunted(scene)
    for days in (370, 371):
        go(scene, days)
        assert (before, 1) == (hunted(scene), len(read_table(scene.folder / "lake", "hunts")))
    scene.stop_logging("mallory", DAY + timedelta(days=371))
    assert 1 == scene.round(DAY + timedelta(days=371, hours=1)).alerts


def test_rounds_do_it_once_a_day(scene: Scene) -> None:
    """
    By the first round of a day; findings = false keeps them.
    """
    scene.round(DAY + timedelta(days=31))
    assert 0 == len(read_table(scene.folder / "lake", "outbox"))
    scene.configure(_CONFIG.replace("[hunt.metrics]", "[hunt.keep]\nfindings = false\n[hunt.metrics]"))
    scene.round(DAY + timedelta(days=500))
    assert 1 == len(scene.stored())
    scene.configure(_CONFIG)
    scene.round(DAY + timedelta(days=501))
    assert {} == scene.stored()


@pytest.mark.parametrize("table", _TABLES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_a_commit(scene: Scene, monkeypatch: pytest.MonkeyPatch, table: str, when: str) -> None:
    """
    The rows of the table are there all or none have gone; nothing comes twice, and the next run does the rest.
    """
    monkeypatch.setattr(keeping, "_LEAST_ROUNDS", 1)
    real, settle = Snapshot.commit, "trailql.lake.writer._settle"
    all_hunted = hunted(scene)
    with monkeypatch.context() as killed:

        def commit(snapshot: Snapshot, *arguments: Any, **options: Any) -> None:
            if snapshot.table == table and when == "before":
                raise KeyboardInterrupt
            real(snapshot, *arguments, **options)
            if snapshot.table == table:
                raise KeyboardInterrupt

        killed.setattr(Snapshot, "commit", commit)
        killed.setattr(settle, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))  # no time for anything
        with pytest.raises(KeyboardInterrupt):
            go(scene, 500)
    recover(lake_of(scene))
    gone = _TABLES.index(table) + (when == "after")
    expected = [0 if number < gone else rows for number, rows in enumerate((1, 2))] + [1 if gone > 2 else 2]
    assert (expected, all_hunted) == (counts(scene), hunted(scene))
    assert [] == [each for name in _TABLES for each in stray_files(lake_of(scene), name)]
    go(scene, 500)
    assert ([0, 0, 1], all_hunted) == (counts(scene), hunted(scene))
    assert 0 == scene.round(DAY + timedelta(days=501)).alerts


def test_others_write_meanwhile(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What is appended stays; where a compaction was quicker, nothing goes, and the files written for it neither stay.
    """
    [stored] = scene.stored().values()
    real = Snapshot.commit

    def beside(action: Any) -> None:
        def commit(snapshot: Snapshot, *arguments: Any, **options: Any) -> None:
            if options.get("drops_rows") and snapshot.table == "findings":
                monkeypatch.setattr(Snapshot, "commit", real)
                action()
            real(snapshot, *arguments, **options)

        monkeypatch.setattr(Snapshot, "commit", commit)

    set_status(lake_of(scene), [stored.finding.fingerprint], "acknowledged", "mine", DAY + timedelta(hours=3))
    beside(lambda: compact(lake_of(scene)))
    assert 0 == go(scene, 500).findings
    assert ["acknowledged"] == [each.status for each in scene.stored().values()]
    assert [] == stray_files(lake_of(scene), "findings")
    when = DAY + timedelta(days=500)
    beside(lambda: set_status(lake_of(scene), [stored.finding.fingerprint], "closed", "mine", when))
    assert 2 == go(scene, 500).findings
    assert ["closed"] == [row["status"] for row in read_table(scene.folder / "lake", "findings")]
    assert {} == scene.stored()


def test_vacuum_after_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The files that went are deleted in time, and the tables can be read.
    """
    monkeypatch.setattr(keeping, "_LEAST_ROUNDS", 1)
    go(scene, 500)
    monkeypatch.setattr("trailql.lake.retention.time.time", lambda: datetime.now().timestamp() + 10 * 86400)
    vacuum(lake_of(scene), hours=1)
    assert [0, 0, 1] == counts(scene)
