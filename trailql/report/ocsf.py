"""
Findings as OCSF Detection Findings (class 2004).

Source:
    https://schema.ocsf.io/classes/detection_finding
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trailql.report.text import plain

if TYPE_CHECKING:
    from trailql.detect.finding import Finding

OCSF_VERSION = "1.5.0"
_SEVERITIES = {"INFO": (1, "Informational"), "LOW": (2, "Low"), "MEDIUM": (3, "Medium"), "HIGH": (4, "High"),
               "CRITICAL": (5, "Critical")}  # fmt: skip
_ADDRESS = re.compile(r"^[0-9a-fA-F.:]+$")
_CREATE = 1
_RULE = 1
_NEW = 1


def ocsf_finding(finding: Finding, description: str, version: str) -> dict[str, Any]:
    """
    One finding as a Detection Finding; what is not known is left out.

    Args:
        finding: The finding.
        description: What its detection looks for.
        version: Of trailql.
    """
    severity_id, severity = _SEVERITIES[finding.severity.name]
    first, last = _milliseconds(finding.first_event_time), _milliseconds(finding.last_event_time)
    found: dict[str, Any] = _filled(
        {
            "category_uid": 2,
            "category_name": "Findings",
            "class_uid": 2004,
            "class_name": "Detection Finding",
            "activity_id": _CREATE,
            "activity_name": "Create",
            "type_uid": 2004 * 100 + _CREATE,
            "type_name": "Detection Finding: Create",
            "severity_id": severity_id,
            "severity": severity,
            "status_id": _NEW,
            "status": "New",
            "is_alert": severity_id >= _SEVERITIES["MEDIUM"][0],
            "time": last,
            "start_time": first,
            "end_time": last,
            "count": finding.numbers.get("calls") or len(finding.event_ids) or None,
            "message": finding.title,
            "metadata": {
                "version": OCSF_VERSION,
                "product": {"name": "trailql", "vendor_name": "trailql", "version": version},
                "profiles": ["cloud"],
                "uid": finding.fingerprint,
            },
            "cloud": {
                "provider": "AWS",
                "region": finding.region,
                "account": {
                    "uid": finding.account,
                    "name": finding.enrichment.get("account_name"),
                    "type": "AWS Account",
                    "type_id": 10,
                }
                if finding.account
                else None,
            },
            "finding_info": {
                "uid": finding.fingerprint,
                "title": finding.title,
                "desc": description,
                "types": [finding.id],
                "created_time": last,
                "first_seen_time": first,
                "last_seen_time": last,
                "analytic": {"uid": finding.id, "name": finding.title, "type_id": _RULE, "type": "Rule"},
                "attacks": [_attack(technique) for technique in finding.attack],
                "related_events": [{"uid": each, "type_uid": 600300} for each in finding.event_ids],
                "related_events_count": len(finding.event_ids),
            },
            "evidences": [
                {
                    "actor": {"user": {"uid": finding.actor}} if finding.actor else None,
                    "src_endpoint": _endpoint(finding.source_ip, finding.enrichment),
                    "data": {name: plain(value) for name, value in finding.numbers.items() if value is not None},
                }
            ],
            "observables": _observables(finding),
        }
    )
    return found


def _attack(technique: str) -> dict[str, Any]:
    parent, _, sub = technique.partition(".")
    found: dict[str, Any] = {"technique": {"uid": parent}}
    if sub:
        found["sub_technique"] = {"uid": technique}
    return found


def _endpoint(source: str | None, known: Mapping[str, str]) -> dict[str, Any] | None:
    if not source:
        return None
    if not _ADDRESS.match(source):
        return {"domain": source}
    asn = known.get("asn", "").removeprefix("AS")
    return {
        "ip": source,
        "name": known.get("network"),
        "location": {"country": known.get("country"), "city": known.get("city")},
        "autonomous_system": {"number": int(asn) if asn else None, "name": known.get("as_name")},
    }


def _observables(finding: Finding) -> list[dict[str, Any]]:
    found = []
    if finding.source_ip and _ADDRESS.match(finding.source_ip):
        found.append(
            {"name": "evidences[].src_endpoint.ip", "type_id": 2, "type": "IP Address", "value": finding.source_ip}
        )
    if finding.actor:
        found.append({"name": "evidences[].actor.user.uid", "type_id": 31, "type": "User UID", "value": finding.actor})
    return found


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _filled(value: Any) -> Any:
    """Without what is null or empty, however deep."""
    if isinstance(value, dict):
        found = {key: _filled(each) for key, each in value.items()}
        return {key: each for key, each in found.items() if each is not None and each not in ({}, [])}
    if isinstance(value, list):
        return [_filled(each) for each in value]
    return value
