"""The ATT&CK matrix in the terminal, and the summary under the findings."""

from __future__ import annotations

from datetime import UTC, datetime

from trailql.detect.attack import tactics_of
from trailql.detect.catalog import bundled_detections
from trailql.detect.finding import Finding, Severity
from trailql.report.matrix import attack_matrix, matrix_rows, matrix_text, summary_lines

_MOMENT = datetime(2026, 10, 1, tzinfo=UTC)


def _finding(severity: Severity, *attack: str) -> Finding:
    return Finding("a.b", "t", severity, attack, _MOMENT, _MOMENT, None, None, None, None, ())


def test_matrix() -> None:
    """
    A technique stands under each of its tactics with what looks for it and what was found; sub-techniques count as it,
    once a finding.
    """
    found = attack_matrix(bundled_detections(), [_finding(Severity.HIGH, "T1098.001", "T1098.003", "T1078.004")])

    cells = {(tactic, each.id): each for tactic, row in found.items() for each in row}
    assert 1 == cells["persistence", "T1098"].findings == cells["privilege-escalation", "T1098"].findings
    assert cells["persistence", "T1098"].detections > 5
    assert 0 == cells["impact", "T1491"].detections
    assert "Account Manipulation" == cells["persistence", "T1098"].name
    names, rows = matrix_rows(found)
    assert len(rows) == len(cells)
    assert ["tactic", "technique", "name", "detections", "findings"] == names


def test_every_technique_has_a_place() -> None:
    """
    No bundled detection names a technique that the matrix does not show.
    """
    assert [] == [technique for each in bundled_detections() for technique in each.attack if not tactics_of(technique)]


def test_text_fits() -> None:
    """
    Whatever the width, no line is longer, and every technique is there.
    """
    found = attack_matrix(bundled_detections(), [_finding(Severity.HIGH, "T1485")] * 12_345)

    for width in (40, 80, 120, 237):
        text = matrix_text(found, width)
        assert max(map(len, text.splitlines())) <= max(width, len(text.splitlines()[-1]))
        assert all(each.id in text for row in found.values() for each in row)
        assert "12,345" in text


def test_summary() -> None:
    """
    Severities from the worst on, tactics in the order of the matrix, a finding once under each of its tactics.
    """
    found = [_finding(Severity.LOW, "T1485"), _finding(Severity.HIGH, "T1098.001", "T1136"), _finding(Severity.LOW)]

    assert ["severity: 1 high, 2 low", "tactics:  persistence 1, privilege-escalation 1, impact 1"] == summary_lines(
        found
    )
    assert [] == summary_lines([])
