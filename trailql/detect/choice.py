"""Which detections run: by pack, by name, and not those left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from trailql.detect.attack import TACTICS, tactics_of
from trailql.detect.catalog import Detection
from trailql.errors import UsageError
from trailql.query.library import did_you_mean, find_bundled


def choose(
    detections: Sequence[Detection], *, packs: Iterable[str] = (), only: Iterable[str] = (), skip: Iterable[str] = ()
) -> list[Detection]:
    """
    The detections that are in one of the packs, are named by one of `only`, and by none of `skip`.

    Args:
        detections: To choose from.
        packs: `cis`, `attack`, an ATT&CK tactic such as `persistence`, or a service such as `iam`.
        only, skip: Ids, the part after the dot, or globs of ids: `iam.*`.

    Raises:
        UsageError: A pack or name that is none, or nothing is left.
    """
    members = {each.id for pack in packs for each in _of_pack(pack, detections)}
    wanted = {each.id for name in only for each in named(name, detections)}
    left_out = {each.id for name in skip for each in named(name, detections)}
    found = [
        each
        for each in detections
        if (not packs or each.id in members) and (not only or each.id in wanted) and each.id not in left_out
    ]
    if not found:
        raise UsageError("no detection is left to run", hint="trailql rules list")
    return found


def known_packs(detections: Iterable[Detection]) -> list[str]:
    """The names of all packs."""
    return ["cis", "attack", *TACTICS, *sorted({_service(each) for each in detections})]


def named(name: str, detections: Sequence[Detection]) -> list[Detection]:
    """
    The detections of that id, short name or glob.

    Raises:
        UsageError: There is none, or several have the short name.
    """
    if any(special in name for special in "*?["):
        found = [each for each in detections if fnmatchcase(each.id, name)]
    else:
        found = [each for each in detections if each.id == name]
        found = found or [each for each in detections if each.id.partition(".")[2] == name]
        if len(found) > 1:
            ids = ", ".join(each.id for each in found)
            raise UsageError(f"several detections are called {name!r}", hint=f"one of {ids}")
    if found:
        return found
    file = find_bundled(name)
    if file and not file.is_detection:
        raise UsageError(f"{file.id} is a query, not a detection", hint=f"trailql query {file.id}")
    near = did_you_mean(name, [each.file for each in detections])
    raise UsageError(f"no detection is called {name!r}", hint=f"{near}trailql detect --list")


def _of_pack(pack: str, detections: Sequence[Detection]) -> list[Detection]:
    name = pack.strip().lower()
    tactic = name.replace("_", "-").replace(" ", "-")
    if name == "cis":
        return [each for each in detections if each.file.header.get("cis")]
    if name == "attack":
        return [each for each in detections if each.attack]
    if tactic in TACTICS:
        return [each for each in detections if tactic in tactics(each)]
    found = [each for each in detections if _service(each) == name]
    if not found:
        raise UsageError(f"there is no pack {pack!r}", hint=f"one of {', '.join(known_packs(detections))}")
    return found


def tactics(detection: Detection) -> tuple[str, ...]:
    """The ATT&CK tactics of a detection, in the order of the matrix."""
    found = {tactic for technique in detection.attack for tactic in tactics_of(technique)}
    return tuple(tactic for tactic in TACTICS if tactic in found)


def _service(detection: Detection) -> str:
    return detection.id.partition(".")[0]
