"""What a round makes of what it sees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.insights.test_anomaly import _INSIGHT
from trailql.hunt.looking import insight_finding


@pytest.mark.parametrize(
    ("kind", "way", "false_per_week", "severity"),
    [
        ("ApiCallRateInsight", "peak", 1e-6, "medium"),
        ("ApiErrorRateInsight", "level", 1e-6, "medium"),
        ("ApiCallRateInsight", "fall", 1e-6, "low"),
        ("TrailqlPrincipalErrorRateInsight", "peak", 0.01, "high"),
        ("TrailqlPrincipalReadRateInsight", "hour", 0.01, "high"),
        ("TrailqlPrincipalWriteRateInsight", "peak", 0.3, "medium"),
        ("TrailqlResourceRateInsight", "peak", 0.01, "high"),
        ("TrailqlResourceRateInsight", "fall", 0.01, "low"),
    ],
)
def test_severity_of_an_insight(kind: str, way: str, false_per_week: float, severity: str) -> None:
    """
    By what it is about and how rare it is: somebody's doing that comes less than once a year is high, a fall is low.
    """
    found = insight_finding(replace(_INSIGHT, insight_type=kind, way=way, false_per_week=false_per_week))
    assert severity == found.severity.name.lower()
