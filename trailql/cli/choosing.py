"""Which detections a command means, and what `trailql.toml` says about them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trailql.report.text import count_of, visible

if TYPE_CHECKING:
    from trailql.detect.catalog import Detection
    from trailql.detect.excepting import Excepted
    from trailql.detect.finding import Severity
    from trailql.detect.tuning import Tuning

_CHOICE = "Which detections"
Rules = Annotated[
    list[Path] | None,
    typer.Option("--rules", help="Folder of detections of your own; again for another.", rich_help_panel=_CHOICE),
]
Packs = Annotated[
    list[str] | None,
    typer.Option(
        "--pack",
        help="cis, attack, an ATT&CK tactic such as persistence, or a service such as iam; again for another.",
        rich_help_panel=_CHOICE,
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="Only these: an id, a short name, or a glob: 'iam.*'.", rich_help_panel=_CHOICE),
]
Skip = Annotated[list[str] | None, typer.Option("--skip", help="Not these; forms as --only.", rich_help_panel=_CHOICE)]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="Tuning file, instead of ./trailql.toml or the user's.", rich_help_panel=_CHOICE),
]


def chosen_detections(
    *,
    rules: Sequence[Path] | None = None,
    packs: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    skip: Sequence[str] | None = None,
    config: Path | None = None,
    min_severity: Severity | None = None,
) -> tuple[list[Detection], Tuning]:
    """
    The detections that a command means, tuned, and the tuning; what the file turns off is said on stderr.

    Raises:
        UsageError, DetectionError: See `own_detections`, `choose` and `read_tuning`.
    """
    from trailql.detect.catalog import bundled_detections
    from trailql.detect.choice import choose
    from trailql.detect.own import own_detections
    from trailql.detect.tuning import read_tuning, today, tuning_file

    path = tuning_file(config)
    every = sorted([*bundled_detections(), *own_detections(rules or ())], key=lambda each: each.id)
    tuning = read_tuning(path, every)
    chosen = choose(every, packs=packs or (), only=only or (), skip=skip or ())
    ids = {each.id for each in chosen}
    for id, reason in tuning.disabled.items():
        if id in ids:
            _say(f"{id} is disabled by {path}: {reason}")
    for rule in tuning.exceptions:
        if rule.detection in ids and rule.has_expired(today()):
            _say(f"an exception of {rule.detection} has expired on {rule.expires}: {rule.reason}")
    return [each for each in tuning.applied(chosen) if not min_severity or each.severity >= min_severity], tuning


def say_excepted(excepted: Sequence[Excepted]) -> None:
    """How many findings each exception has set apart, on stderr."""
    counts = {each.rule: 0 for each in excepted}
    for each in excepted:
        counts[each.rule] += 1
    for rule, count in counts.items():
        until = f"until {rule.expires}" if rule.expires else "for ever"
        _say(f"{count_of(count, 'finding')} excepted by {rule.detection}: {rule.reason}, {until}")


def _say(text: str) -> None:
    print(visible(text), file=sys.stderr)
