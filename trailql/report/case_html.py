"""
A case as one page that needs nothing else: opens by double click, asks no network, prints.

Whatever comes from a log is escaped, and its control and direction characters are shown as `\\x1b` and `\\u202e`. The
page's policy lets nothing load and nothing run but its own style and script, named by their hashes. The timeline's rows
are data in a block that browsers do not run, and become text one by one.

Source:
    https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements
    https://www.w3.org/TR/CSP3/#match-element-to-source-list
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trailql.cases.gather import ranks
from trailql.report import case_words as words
from trailql.report.case_chart import SEVERITIES, activity_svg, step_in_words
from trailql.report.coverage import By, coverage_text
from trailql.report.curve import curve_svg, insight_facts, insight_rates
from trailql.report.matrix import attack_matrix
from trailql.report.text import as_text, count_of, json_text, visible
from trailql.report.timeline import entry_cells
from trailql.report.tree import tree_text

if TYPE_CHECKING:
    from trailql.cases.case import Case
    from trailql.detect.finding import Finding
    from trailql.forensics.timeline import Entry
    from trailql.insights.anomaly import Insight
    from trailql.insights.curve import Curve

_OPEN_FINDINGS = 200
_MOST_FINDINGS = 2000
_MOST_ADDRESSES = 500
_MOST_ROWS = 500
_MOST_IDS = 5
_TREE_WIDTH = 112
_TREE_LINES = 600
_NUMBERS = frozenset(
    {"events", "failed", "days", "files", "rejected", "missing hours", "bytes", "size_bytes", "records"}
)
_TIMES = frozenset({"first (UTC)", "last (UTC)"})
_WORDS = frozenset({"principals", "user agents", "why"})
_PARTS = (
    ("findings", "Findings"),
    ("attack", "ATT&CK"),
    ("timeline", "Timeline"),
    ("sessions", "Sessions"),
    ("sources", "Sources"),
    ("insights", "Insights"),
    ("coverage", "Coverage and integrity"),
    ("evidence", "Evidence"),
)


def case_html(case: Case) -> str:
    """The page."""
    style, script = _asset("case.css"), _asset("case.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    title = _text(case.scope.title)
    head = (
        f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n"
    )
    links = "".join(f'<a href="#{id}">{escape(name)}</a>' for id, name in _PARTS)
    made = {
        "findings": _findings(case),
        "attack": _matrix(case),
        "timeline": _timeline(case),
        "sessions": _sessions(case),
        "sources": _addresses(case),
        "insights": _insights(case),
        "coverage": _coverage(case),
        "evidence": _evidence(case),
    }
    parts = "".join(f'<section id="{id}">\n<h2>{escape(name)}</h2>\n{made[id]}\n</section>\n' for id, name in _PARTS)
    body = f"<h1>{title}</h1>\n{_facts(words.head_facts(case))}\n<nav>{links}</nav>\n{parts}<script>{script}</script>\n"
    return f'<!doctype html>\n<html lang="en">\n<head>\n{head}</head>\n<body>\n{body}</body>\n</html>\n'


def _asset(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _hash(block: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()


def _text(value: Any) -> str:
    return escape(visible(as_text(value)))


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{_text(name)}</dt><dd>{_text(told)}</dd>" for name, told in facts if told) + "</dl>"


def _paragraphs(sentences: Iterable[str], name: str = "") -> str:
    kind = f' class="{name}"' if name else ""
    return "".join(f"<p{kind}>{_text(each)}</p>" for each in sentences)


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    kinds = [f' class="{kind}"' if (kind := _kind(each)) else "" for each in names]
    heads = "".join(f"<th{kind}>{_text(name)}</th>" for name, kind in zip(names, kinds, strict=True))
    lines = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{_text(_number(value))}</td>" for value, kind in zip(row, kinds, strict=True))
        + "</tr>\n"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>\n{lines}</tbody></table></div>'


def _kind(column: str) -> str:
    """The class of a column's cells."""
    if column in _NUMBERS:
        return "number"
    if column.startswith("SHA-256"):
        return "hash"
    return "time" if column in _TIMES else "words" if column in _WORDS else "file" if column == "file" else ""


def _number(value: Any) -> Any:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value


def _findings(case: Case) -> str:
    counts = words.severity_counts(case.findings)
    tiles = "".join(
        f'<li class="{name if count else "none"}"><b>{count:,}</b>{name}</li>' for name, count in counts.items()
    )
    shown = case.findings[:_MOST_FINDINGS]
    severe = [each for each in shown if each.severity.name.lower() in SEVERITIES[:3]]
    minor = [each for each in shown if each.severity.name.lower() not in SEVERITIES[:3]]
    parts = [f'<ul class="counts">{tiles}</ul>', *(_finding(each) for each in severe)]
    if minor:
        listed = "".join(map(_finding, minor))
        told = f"{count_of(len(minor), 'finding')} of low severity or for information"
        is_open = " open" if not severe and len(minor) <= _OPEN_FINDINGS else ""
        parts.append(f'<details class="minor"{is_open}><summary>{told}</summary>{listed}</details>')
    if not shown:
        parts.append(f"<p>None, of {count_of(len(case.detections), 'detection')} that ran.</p>")
    if len(case.findings) > len(shown):
        parts.append(f"<p>… and {len(case.findings) - len(shown):,} more: the JSON form has all.</p>")
    return "\n".join(parts)


def _finding(finding: Finding) -> str:
    severity = finding.severity.name.lower()
    calls = count_of(words.calls_of(finding), "event")
    begins = words.minute(finding.first_event_time)
    return (
        f'<details class="finding"><summary><span class="badge {severity}">{severity}</span>{_text(finding.title)}'
        f'<span class="line">{_text(words.finding_line(finding))}, {calls}</span></summary>'
        f"{_facts(words.finding_facts(finding))}"
        f'<button type="button" data-time="{begins}">in the timeline</button></details>\n'
    )


def _matrix(case: Case) -> str:
    boxes = []
    for tactic, row in attack_matrix(case.detections, case.findings).items():
        found = [each for each in row if each.findings]
        quiet = [each for each in row if each.detections and not each.findings]
        items = "".join(
            f'<li class="found">{_text(each.id)} {_text(each.name)}: {each.findings:,}</li>' for each in found
        )
        names = ", ".join(_text(each.id) for each in quiet)
        rest = f'<li class="soft">quiet: {names}</li>' if quiet else ""
        looked = len(found) + len(quiet)
        boxes.append(
            f'<div class="tactic"><h3>{_text(tactic.replace("-", " "))}</h3><ul>{items}{rest}'
            f'<li class="soft">{looked:,} of {len(row):,} looked for</li></ul></div>'
        )
    about = "Techniques of ATT&CK's cloud matrix: found, with the number of findings; looked for and quiet."
    return f'<p class="soft">{escape(about)}</p><div class="tactics">{"".join(boxes)}</div>'


def _timeline(case: Case) -> str:
    chart = ""
    if case.activity:
        step = step_in_words(case.activity)
        chart = (
            f'<div class="scroll"><div class="chart">{activity_svg(case.activity, case.timeline)}</div></div>'
            f'<p class="key"><span><i class="bar">■</i> events per {step} (UTC)</span>'
            '<span><i class="failed">■</i> failed</span><span><i class="high">▲</i> findings, by severity</span>'
            '<span><i class="insight">◆</i> insights</span></p>'
        )
    about = (
        f"{count_of(case.timeline_events, 'event')} in {count_of(len(case.timeline), 'line')}, UTC: calls of one API "
        "by one principal from one address are a line while no more than five minutes lie between two of them, and so "
        "are all its reads until it changes something."
    )
    left = f" {count_of(case.timeline_left_out, 'line')} more are left out." if case.timeline_left_out else ""
    rank = ranks(case.findings)
    data = json_text([[*_line(entry, case.account(entry.account)), rank(entry)] for entry in case.timeline])
    for sign in "<>&":
        data = data.replace(sign, f"\\u{ord(sign):04x}")
    form = (
        '<form id="lines-form"><input id="lines-search" type="search" aria-label="Search the timeline" '
        'placeholder="search: name, address, key, API, event id, 2026-10-15 …">'
        '<select id="lines-kind" aria-label="Which lines"><option value="all">all lines</option>'
        '<option value="flags">findings and insights</option>'
        '<option value="behind">with what is behind them</option><option value="changes">without reads</option>'
        '<option value="reads">reads</option><option value="errors">failed</option></select>'
        '<select id="lines-account" aria-label="Account"><option value="">all accounts</option></select>'
        '<button id="lines-before" type="button">before</button><button id="lines-after" type="button">after</button>'
        '<span id="lines-told" class="soft" role="status"></span></form><p id="lines-printed"></p>'
    )
    heads = "".join(f"<th>{name}</th>" for name in ("time (UTC)", "who", "from", "what", "about", ""))
    return (
        f"{chart}<p>{_text(about + left)}</p>{form}<noscript><p>The lines need the page's own script; the Markdown and "
        "JSON forms do without.</p></noscript>"
        f'<div class="scroll"><table id="lines-table"><thead><tr>{heads}</tr></thead><tbody id="lines-body"></tbody>'
        f'</table></div>\n<script type="application/json" id="lines">{data}</script>'
    )


def _line(entry: Entry, account: str) -> list[Any]:
    """As case.js reads it: time, kind, severity, is read, errors, account, who, from, what, about, more."""
    time, actor, address, what, about = (visible(as_text(cell)) for cell in entry_cells(entry))
    more = {
        "Until": words.minute(entry.last) if entry.last != entry.first else "",
        "Principal": entry.principal or entry.actor or "",
        "Access keys": ", ".join(entry.access_keys),
        "Account, Regions": " ".join([account, *entry.regions]).strip(),
        "APIs": ", ".join(f"{service}:{name} ×{calls:,}" for service, name, calls in entry.apis),
        "Errors": ", ".join(entry.error_codes),
        "Detection" if entry.kind == "finding" else "Type": entry.id or "",
        "Events": ", ".join(entry.event_ids[:_MOST_IDS])
        + (f" and {entry.calls - _MOST_IDS:,} more" if entry.calls > _MOST_IDS < len(entry.event_ids) else ""),
    }
    details = [[name, visible(told)] for name, told in more.items() if told]
    named = [entry.kind, entry.severity or "", entry.is_read, entry.errors, visible(account)]
    return [time, *named, actor, address, what, about, details]


def _sessions(case: Case) -> str:
    if not case.traces:
        return "<p>No finding of medium severity or above names an actor whose credentials are in the lake.</p>"
    about = (
        "Of the actors of findings of medium severity and above: where their credentials came from, and what was done "
        "with them and with what they made. trailql trace tells more."
    )
    trees = []
    for trace in case.traces:
        lines = tree_text(trace, width=_TREE_WIDTH).splitlines()
        cut = [f"… and {len(lines) - _TREE_LINES:,} more lines"] if len(lines) > _TREE_LINES else []
        told = "\n".join(escape(line) for line in [*lines[:_TREE_LINES], *cut])
        trees.append(f"<article><h3>{_text(trace.asked)}</h3><pre>{told}</pre></article>")
    return f'<p class="soft">{escape(about)}</p>{"".join(trees)}'


def _addresses(case: Case) -> str:
    names, rows = words.address_cells(case)
    more = case.figures.addresses - min(len(rows), _MOST_ADDRESSES)
    told = f"<p>… and {more:,} more</p>" if more > 0 else ""
    return f'<p class="soft">▲ a finding names it.</p>{_table(names, rows[:_MOST_ADDRESSES])}{told}'


def _insights(case: Case) -> str:
    if not case.insights:
        return "<p>No unusual rates.</p>" if case.insights_tested else "<p>There was too little to compare with.</p>"
    return "".join(_insight(insight, curve) for insight, curve in case.insights)


def _insight(insight: Insight, curve: Curve | None) -> str:
    title, *facts = insight_facts(insight)
    rates = [[attribute, value, f"{rate:.4g} a minute"] for attribute, value, rate in insight_rates(insight)]
    drawn = f'<div class="scroll"><div class="curve">{curve_svg(curve)}</div></div>' if curve else ""
    table = _table(["by", "", "rate"], rates) if rates else ""
    told = f"<details><summary>who and what</summary>{table}</details>" if table else ""
    return f"<article><h3>{_text(title)}</h3>{_paragraphs([facts[0], ' '.join(facts[1:])])}{drawn}{told}</article>\n"


def _coverage(case: Case) -> str:
    missing = words.uncovered_sentences(case)
    gaps = coverage_text(case.coverage, By.GAP, limit=_MOST_ROWS, chart=False)
    names, rows = words.region_cells(case)
    counts = [[each.status, each.integrity or "not verified", each.files, each.size_bytes] for each in case.file_counts]
    parts = [
        "<h3>What was delivered</h3>",
        f"<pre>{escape(gaps.strip())}</pre>",
        _table(names, rows[:_MOST_ROWS]),
        f"<p>… and {len(rows) - _MOST_ROWS:,} more</p>" if len(rows) > _MOST_ROWS else "",
        _paragraphs(missing, "warning"),
        "<h3>Integrity</h3>",
        _paragraphs(words.integrity_sentences(case)),
        _table(["status", "integrity", "files", "bytes"], counts) if counts else "",
    ]
    if case.unread:
        unread = [[each.uri, each.status, each.integrity or "", each.reason or ""] for each in case.unread]
        parts += ["<h3>Log files that were not read, or failed verification</h3>"]
        parts += [_table(["file", "status", "integrity", "why"], unread)]
    return "\n".join(filter(None, parts))


def _evidence(case: Case) -> str:
    names = ["file", "bytes", "SHA-256 as stored", "SHA-256 of the content", "records", "status"]
    keys = ["uri", "size_bytes", "sha256_stored", "sha256_content", "records", "status"]
    rows = ([each.get(key) for key in keys] for each in case.files)
    shown = (
        f" The first {len(case.files):,} are listed; the JSON form and trailql lake manifest have all."
        if case.files_total > len(case.files)
        else ""
    )
    told = f"{words.HANDLING} The manifest is what trailql lake manifest writes; its SHA-256 is {case.manifest_sha256}."
    return (
        f"<p>{_text(told + shown)}</p>"
        f'<details id="evidence-list"><summary>{count_of(case.files_total, "log file")} of the whole lake, with their '
        f"hashes</summary>{_table(names, rows)}</details>"
    )
