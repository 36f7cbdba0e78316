"""A case as Markdown: the same without the script, for wikis, tickets and version control."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from trailql.report import case_words as words
from trailql.report.coverage import By, coverage_text
from trailql.report.curve import insight_facts
from trailql.report.matrix import attack_matrix
from trailql.report.text import as_text, count_of, visible
from trailql.report.timeline import entry_cells
from trailql.report.tree import tree_text

if TYPE_CHECKING:
    from trailql.cases.case import Case

_MOST_LINES = 1000
_MOST_FILES = 20_000
_SPECIAL = re.compile(r"[\\`*\[\]<>|~]|(?<=\s)_|_(?=\s)|^[#+=-]|^(?=\d+[.)]\s)")


def case_markdown(case: Case) -> str:
    """
    The case; nothing from a log becomes a link, an image, HTML or a column.
    """
    parts = [
        f"# {_text(case.scope.title)}",
        _list(words.head_facts(case)),
        "## Findings",
        ", ".join(f"{count:,} {name}" for name, count in words.severity_counts(case.findings).items()),
        *_findings(case),
        "## ATT&CK",
        _matrix(case),
        "## Timeline",
        _timeline(case),
        "## Sessions",
        *_sessions(case),
        "## Sources",
        _table(*words.address_cells(case)),
        "## Insights",
        *_insights(case),
        "## Coverage and integrity",
        _fenced(coverage_text(case.coverage, By.GAP, limit=_MOST_LINES, chart=False)),
        _table(*words.region_cells(case)),
        *map(_text, [*words.uncovered_sentences(case), *words.integrity_sentences(case)]),
        _unread(case),
        "## Evidence",
        _evidence(case),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _text(value: Any) -> str:
    """Text that stays text: what Markdown would read as its own is escaped."""
    return _SPECIAL.sub(lambda found: "&lt;" if found[0] == "<" else "\\" + found[0], visible(as_text(value)))


def _list(facts: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- {_text(name)}: {_text(told)}" for name, told in facts if told)


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [names, ["---"] * len(names)]
    told = ["| " + " | ".join(line) + " |" for line in lines]
    for row in rows:
        cells = [f"{value:,}" if isinstance(value, int) else _text(value) for value in row]
        told.append("| " + " | ".join(cells) + " |")
    return "\n".join(told)


def _fenced(text: str) -> str:
    """A block that the text itself cannot end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}text\n{text.strip()}\n{fence}"


def _findings(case: Case) -> list[str]:
    parts = []
    for each in case.findings:
        parts += [f"### {each.severity.name}: {_text(each.title)}", _list(words.finding_facts(each))]
    return parts or [f"None, of {count_of(len(case.detections), 'detection')} that ran."]


def _matrix(case: Case) -> str:
    rows = [
        [tactic, f"{each.id} {each.name}", each.findings]
        for tactic, row in attack_matrix(case.detections, case.findings).items()
        for each in row
        if each.findings
    ]
    return _table(["tactic", "technique", "findings"], rows) if rows else "No technique was found."


def _timeline(case: Case) -> str:
    rows = [entry_cells(entry) for entry in case.timeline]
    left = count_of(case.timeline_left_out, "line")
    told = f"\n\n{left} more are left out here, reads first: the JSON form has them." if case.timeline_left_out else ""
    return _table(["time (UTC)", "who", "from", "what", "about"], rows) + told


def _sessions(case: Case) -> list[str]:
    parts = [part for each in case.traces for part in (f"### {_text(each.asked)}", _fenced(tree_text(each)))]
    return parts or ["No finding of medium severity or above names an actor whose credentials are in the lake."]


def _insights(case: Case) -> list[str]:
    parts = []
    for insight, _ in case.insights:
        title, *facts = insight_facts(insight)
        parts += [f"### {_text(title)}", *map(_text, filter(None, facts))]
    return parts or ["No unusual rates." if case.insights_tested else "There was too little to compare with."]


def _unread(case: Case) -> str:
    rows = [[each.uri, each.status, each.integrity or "", each.reason or ""] for each in case.unread]
    return _table(["file not read, or not as signed", "status", "integrity", "why"], rows) if rows else ""


def _evidence(case: Case) -> str:
    files = case.files[:_MOST_FILES]
    keys = ["uri", "size_bytes", "sha256_stored", "sha256_content", "status"]
    names = ["file", "bytes", "SHA-256 as stored", "SHA-256 of the content", "status"]
    more = case.files_total - len(files)
    told = f"\n\n… and {more:,} more: the JSON form and trailql lake manifest have all." if more else ""
    head = f"{words.HANDLING} SHA-256 of the manifest: {case.manifest_sha256}."
    return f"{_text(head)}\n\n" + _table(names, ([each.get(key) for key in keys] for each in files)) + told
