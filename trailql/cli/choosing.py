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
    from trailql.detect.enrich import Enrichment
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

_KNOWN = "What is known beside the logs"
GeoIP = Annotated[
    list[Path] | None,
    typer.Option("--geoip", help="MaxMind-format file (.mmdb); again for another.", rich_help_panel=_KNOWN),
]
AwsRanges = Annotated[Path | None, typer.Option("--aws-ranges", help="AWS's ip-ranges.json.", rich_help_panel=_KNOWN)]
AccountNames = Annotated[
    Path | None,
    typer.Option(
        "--accounts",
        help="CSV account,name, or the JSON of aws organizations list-accounts.",
        rich_help_panel=_KNOWN,
    ),
]
Networks = Annotated[
    Path | None, typer.Option("--networks", help="CSV network,name of your own.", rich_help_panel=_KNOWN)
]


def enrichment(
    config: Path | None,
    geoip: Sequence[Path] | None,
    aws_ranges: Path | None,
    accounts: Path | None,
    networks: Path | None,
) -> Enrichment:
    """
    What the files of `[enrich]` in trailql.toml say; an option goes before its key there.

    Raises:
        UsageError: See `read_enrichment`.
    """
    from trailql.detect.enrich import read_enrichment
    from trailql.detect.tuning import files_named, tuning_file

    _, files = files_named(tuning_file(config))
    given = {"aws_ranges": aws_ranges, "accounts": accounts, "networks": networks}
    options = {kind: [path] for kind, path in given.items() if path}
    return read_enrichment({**files, **options, **({"geoip": geoip} if geoip else {})})


def chosen_detections(
    *,
    rules: Sequence[Path] | None = None,
    packs: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    skip: Sequence[str] | None = None,
    config: Path | None = None,
    min_severity: Severity | None = None,
    tuned: bool = True,
) -> tuple[list[Detection], Tuning]:
    """
    The detections that a command means, and the tuning; what the file turns off is said on stderr.

    `tuned` detections have the severities of the file and are without those that it disables.

    Raises:
        UsageError, DetectionError: See `own_detections`, `choose` and `read_tuning`.
    """
    from trailql.detect.catalog import bundled_detections
    from trailql.detect.choice import choose
    from trailql.detect.own import own_detections
    from trailql.detect.tuning import files_named, read_tuning, today, tuning_file

    path = tuning_file(config)
    folders = {folder.resolve(): folder for folder in [*files_named(path)[0], *(rules or ())]}
    every = sorted([*bundled_detections(), *own_detections(list(folders.values()))], key=lambda each: each.id)
    tuning = read_tuning(path, every)
    chosen = choose(every, packs=packs or (), only=only or (), skip=skip or ())
    ids = {each.id for each in chosen}
    for id, reason in tuning.disabled.items():
        if id in ids:
            _say(f"{id} is disabled by {path}: {reason}")
    for rule in tuning.exceptions:
        if rule.detection in ids and rule.has_expired(today()):
            _say(f"an exception of {rule.detection} has expired on {rule.expires}: {rule.reason}")
    if not tuned:
        return chosen, tuning
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
