"""A framework's monitoring controls as Markdown, JSON or a page of HTML."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from trailql.report.text import iso, visible

if TYPE_CHECKING:
    from trailql.detect.compliance import Compliance, Control

_SHOWN = 20
_HEADS = ("last event (UTC)", "detection", "account", "actor", "events")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: #1b1f24; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem; vertical-align: top; }
tr { border-bottom: 1px solid #d8dee4; } td.number { text-align: right; }
.pass { color: #116329; } .attention { color: #9a6700; font-weight: 600; } .none { color: #57606a; }
code { font-size: 13px; overflow-wrap: anywhere; }
"""


def compliance_markdown(found: Compliance) -> str:
    """The controls as one table, and below it what needs attention."""
    lines = [
        f"# {found.title}: monitoring",
        "",
        _about(found),
        "",
        "| control | | state | events |",
        "| --- | --- | --- | ---: |",
    ]
    lines += [f"| {each.number} | {each.title} | {_state(each)} | {each.events:,} |" for each in found.controls]
    for each in found.controls:
        if each.findings:
            lines += ["", f"## {each.number} {each.title}", ""]
            lines += ["| last event (UTC) | detection | account | actor | events |", "| --- | --- | --- | --- | ---: |"]
            lines += ["| " + " | ".join(_cells(each, row)) + " |" for row in range(min(len(each.findings), _SHOWN))]
            lines += _more(each)
    return "\n".join(lines) + "\n"


def compliance_json(found: Compliance) -> str:
    """Framework, window and controls, each with its findings' main fields."""
    document: dict[str, Any] = {
        "framework": found.framework,
        "title": found.title,
        "since": iso(found.since) if found.since else None,
        "until": iso(found.until) if found.until else None,
        "management_events": found.management_events,
        "controls": [
            {
                "control": each.number,
                "title": each.title,
                "state": each.state,
                "events": each.events,
                "excepted_findings": each.excepted,
                "disabled_detections": list(each.disabled),
                "detections": list(each.detections),
                "findings": [
                    {
                        "detection": finding.id,
                        "severity": finding.severity.name.lower(),
                        "first_event_time": iso(finding.first_event_time),
                        "last_event_time": iso(finding.last_event_time),
                        "account": finding.account,
                        "actor": finding.actor,
                        "event_ids": list(finding.event_ids),
                        "fingerprint": finding.fingerprint,
                    }
                    for finding in each.findings
                ],
            }
            for each in found.controls
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def compliance_html(found: Compliance) -> str:
    """A page that needs nothing else; whatever comes from a log is escaped."""
    rows = "".join(
        f'<tr><td>{each.number}</td><td>{escape(each.title)}</td><td class="{_class(each)}">{_state(each)}</td>'
        f'<td class="number">{each.events:,}</td></tr>\n'
        for each in found.controls
    )
    parts = []
    for each in found.controls:
        if each.findings:
            cells = "".join(
                "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _values(each, row)) + "</tr>\n"
                for row in range(min(len(each.findings), _SHOWN))
            )
            heads = "".join(
                f"<th>{head}</th>" for head in ("last event (UTC)", "detection", "account", "actor", "events")
            )
            more = "".join(f"<p>{escape(line)}</p>" for line in _more(each) if line)
            parts.append(
                f"<h2>{each.number} {escape(each.title)}</h2>\n<table><tr>{heads}</tr>\n{cells}</table>{more}\n"
            )
    title = escape(f"{found.title}: monitoring")
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    meta += '<meta name="viewport" content="width=device-width">'
    head = f'<meta charset="utf-8">{meta}<title>{title}</title><style>{_STYLE}</style>'
    overview = f"<table><tr><th>control</th><th></th><th>state</th><th>events</th></tr>\n{rows}</table>"
    body = f"<h1>{title}</h1>\n<p>{escape(_about(found))}</p>\n{overview}\n{''.join(parts)}"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}</body></html>\n'


def _about(found: Compliance) -> str:
    since = f"from {iso(found.since)}" if found.since else "from the beginning"
    until = f"to {iso(found.until)}" if found.until else "to the end"
    return (
        f"{found.management_events:,} management events {since} {until}. "
        "pass: no such event; attention: events to look at; no data: the lake holds no management events in that time."
    )


def _values(control: Control, row: int) -> list[str]:
    finding = control.findings[row]
    events = int(finding.numbers.get("calls") or len(finding.event_ids))
    values = [
        iso(finding.last_event_time).replace("T", " ").removesuffix("Z"),
        finding.id,
        finding.account or "",
        finding.actor or "",
        f"{events:,}",
    ]
    return [visible(each) for each in values]


def _cells(control: Control, row: int) -> list[str]:
    return [each.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for each in _values(control, row)]


def _more(control: Control) -> list[str]:
    rest = len(control.findings) - _SHOWN
    return ["", f"and {rest:,} more: trailql detect {' '.join(control.detections)}"] if rest > 0 else []


def _state(control: Control) -> str:
    """The state, and what the user's own tuning has kept out of it."""
    said = [f"{control.excepted:,} excepted"] if control.excepted else []
    said += [f"{len(control.disabled):,} of {len(control.detections):,} detections off"] if control.disabled else []
    return control.state + (f" ({', '.join(said)})" if said else "")


def _class(control: Control) -> str:
    return {"pass": "pass", "attention": "attention"}.get(control.state, "none")
