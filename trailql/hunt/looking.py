"""What a round looks for, and over which days: the detections' findings and the insights, as findings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from trailql.detect.catalog import Detection, bundled_detections
from trailql.detect.choice import choose
from trailql.detect.enrich import Enrichment, read_enrichment
from trailql.detect.excepting import set_apart
from trailql.detect.finding import Finding, Severity, fingerprint
from trailql.detect.own import own_detections
from trailql.detect.run import run_detections
from trailql.detect.tuning import Tuning, files_named, read_tuning
from trailql.errors import DetectionError, QueryError
from trailql.hunt.config import HuntSettings
from trailql.hunt.state import Past
from trailql.insights.anomaly import Insight

Span = tuple[datetime, datetime]
INSIGHTS = {
    "insights.api_call_rate": {
        "description": "Many more calls of an API that changes something than this account usually makes in so short a "
        "time, or far fewer.",
        "false positives": "A deployment, a migration or a new automation.",
    },
    "insights.api_error_rate": {
        "description": "Many more errors of an API than this account usually gets in so short a time.",
        "false positives": "A broken deployment, or a permission that was taken away.",
    },
    "insights.principal_write_rate": {
        "description": "One role or user changes far more than it usually does, over all APIs and Regions.",
        "false positives": "A deployment, a migration or a new automation.",
    },
    "insights.principal_read_rate": {
        "description": "One role or user reads far more than it usually does, over all APIs and Regions: enumeration.",
        "false positives": "A scanner, an inventory or a new dashboard.",
    },
    "insights.principal_error_rate": {
        "description": "One role or user is refused far more than usual: it tries out what it may do.",
        "false positives": "A permission that was taken away.",
    },
    "insights.resource_rate": {
        "description": "Many more instances are launched or ended than usual, with however few calls.",
        "false positives": "A migration, or a scaling group with new limits.",
    },
    "insights.new_api_rate": {
        "description": "Many APIs are called for the first time in this account and Region: somebody looks around.",
        "false positives": "A new tool, service or scanner.",
    },
    "insights.region_rate": {
        "description": "A Region that always has events has none or few, while the account's others go on.",
        "false positives": "What ran there was moved or shut down.",
    },
}
_IDS = {
    "ApiCallRateInsight": ("insights.api_call_rate", "calls of an API"),
    "ApiErrorRateInsight": ("insights.api_error_rate", "errors of an API"),
    "TrailqlPrincipalWriteRateInsight": ("insights.principal_write_rate", "changes by one principal"),
    "TrailqlPrincipalReadRateInsight": ("insights.principal_read_rate", "reads by one principal"),
    "TrailqlPrincipalErrorRateInsight": ("insights.principal_error_rate", "refusals of one principal"),
    "TrailqlResourceRateInsight": ("insights.resource_rate", "instances launched or ended"),
    "TrailqlNewApiRateInsight": ("insights.new_api_rate", "APIs called for the first time"),
    "TrailqlRegionRateInsight": ("insights.region_rate", "events of a Region"),
}
"""By type of insight: the id of its finding, and what there are unusually many of."""
_OF_SOMEBODY = frozenset(
    {
        "insights.principal_write_rate",
        "insights.principal_read_rate",
        "insights.principal_error_rate",
        "insights.resource_rate",
    }
)
"""Insights that say what somebody did; those of an API say that something is different."""
_ONCE_A_YEAR = 1 / 52
FORWARD = timedelta(days=1)
"""An event that comes late may be the beginning of what ends on the day after."""


@dataclass(frozen=True, slots=True)
class Rules:
    """
    The detections of a hunt.

    Args:
        detections: Those that run, with the severities of trailql.toml.
        tuning: What trailql.toml changes.
        enrichment: What is known beside the logs.
        hashes: By detection, a hash of its SQL and parameters.
    """

    detections: tuple[Detection, ...]
    tuning: Tuning
    enrichment: Enrichment
    hashes: Mapping[str, str]

    def said(self) -> dict[str, Mapping[str, str]]:
        """What the headers say, by detection."""
        return {each.id: each.file.header for each in self.detections} | INSIGHTS


@dataclass(frozen=True, slots=True)
class Looked:
    """
    What was found in one span.

    Args:
        findings: All of them, those that are excepted too.
        exceptions: Why, by fingerprint.
        broken: Detections that could not run, with the error.
    """

    findings: list[Finding]
    exceptions: dict[str, str]
    broken: list[tuple[str, str]]


def rules_of(settings: HuntSettings) -> Rules:
    """
    The detections that a hunt runs.

    Raises:
        UsageError, DetectionError: See `own_detections`, `choose`, `read_tuning` and `read_enrichment`.
    """
    folders, files = files_named(settings.file)
    every = sorted([*bundled_detections(), *(own_detections(folders) if folders else [])], key=lambda each: each.id)
    tuning = read_tuning(settings.file, every)
    chosen = choose(every, packs=settings.packs, only=settings.only, skip=settings.skip)
    running = [each for each in tuning.applied(chosen) if each.severity >= settings.min_severity]
    hashes = {each.id: _hash(each, tuning.parameters.get(each.id, {})) for each in running}
    return Rules(tuple(running), tuning, read_enrichment(files), hashes)


def pending_rules(past: Past, rules: Rules) -> list[str]:
    """Detections that are new or changed since a round took them as known."""
    return [id for id, value in rules.hashes.items() if past.rules is not None and past.rules.get(id) != value]


def spans_of(days: Iterable[date], *, begin: datetime) -> list[Span]:
    """
    Spans of time that hold these days, each with the day after it.

    Args:
        days: UTC days.
        begin: Nothing before this.
    """
    spans: list[Span] = []
    for day in sorted(days):
        since = max(datetime.combine(day, time(), UTC), begin)
        until = datetime.combine(day, time(), UTC) + timedelta(days=1) + FORWARD
        if until <= begin:
            continue
        if spans and since <= spans[-1][1]:
            spans[-1] = (spans[-1][0], until)
        else:
            spans.append((since, until))
    return spans


def look(
    lake: str | Path,
    rules: Rules,
    span: Span,
    *,
    insights: bool,
    today: date,
    only: Iterable[str] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Looked:
    """
    Run detections, and look for insights, over a span.

    Args:
        lake: The lake.
        rules: The detections.
        span: Findings that end in it.
        insights: Also unusual rates.
        today: For exceptions that expire.
        only: Only these detections.
        on_progress: Called with each detection's id.

    Raises:
        LakeError: The lake cannot be read.
    """
    wanted = None if only is None else set(only)
    detections = [each for each in rules.detections if wanted is None or each.id in wanted]
    broken: list[tuple[str, str]] = []
    found = _found(lake, rules.tuning, detections, span, broken, on_progress) if detections else []
    if insights:
        from trailql.insights.find import Asked
        from trailql.insights.run import find_insights_and_history

        unusual, _ = find_insights_and_history(lake, Asked(span[0], span[1]), save=True)
        found += [insight_finding(each) for each in unusual]
    found = rules.enrichment.applied(found)
    _, apart = set_apart(found, rules.tuning.exceptions, lake, today)
    return Looked(found, {each.finding.fingerprint: each.rule.reason for each in apart}, broken)


def insight_finding(insight: Insight) -> Finding:
    """An insight as a finding."""
    id, what = _IDS[insight.insight_type]
    who = next((each for each in insight.attributions if each.attribute == "userIdentityArn"), None)
    actors = [rate.value for rate in who.insight if rate.value != "null"] if who else []
    anchors = (insight.region, insight.event_source, insight.event_name, insight.error_code, insight.principal)
    return Finding(
        id=id,
        title=f"Unusually {'few' if insight.is_fall else 'many'} {what}",
        severity=_severity(id, insight),
        attack=(),
        first_event_time=insight.start,
        last_event_time=insight.end,
        account=insight.account or None,
        region=insight.region or None,
        actor=insight.principal or (actors[0] if actors else None),
        source_ip=None,
        event_ids=(),
        numbers={
            "calls": insight.calls,
            **({"eventSource": insight.event_source, "eventName": insight.event_name} if insight.event_name else {}),
            **({"errorCode": insight.error_code} if insight.error_code else {}),
            "per_minute": round(insight.insight_average, 3),
            "usual_per_minute": round(insight.baseline_average, 6),
            "minutes": insight.insight_minutes,
            "insight": insight.id,
        },
        fingerprint=fingerprint(id, insight.account, *anchors, insight.start.isoformat()),
    )


def _severity(id: str, insight: Insight) -> Severity:
    """Low for a fall; high for somebody's doing that chance brings to an account less than once a year; else medium."""
    if insight.is_fall:
        return Severity.LOW
    return Severity.HIGH if id in _OF_SOMEBODY and insight.false_per_week < _ONCE_A_YEAR else Severity.MEDIUM


def _found(
    lake: str | Path,
    tuning: Tuning,
    detections: Sequence[Detection],
    span: Span,
    broken: list[tuple[str, str]],
    on_progress: Callable[[str], None] | None,
) -> list[Finding]:
    """All together; where one of them cannot run, those that can."""

    def run(chosen: Sequence[Detection]) -> list[Finding]:
        return run_detections(
            lake,
            since=span[0],
            until=span[1],
            parameters=tuning.parameters_of(chosen),
            on_progress=on_progress,
            detections=chosen,
        )

    try:
        return run(detections)
    except (DetectionError, QueryError) as error:
        if len(detections) == 1:
            broken.append((detections[0].id, str(error)))
            return []
    half = len(detections) // 2
    return _found(lake, tuning, detections[:half], span, broken, on_progress) + _found(
        lake, tuning, detections[half:], span, broken, on_progress
    )


def _hash(detection: Detection, parameters: Mapping[str, str]) -> str:
    """Of what a detection looks for; not of its title or severity."""
    values = {name: str(value) for name, value in detection.file.values(parameters).items()}
    text = json.dumps([detection.file.sql, values, detection.lookback.total_seconds()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
