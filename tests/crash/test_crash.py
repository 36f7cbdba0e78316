"""A sample of `make crash`: some steps of every scene, some random moments, two at work."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.crash.harness import BESIDE, Harness


def test_kills(tmp_path: Path) -> None:
    """After SIGKILL at any step every reader reads, and the next run makes the lake what a clean run makes it."""
    harness = Harness(tmp_path)
    rng = Random(20261124)

    for scene in harness.scenes:
        kinds = list(dict.fromkeys(harness.step_names(scene)))
        for kind in rng.sample(kinds, min(5, len(kinds))):
            numbers = [number for number, name in enumerate(harness.step_names(scene)) if name == kind]
            harness.kill_at_step(scene, rng.choice(numbers))
        for beside in BESIDE[scene.name][-1:]:
            harness.kill_one_of_two(scene, rng, beside)

    assert [] == harness.tally.faults
    assert sum(harness.tally.kills.values()) >= 24
