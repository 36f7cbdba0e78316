"""What a case says in words, whichever form it is printed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trailql.report.text import as_text, count_of, iso
from trailql.report.tree import who

if TYPE_CHECKING:
    from trailql.cases.case import Case, FileCount
    from trailql.detect.finding import Finding

_MOST_IDS = 20
_MOST_TEXT = 600
_NAMES_SHOWN = 12
HANDLING = (
    "Made from the lake alone, by reading: no log file and nothing of the lake was opened for writing. "
    "The lake was made from the log files listed as evidence; their hashes were taken when they were read."
)


def minute(moment: datetime | None) -> str:
    """`2026-10-15 03:11:53`, UTC."""
    return iso(moment)[:19].replace("T", " ") if moment else ""


def head_facts(case: Case) -> list[tuple[str, str]]:
    """What was asked, of what, and how much there is."""
    scope, figures = case.scope, case.figures
    since = minute(scope.since) or "the beginning"
    until = minute(scope.until) or "the end"
    return [
        ("Window (UTC)", f"{since} to {until}"),
        ("Lake", scope.lake),
        ("Accounts asked for", ", ".join(map(case.account, scope.accounts)) or "all"),
        ("Events", f"{figures.events:,}, {figures.failed:,} of them failed"),
        ("First event (UTC)", minute(figures.first) or "none"),
        ("Last event (UTC)", minute(figures.last) or "none"),
        ("Accounts", _named([case.account(each) for each in figures.accounts])),
        ("Regions", _named(figures.regions)),
        ("Principals", f"{figures.principals:,}"),
        ("Source addresses", f"{figures.addresses:,}"),
        ("Made at (UTC)", minute(scope.made_at)),
        ("Made by", f"trailql {scope.version}"),
        ("Command", scope.command),
        ("SHA-256 of the manifest", case.manifest_sha256),
    ]


def severity_counts(findings: Sequence[Finding]) -> dict[str, int]:
    """How many of each, the most severe first; all five."""
    from trailql.detect.finding import Severity

    names = [each.name.lower() for each in sorted(Severity, reverse=True)]
    return {name: sum(each.severity.name.lower() == name for each in findings) for name in names}


def finding_facts(finding: Finding) -> list[tuple[str, str]]:
    """Everything about a finding but its title and severity, as label and text."""
    from trailql.detect.attack import technique_name

    same = finding.first_event_time == finding.last_event_time
    when = minute(finding.first_event_time) + ("" if same else f" to {minute(finding.last_event_time)}")
    ids = finding.event_ids[:_MOST_IDS]
    more = f" and {len(finding.event_ids) - len(ids):,} more" if len(finding.event_ids) > len(ids) else ""
    numbers = [(name, _cut(as_text(value))) for name, value in finding.numbers.items() if value is not None]
    known = [(name.replace("_", " "), _cut(value)) for name, value in finding.enrichment.items()]
    return [
        ("When (UTC)", when),
        ("Who", finding.actor or "unknown"),
        ("Where", f"{finding.account or 'unknown account'}, {finding.region or 'several Regions'}"),
        ("From", finding.source_ip or "several addresses"),
        *known,
        ("ATT&CK", ", ".join(f"{each} {technique_name(each.partition('.')[0])}" for each in finding.attack)),
        *numbers,
        ("Events", ", ".join(ids) + more),
        ("Detection", finding.id),
        ("Fingerprint", finding.fingerprint),
    ]


def finding_line(finding: Finding) -> str:
    """`2026-10-15 03:15:02, user web-developer, 444455556666 us-east-1, 203.0.113.66`."""
    account = finding.enrichment.get("account_name") or finding.account or ""
    where = f"{account} {finding.region or 'several Regions'}".strip()
    actor = who(finding.actor) if finding.actor else ""
    return ", ".join(filter(None, [minute(finding.last_event_time), actor, where, finding.source_ip]))


def calls_of(finding: Finding) -> int:
    """How many events are behind it."""
    calls = finding.numbers.get("calls")
    return calls if isinstance(calls, int) else len(finding.event_ids)


def integrity_sentences(case: Case) -> list[str]:
    """What is known about the log files, and what is not."""
    counts = case.file_counts
    if not counts:
        return ["The lake's ledger is empty: no log file was read."]
    verified = sum(each.files for each in counts if each.integrity)
    total = sum(each.files for each in counts)
    said = [f"{count_of(total, 'log file')} in the ledger: {_by(counts, 'status')}."]
    if verified:
        said.append(f"Verified against CloudTrail's digest files: {_by(counts, 'integrity')}.")
    else:
        said.append(
            "The log files have not been verified against CloudTrail's digest files: trailql verify --lake does that."
        )
    if aside := sum(each.records_set_aside for each in counts):
        said.append(f"{count_of(aside, 'record')} in them are no events, and were set aside as text.")
    return said


def uncovered_sentences(case: Case) -> list[str]:
    """What the case cannot speak of."""
    said = list(case.notes)
    if not case.insights_tested:
        said.append("No account had seven days of history to compare with: unusual rates could not be looked for.")
    if case.excepted:
        said.append(f"{count_of(case.excepted, 'finding')} set apart by exceptions of trailql.toml are not shown.")
    if case.actors_left_out:
        said.append(f"{count_of(case.actors_left_out, 'more actor')} of findings have no session graph here.")
    if case.timeline_left_out:
        said.append(f"{count_of(case.timeline_left_out, 'line')} of the timeline are left out, reads first.")
    return said


def address_cells(case: Case) -> tuple[list[str], list[list[Any]]]:
    """Addresses as rows; what is known beside the logs is a column where anything is."""
    names = ["address", "events", "failed", "first (UTC)", "last (UTC)", "principals", "user agents"]
    is_known = any(each.known for each in case.addresses)
    return [names[0], *(["known"] if is_known else []), *names[1:]], [
        [
            each.address + (" ▲" if each.is_in_finding else ""),
            *([_known(each.known)] if is_known else []),
            each.events,
            each.failed,
            minute(each.first),
            minute(each.last),
            _few([who(name) for name in each.principals], each.principal_count),
            _few([_cut(name, 120) for name in each.user_agents], each.user_agent_count),
        ]
        for each in case.addresses
    ]


def region_cells(case: Case) -> tuple[list[str], list[list[Any]]]:
    """What was delivered from each account and Region."""
    names = ["account", "region", "days", "files", "events", "rejected", "gap_hours", "first_delivery", "last_delivery"]
    heads = ["account", "Region", "days", "files", "events", "rejected", "missing hours", "first (UTC)", "last (UTC)"]
    columns = [case.coverage.regions.column(name).to_pylist() for name in names]
    rows = [list(row) for row in zip(*columns, strict=True)]
    told = [[minute(value) if isinstance(value, datetime) else value for value in row] for row in rows]
    return heads, [[case.account(row[0]) or "unknown", row[1] or "unknown", *row[2:]] for row in told]


def _known(known: Mapping[str, str]) -> str:
    """`office`, `AWS EC2 eu-west-1`, `Nuremberg, DE; AS64500 Example`."""
    place = ", ".join(filter(None, [known.get("city"), known.get("country")]))
    owner = " ".join(filter(None, [known.get("asn"), known.get("as_name")]))
    aws = f"AWS {known['aws_service']} {known['aws_region']}".strip() if "aws_service" in known else ""
    return "; ".join(_cut(each, 120) for each in (known.get("network", ""), aws, place, owner) if each)


def _by(counts: Sequence[FileCount], what: str) -> str:
    found: dict[str, int] = {}
    for each in counts:
        name = getattr(each, what) or "not judged"
        found[name] = found.get(name, 0) + each.files
    return ", ".join(f"{files:,} {name}" for name, files in found.items())


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN:,} more" if len(names) > _NAMES_SHOWN else ""
    return f"{len(names):,}" + (f": {', '.join(names[:_NAMES_SHOWN])}{more}" if names else "")


def _few(names: Sequence[str], count: int) -> str:
    unique = list(dict.fromkeys(names))
    more = f"; {count - len(names):,} more" if count > len(names) else ""
    return "; ".join(unique) + more


def _cut(text: str, most: int = _MOST_TEXT) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
