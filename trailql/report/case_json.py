"""A case as one JSON document: all of it, for programs and for keeping."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from trailql.report.coverage import coverage_object
from trailql.report.findings import finding_rows
from trailql.report.matrix import attack_matrix, matrix_rows
from trailql.report.rows import Format
from trailql.report.text import json_text, plain
from trailql.report.timeline import ENTRY_COLUMNS, entry_values

if TYPE_CHECKING:
    from trailql.cases.case import Case


def case_json(case: Case) -> str:
    """The document; fields are added, not renamed."""
    from trailql.insights.anomaly import insight_records

    names, rows = finding_rows(case.findings, Format.JSON)
    techniques = matrix_rows(attack_matrix(case.detections, case.findings))
    document: dict[str, Any] = {
        "case_version": 1,
        **asdict(case.scope),
        "figures": asdict(case.figures),
        "findings": [dict(zip(names, row, strict=True)) for row in rows],
        "findings_excepted": case.excepted,
        "detections": [each.id for each in case.detections],
        "attack": [dict(zip(techniques[0], row, strict=True)) for row in techniques[1]],
        "activity": asdict(case.activity) if case.activity else None,
        "timeline": [dict(zip(ENTRY_COLUMNS, entry_values(each), strict=True)) for each in case.timeline],
        "timeline_events": case.timeline_events,
        "timeline_left_out": case.timeline_left_out,
        "traces": [asdict(each) for each in case.traces],
        "actors_left_out": case.actors_left_out,
        "account_names": dict(case.account_names),
        "addresses": [asdict(each) for each in case.addresses],
        "insights": [record for each, _ in case.insights for record in insight_records(each)],
        "insights_tested": case.insights_tested,
        "curves": [{"insight": each.id, **asdict(curve)} for each, curve in case.insights if curve],
        "coverage": coverage_object(case.coverage),
        "notes": list(case.notes),
        "file_counts": [asdict(each) for each in case.file_counts],
        "unread": [asdict(each) for each in case.unread],
        "manifest_sha256": case.manifest_sha256,
        "files_total": case.files_total,
        "files": list(case.files),
    }
    return json_text({name: plain(value) for name, value in document.items()}, indent=2) + "\n"
