"""Findings and insights as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from trailql.insights.kinds import kind_of_type
from trailql.report.rows import Format
from trailql.report.text import as_text, iso

if TYPE_CHECKING:
    from trailql.detect.catalog import Detection
    from trailql.detect.excepting import Excepted
    from trailql.detect.finding import Finding
    from trailql.insights.anomaly import Insight
    from trailql.insights.compare import Compared

FINDING_COLUMNS = (
    "id",
    "title",
    "severity",
    "attack",
    "first_event_time",
    "last_event_time",
    "account",
    "region",
    "actor",
    "source_ip",
    "event_ids",
    "numbers",
    "fingerprint",
    "enrichment",
)
"""The promise for json, jsonl and csv: columns are added at the end, not renamed."""


def finding_rows(findings: Sequence[Finding], format: Format) -> tuple[list[str], list[list[Any]]]:
    """Column names and rows: everything for machines, the main things for eyes."""
    if format in (Format.TABLE, Format.MD):
        names = ["severity", "last event (UTC)", "detection", "account, Region", "actor", "from", "figures"]
        return names, [_short(finding) for finding in findings]
    return list(FINDING_COLUMNS), [_full(finding) for finding in findings]


def with_excepted(
    findings: Sequence[Finding], excepted: Sequence[Excepted], format: Format
) -> tuple[list[str], list[list[Any]]]:
    """The same with the excepted ones behind, and a column `exception` that says why."""
    names, rows = finding_rows(findings, format)
    _, behind = finding_rows([each.finding for each in excepted], format)
    reasons = [each.rule.reason for each in excepted]
    return [*names, "exception"], [
        *([*row, None] for row in rows),
        *([*row, reason] for row, reason in zip(behind, reasons, strict=True)),
    ]


def ocsf_findings(findings: Sequence[Finding], detections: Sequence[Detection]) -> list[dict[str, Any]]:
    """Findings as OCSF Detection Findings, with what their detections say of themselves."""
    from trailql import __version__
    from trailql.report.ocsf import ocsf_finding

    said = {each.id: each.file.header.get("description", each.file.title) for each in detections}
    return [ocsf_finding(each, said.get(each.id, each.title), __version__) for each in findings]


def _short(finding: Finding) -> list[Any]:
    figures = ", ".join(
        f"{name} {as_text(value)}" for name, value in finding.numbers.items() if _is_figure(name, value)
    )
    known = finding.enrichment
    account = known.get("account_name") or finding.account or ""
    where = f"{account} {finding.region or 'several Regions'}".strip()
    actor = (finding.actor or "").split(":")[-1]
    return [
        finding.severity.name.lower(),
        iso(finding.last_event_time).replace("T", " ").removesuffix("Z")[:16],
        finding.id,
        where,
        actor,
        _source(finding),
        figures,
    ]


def _source(finding: Finding) -> str:
    """The address, and of what is known about it the telling part: its network's name, or its owner and country."""
    known = finding.enrichment
    aws = f"AWS {known['aws_service']} {known['aws_region']}" if "aws_service" in known else None
    owner = known.get("network") or aws or known.get("as_name") or known.get("asn")
    said = ", ".join(filter(None, [owner, known.get("country")]))
    return (finding.source_ip or "several") + (f" ({said})" if said else "")


def _is_figure(name: str, value: Any) -> bool:
    return value is not None and name not in ("requestParameters", "error_messages", "eventSource", "in_window")


def _full(finding: Finding) -> list[Any]:
    return [
        finding.id,
        finding.title,
        finding.severity.name.lower(),
        list(finding.attack),
        finding.first_event_time,
        finding.last_event_time,
        finding.account,
        finding.region,
        finding.actor,
        finding.source_ip,
        list(finding.event_ids),
        finding.numbers,
        finding.fingerprint,
        finding.enrichment,
    ]


def insight_rows(insights: Sequence[Insight], *, is_folded: bool = False) -> tuple[list[str], list[list[Any]]]:
    """
    Insights for eyes: when, what, how much instead of how much, and how often chance would do that.

    Args:
        insights: In order of their start.
        is_folded: One row for many APIs of an account that are unusual in the same way at the same time.
    """
    names = ["start (UTC)", "minutes", "type", "account", "region", "what", "calls", "in", "instead of", "by chance"]
    groups = _of_one_time(insights) if is_folded else [[each] for each in insights]
    return names, [_insight_row(group[0]) if len(group) == 1 else _folded_row(group) for group in groups]


def _insight_row(insight: Insight) -> list[Any]:
    return [
        iso(insight.start).replace("T", " ")[:16],
        insight.insight_minutes,
        type_in_words(insight),
        insight.account,
        insight.region or "",
        what_in_words(insight),
        insight.calls,
        f"{_calls(insight.window_calls)} in {_duration(insight.window_minutes)}",
        _calls(insight.expected_calls),
        chance_in_words(insight.false_per_week),
    ]


_FOLDED_FROM, _FOLDED_NAMES = 4, 3
_ONE_TIME = timedelta(minutes=30)


def _of_one_time(insights: Sequence[Insight]) -> list[list[Insight]]:
    """Insights in groups, by the start of their first: APIs of one account and type, none long after the one before."""
    groups: list[list[Insight]] = []
    latest: dict[tuple[str, str], list[Insight]] = {}
    for each in insights:
        key = each.account, type_in_words(each)
        group = latest.get(key)
        if each.event_name and not each.principal and group and each.start - group[-1].start <= _ONE_TIME:
            group.append(each)
            continue
        latest[key] = [each]
        groups.append(latest[key])
    parted = [[group] if len(group) >= _FOLDED_FROM else [[each] for each in group] for group in groups]
    return sorted((group for some in parted for group in some), key=lambda group: group[0].start)


def _folded_row(group: Sequence[Insight]) -> list[Any]:
    start, end = min(each.start for each in group), max(each.end for each in group)
    regions = sorted({each.region or "" for each in group})
    names = list(dict.fromkeys(f"{each.event_name}" for each in group))
    shown = ", ".join(names[:_FOLDED_NAMES]) + (", …" if len(names) > _FOLDED_NAMES else "")
    rarest = min(group, key=lambda each: each.false_per_week)
    return [
        iso(start).replace("T", " ")[:16],
        (end - start) // timedelta(minutes=1),
        type_in_words(group[0]),
        group[0].account,
        regions[0] if len(regions) == 1 else f"{len(regions)} Regions",
        f"{len(names)} APIs: {shown}" if len(names) > 1 else names[0],
        sum(each.calls for each in group),
        f"{_between(each.window_calls for each in group)} each",
        _between(each.expected_calls for each in group),
        chance_in_words(rarest.false_per_week),
    ]


def _between(numbers: Iterable[float]) -> str:
    told = sorted(numbers)
    least, most = _calls(told[0]), _calls(told[-1])
    return least if least == most else f"{least} to {most}"


def compared_rows(pairs: Sequence[Compared]) -> tuple[list[str], list[list[Any]]]:
    """CloudTrail's insights beside ours: who has it, when, what, calls per minute by each."""
    names = ["who", "start (UTC)", "account", "region", "what", "AWS a minute", "ours a minute", "by chance"]
    rows = []
    for pair in pairs:
        theirs, ours = pair.theirs, pair.ours
        either: Any = theirs or ours
        api = f"{(either.event_source or '').removesuffix('.amazonaws.com')}:{either.event_name}"
        rows.append(
            [
                pair.verdict,
                iso(either.start).replace("T", " ")[:16],
                either.account,
                either.region,
                f"{api} {either.error_code}" if either.error_code else api,
                theirs.average if theirs else None,
                float(f"{ours.insight_average:.6g}") if ours else None,
                chance_in_words(ours.false_per_week) if ours else None,
            ]
        )
    return names, rows


def type_in_words(insight: Insight) -> str:
    """`ApiCallRate`, `ApiErrorRate`, `PrincipalReadRate`; a fall and a change of level say so."""
    name = insight.insight_type.removesuffix("Insight").removeprefix("Trailql")
    return name + {"fall": " falls", "level": " rises"}.get(insight.way, "")


def what_in_words(insight: Insight) -> str:
    """`ec2:RunInstances`, with the error; or the principal; of a whole Region what is counted."""
    if insight.principal:
        return insight.principal.split(":")[-1]
    if not insight.event_name:
        return kind_of_type(insight.insight_type).unit
    api = f"{(insight.event_source or '').removesuffix('.amazonaws.com')}:{insight.event_name}"
    return f"{api} {insight.error_code}" if insight.error_code else api


def _calls(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def _duration(minutes: int) -> str:
    if minutes % 1440 == 0:
        return f"{minutes // 1440} d"
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def chance_in_words(per_week: float) -> str:
    """How often a week would bring it: `once in 12 weeks`."""
    weeks = 1 / max(per_week, 1e-12)
    if weeks < 100:
        return f"once in {weeks:.2g} weeks"
    return f"once in {weeks / 52:,.0f} years" if weeks < 52_000 else "never"
