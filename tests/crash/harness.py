"""
Kill trailql with SIGKILL at every step and at random moments, then see what is left and whether the next run mends it.

    python -m tests.crash --kills 400 --seed 1

Steps are where a file is written (before, in the middle, after), a commit is made (before, after), a file is deleted, a
writer's note comes and goes. After each kill every reader must read, and hold a part of what a clean run holds; after
the next run the lake must equal that of a clean run, row by row, in `events`, `files` and `set_aside`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
from deltalake import DeltaTable

from tests.made import TIME, record, text, write_file, write_log
from trailql.ingest import ingest_logs
from trailql.ingest.pipeline import Limits
from trailql.lake import retention
from trailql.lake.check import check
from trailql.lake.compact import compact
from trailql.lake.folder_storage import FolderStorage
from trailql.lake.lake import Lake, Snapshot, open_lake_folder
from trailql.lake.retention import expire, vacuum
from trailql.lake.storage import Hashing, Note
from trailql.normalize import contents
from trailql.query.engine import open_lake

LIMITS = Limits(max_file_bytes=1 << 18, batch_bytes=1 << 19)
"""Small ones, so that few records make many batches and one log file goes over several of them."""

_KEPT_DAYS = 400
_TODAY = (TIME + timedelta(days=_KEPT_DAYS + 1)).date()


@dataclass(frozen=True)
class Scene:
    """
    What is killed: a lake as it is before, and the work that is done on it.

    Args:
        name: Of `ingest`, `second ingest`, `compact`, `expire`, `vacuum`.
        logs: The sources.
        before: A lake to begin with, None for none.
    """

    name: str
    logs: Path
    before: Path | None

    def work(self, lake: Path) -> None:
        """Do it, whole."""
        if "ingest" in self.name:
            ingest_logs([str(self.logs)], lake, limits=LIMITS)
        elif self.name == "compact":
            compact(open_lake_folder(lake), target_bytes=40_000)
        elif self.name == "expire":
            expire(open_lake_folder(lake), keep_days=_KEPT_DAYS, today=_TODAY)
        elif self.name == "vacuum":
            retention.LEAST_VACUUM_HOURS = 0  # nobody else is in this lake
            vacuum(open_lake_folder(lake), hours=0)


def make_logs(root: Path) -> Path:
    """A trail with everything: copies in a file and between files, a file over several batches, junk, nothing."""
    rng = Random(7)
    for number in range(40):
        records: list[Any] = [
            record(number * 20 + each, at=TIME + timedelta(minutes=number, days=each % 3)) for each in range(20)
        ]
        records += [records[0], record(rng.randrange(800), at=TIME + timedelta(minutes=number, days=1))]
        if number % 9 == 0:
            records.append('{"eventName":"NoTime"}')
        write_log(root, *records, delivered=TIME + timedelta(minutes=5 * number), unique=f"number{number:010d}")
    lines = "\n".join(text(record(5000 + number, at=TIME + timedelta(seconds=number))) for number in range(1500))
    write_file(root, "export.ndjson", lines.encode())
    write_log(root, delivered=TIME + timedelta(days=2), unique="nothing0nothing0")
    write_file(root, "junk.json.gz", b"no gzip at all")
    return root


def make_scenes(folder: Path) -> list[Scene]:
    """All of them, with the lakes they begin with."""
    logs = make_logs(folder / "logs")
    files = sorted(path for path in logs.rglob("*") if path.is_file())
    scenes = [Scene("ingest", logs, None)]
    half, fragments = folder / "half", folder / "fragments"
    ingest_logs([str(path) for path in files[::2]], half, limits=LIMITS)
    scenes.append(Scene("second ingest", logs, half))
    for number in range(8):
        ingest_logs([str(path) for path in files[number::8]], fragments, limits=LIMITS)
    scenes += [Scene("compact", logs, fragments), Scene("expire", logs, fragments)]
    littered = folder / "littered"
    shutil.copytree(fragments, littered)
    compact(open_lake_folder(littered))
    scenes.append(Scene("vacuum", logs, littered))
    return scenes


# --- the victim -------------------------------------------------------------------------------------------------


def run_until_killed(scene: Scene, lake: Path, kill_at: int | None, told: Path | None) -> None:
    """In a process of its own: do the work, and die at a step; with `told`, live and write down the steps."""
    contents._LINES_BYTES, contents._READ_BYTES = 1 << 17, 1 << 16
    seen: list[str] = []

    def step(name: str) -> None:
        if kill_at is not None and len(seen) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        seen.append(name)

    _report_steps(step)
    scene.work(lake)
    if told:
        told.write_text("\n".join(seen))


def _report_steps(step: Callable[[str], None]) -> None:
    def around(owner: type, name: str, label: Callable[..., str]) -> None:
        original = getattr(owner, name)

        def told(*arguments: Any, **options: Any) -> Any:
            step(f"before {label(*arguments, **options)}")
            result = original(*arguments, **options)
            step(f"after {label(*arguments, **options)}")
            return result

        setattr(owner, name, told)

    around(FolderStorage, "write", lambda self, path, fill: f"writing {path.split('/')[0]}")
    around(FolderStorage, "delete", lambda self, path: f"deleting {path.split('/')[0]}")
    around(FolderStorage, "write_marker", lambda self, *rest: "making the lake")
    around(Snapshot, "commit", lambda self, *rest, **more: f"committing {self.table}")
    around(Lake, "snapshot_to_write", lambda self, table: f"opening {table}")
    around(DeltaTable, "vacuum", lambda self, *rest, **more: "vacuuming")
    write = Hashing.write

    def torn(self: Hashing, data: Any) -> int:
        view = memoryview(data).cast("B")
        first = write(self, view[: len(view) // 2])
        step("in the middle of writing")
        return first + write(self, view[len(view) // 2 :])

    Hashing.write = torn  # type: ignore[method-assign]
    announce = FolderStorage.announce

    def announced(self: FolderStorage, writer: str) -> Any:
        found = announce(self, writer)
        enter, leave = found.__enter__, found.__exit__

        class Noted:
            def __enter__(self) -> Note:
                step("before the note")
                note = enter()
                step("after the note")
                return note

            def __exit__(self, *exception: Any) -> Any:
                step("before the note goes")
                result = leave(*exception)
                step("after the note goes")
                return result

        return Noted()

    FolderStorage.announce = announced  # type: ignore[method-assign]


# --- what must be true ------------------------------------------------------------------------------------------

_EVENTS = "SELECT eventID, eventTime, eventName, requestParameters, extra, log_file FROM events ORDER BY ALL"
_FILES = """
    SELECT uri, size_bytes, sha256_stored, sha256_content, records, rows_added, duplicates_dropped, duplicates_in_file,
        duplicates_in_others, duplicates_read_before, conflicts, records_set_aside, first_event_time, last_event_time,
        status, reason FROM files WHERE status <> 'damaged' ORDER BY ALL
"""
_SET_ASIDE = "SELECT log_file, record_number, reason, record FROM set_aside ORDER BY ALL"
_EXPIRED = "SELECT log_file, day, rows FROM expired ORDER BY ALL"


def held(lake: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of a lake, without what may differ between two runs; fails when a reader cannot read."""
    with open_lake(lake) as opened:
        return {
            name: list(zip(*opened.sql(sql).arrow().to_pydict().values(), strict=True))
            for name, sql in (("events", _EVENTS), ("files", _FILES), ("set_aside", _SET_ASIDE), ("expired", _EXPIRED))
        }


@dataclass
class Tally:
    """Kills and what they led to."""

    kills: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        told = ", ".join(f"{count} in {name}" for name, count in sorted(self.kills.items()))
        return (
            f"{sum(self.kills.values())} kills ({told}), {sum(self.steps.values())} of them at steps of "
            f"{len(self.steps)} kinds; {len(self.faults)} faults"
        )


class Harness:
    """
    Runs scenes and kills them.

    Args:
        folder: Where logs and lakes go.
        only: Names of the scenes to play; all without.
    """

    def __init__(self, folder: Path, only: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.scenes = [scene for scene in make_scenes(folder) if not only or scene.name in only]
        self.tally = Tally()
        # Forked from a server that has everything imported and no thread running: a victim costs no start.
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(["tests.crash.harness"])
        self._clean: dict[str, dict[str, list[tuple[Any, ...]]]] = {}
        self._steps: dict[str, list[str]] = {}
        self._seconds: dict[str, float] = {}
        self._before = {scene.name: set(held(scene.before)["events"]) for scene in self.scenes if scene.before}
        for scene in self.scenes:
            lake, told = self._fresh(scene), folder / "steps.txt"
            started = time.monotonic()
            self._wait(self._start(scene, lake, None, told))
            self._seconds[scene.name] = time.monotonic() - started
            self._clean[scene.name] = held(lake)
            self._steps[scene.name] = told.read_text().splitlines()
            self._look_whole(scene, lake, "clean run")

    def step_names(self, scene: Scene) -> list[str]:
        """The scene's steps in order."""
        return self._steps[scene.name]

    def kill_at_step(self, scene: Scene, number: int) -> None:
        """Kill the work at its step of that number, look, run it again, look."""
        lake = self._fresh(scene)
        self._wait(self._start(scene, lake, number, None))
        name = self._steps[scene.name][number]
        self.tally.steps[name] += 1
        self._aftermath(scene, lake, f"{scene.name}, step {number} ({name})")

    def kill_at_random(self, scene: Scene, rng: Random) -> None:
        """Kill the work some time after its start, and the run that mends it as well, now and then."""
        lake = self._fresh(scene)
        for _ in range(1 + (rng.random() < 0.3)):
            victim = self._start(scene, lake, None, None)
            time.sleep(rng.uniform(0.02, self._seconds[scene.name] * 1.05))
            victim.kill()
            self._wait(victim)
        self._aftermath(scene, lake, f"{scene.name}, at random")

    def kill_one_of_two(self, scene: Scene, rng: Random, beside: str | None = None) -> None:
        """Two at work on one lake, on the same or one of them `beside`; one of them is killed, readers meanwhile."""
        lake = self._fresh(scene)
        both = [scene, replace(scene, name=beside or scene.name)]
        rng.shuffle(both)
        victim, other = (self._start(each, lake, None, None) for each in both)
        dies_at = time.monotonic() + rng.uniform(0.05, self._seconds[scene.name] * 1.5)
        most = 0
        while other.is_alive() or victim.is_alive():
            if time.monotonic() >= dies_at and victim.is_alive():
                victim.kill()
            if (lake / "trailql.json").exists():
                most = self._look(scene, lake, "two at work, one killed", least=most)
            time.sleep(0.05)
        self._wait(other)
        self._wait(victim)
        if other.exitcode:
            self.tally.faults.append(f"{both[1].name} beside {both[0].name} ended with {other.exitcode}")
        self._aftermath(scene, lake, f"{both[0].name} killed beside {both[1].name}", shared=True)

    def _fresh(self, scene: Scene) -> Path:
        lake = self.folder / "lake"
        shutil.rmtree(lake, ignore_errors=True)
        if scene.before:
            shutil.copytree(scene.before, lake)
        return lake

    def _start(self, scene: Scene, lake: Path, kill_at: int | None, told: Path | None) -> Any:
        process = self._processes.Process(target=run_until_killed, args=(scene, lake, kill_at, told))
        process.start()
        return process

    def _wait(self, process: Any) -> None:
        process.join(120)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError("a run did not end in two minutes")

    def _aftermath(self, scene: Scene, lake: Path, what: str, *, shared: bool = False) -> None:
        self.tally.kills[scene.name] += 1
        if (lake / "trailql.json").exists():
            self._look(scene, lake, what)
        scene.work(lake)
        self._look_whole(scene, lake, what, shared=shared)

    def _look(self, scene: Scene, lake: Path, what: str, *, least: int = 0) -> int:
        """Every reader reads; no row twice, none that a clean run does not have, none gone that was there."""
        try:
            found = held(lake)
            ids = found["events"]
            is_made = any((lake / "events" / "_delta_log").glob("*.json"))  # or somebody died over making it
            files = DeltaTable(str(lake / "events")).file_uris() if is_made else []
            if files:
                other = duckdb.sql("SELECT count(*) FROM read_parquet($files)", params={"files": files}).fetchall()
                if other[0][0] < len(ids):
                    self.tally.faults.append(f"{what}: plain DuckDB counts {other[0][0]}, trailql {len(ids)}")
        except Exception as error:
            self.tally.faults.append(f"{what}: a reader cannot read: {error}")
            return least
        if len(ids) != len(set(ids)):
            self.tally.faults.append(f"{what}: {len(ids) - len(set(ids))} rows twice")
        before = self._before.get(scene.name, set())
        if not before.union(self._clean[scene.name]["events"]).issuperset(ids):
            self.tally.faults.append(f"{what}: rows that a clean run does not have")
        if len(ids) < least:
            self.tally.faults.append(f"{what}: {least} rows were there, now {len(ids)}")
        return len(ids)

    def _look_whole(self, scene: Scene, lake: Path, what: str, *, shared: bool = False) -> None:
        found, clean = held(lake), self._clean.get(scene.name) or held(lake)
        if shared:  # of two at work either may be the first to bring an event, and both keep books
            found = {name: sorted(row[:5] for row in rows) for name, rows in found.items() if name == "events"}
            clean = {name: sorted(row[:5] for row in rows) for name, rows in clean.items() if name == "events"}
        for name, rows in found.items():
            if rows != clean[name]:
                lost = Counter(clean[name]) - Counter(rows)
                more = Counter(rows) - Counter(clean[name])
                self.tally.faults.append(f"{what}: {name}: {lost.total()} rows lost, {more.total()} too many")
        checked = check(open_lake_folder(lake))
        self.tally.faults += [f"{what}: {problem}" for problem in checked.problems]
        self.tally.faults += [f"{what}: orphan {path}" for path in checked.orphans]
        self.tally.faults += [f"{what}: note of {writer}" for writer in checked.writers]


BESIDE = {
    "ingest": ("ingest", "ingest"),
    "second ingest": ("second ingest", "compact"),
    "compact": ("compact", "second ingest"),
    "expire": (),
    "vacuum": (),
}
"""What may go on at the same time and leaves the same events."""


def play(folder: Path, kills: int, seed: int, *, every_step: bool = True) -> Tally:
    """
    Kill so often: at every step first, then at random, with one and with two at work.

    Args:
        folder: Where logs and lakes go.
        kills: How many at random, on top of the steps.
        seed: Of the random moments.
        every_step: Also at every step.
    """
    harness = Harness(folder)
    rng = Random(seed)
    if every_step:
        for scene in harness.scenes:
            for number in range(len(harness.step_names(scene))):
                harness.kill_at_step(scene, number)
            print(f"… {scene.name}: {harness.tally}", file=sys.stderr, flush=True)
    for number in range(kills):
        scene = harness.scenes[number % len(harness.scenes)]
        beside = rng.choice([None, *BESIDE[scene.name]])
        if beside:
            harness.kill_one_of_two(scene, rng, beside)
        else:
            harness.kill_at_random(scene, rng)
        if number % 50 == 49:
            print(f"… {harness.tally}", file=sys.stderr, flush=True)
    return harness.tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300, help="at random, on top of one at every step")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trailql-crash-") as folder:
        tally = play(Path(folder), arguments.kills, arguments.seed)
    print(tally)
    print("\n".join(tally.faults[:50]))
    raise SystemExit(bool(tally.faults))
