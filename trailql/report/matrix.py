"""The ATT&CK cloud matrix: what the detections cover, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trailql.detect.attack import TACTICS, tactics_of, technique_name, techniques_of

if TYPE_CHECKING:
    from trailql.detect.catalog import Detection
    from trailql.detect.finding import Finding

_GAP = 2
_LEAST_COLUMN = 26
_FOUND, _QUIET, _NOBODY = "●", "○", "·"


@dataclass(frozen=True, slots=True)
class Technique:
    """
    One cell of the matrix.

    Args:
        id: `T1098`; its sub-techniques count as it.
        name: As ATT&CK calls it.
        detections: How many detections look for it.
        findings: How many findings they gave.
    """

    id: str
    name: str
    detections: int
    findings: int


def attack_matrix(detections: Sequence[Detection], findings: Sequence[Finding]) -> dict[str, list[Technique]]:
    """
    The techniques of each tactic, in the order of the matrix.

    A technique that serves several tactics stands under each, as it does in ATT&CK's own; tactics without techniques
    are left out.
    """
    covered = _counted([each.attack for each in detections])
    found = _counted([each.attack for each in findings])
    known = {tactic: {*techniques_of(tactic)} for tactic in TACTICS}
    for technique in {*covered, *found}:
        for tactic in tactics_of(technique):
            known[tactic].add(technique)
    return {
        tactic: [Technique(id, technique_name(id), covered.get(id, 0), found.get(id, 0)) for id in sorted(ids)]
        for tactic, ids in known.items()
        if ids
    }


def matrix_text(matrix: dict[str, list[Technique]], width: int) -> str:
    """
    The matrix for a terminal: as many tactics beside each other as fit, the others below.

    Args:
        matrix: From `attack_matrix`.
        width: Columns of the terminal.
    """
    beside = max(1, (width + _GAP) // (_LEAST_COLUMN + _GAP))
    size = (width + _GAP) // min(beside, len(matrix)) - _GAP
    tactics = list(matrix)
    lines = []
    for start in range(0, len(tactics), beside):
        columns = [_column(tactic, matrix[tactic], size) for tactic in tactics[start : start + beside]]
        for row in range(max(map(len, columns))):
            cells = [column[row] if row < len(column) else "" for column in columns]
            lines.append((" " * _GAP).join(cell.ljust(size) for cell in cells).rstrip())
        lines.append("")
    lines.append(f"{_FOUND} found   {_QUIET} looked for, nothing found   {_NOBODY} no detection")
    return "\n".join(lines) + "\n"


def matrix_rows(matrix: dict[str, list[Technique]]) -> tuple[list[str], list[list[Any]]]:
    """The same as rows, one a tactic and technique."""
    names = ["tactic", "technique", "name", "detections", "findings"]
    return names, [
        [tactic, each.id, each.name, each.detections, each.findings] for tactic, row in matrix.items() for each in row
    ]


def summary_lines(findings: Sequence[Finding]) -> list[str]:
    """How many findings of each severity and for each tactic; nothing when there are none."""
    if not findings:
        return []
    severities: dict[str, int] = {}
    for each in sorted(findings, key=lambda finding: -finding.severity):
        name = each.severity.name.lower()
        severities[name] = severities.get(name, 0) + 1
    tactics = {
        tactic: sum(any(tactic in tactics_of(technique) for technique in each.attack) for each in findings)
        for tactic in TACTICS
    }
    return [
        "severity: " + ", ".join(f"{count:,} {name}" for name, count in severities.items()),
        "tactics:  " + (", ".join(f"{name} {count:,}" for name, count in tactics.items() if count) or "none named"),
    ]


def _counted(attacks: Sequence[Sequence[str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for attack in attacks:
        for technique in {each.partition(".")[0] for each in attack}:
            found[technique] = found.get(technique, 0) + 1
    return found


def _column(tactic: str, techniques: Sequence[Technique], size: int) -> list[str]:
    seen = sum(each.detections > 0 for each in techniques)
    head = f"{tactic.replace('-', ' ')} {seen}/{len(techniques)}"
    return [head, "─" * size, *(_cell(each, size) for each in techniques)]


def _cell(technique: Technique, size: int) -> str:
    mark = _FOUND if technique.findings else _QUIET if technique.detections else _NOBODY
    end = f" {technique.findings:,}" if technique.findings else ""
    text = f"{mark} {technique.id} {technique.name}"
    room = size - len(end)
    return (text if len(text) <= room else text[: room - 1] + "…").ljust(room) + end
