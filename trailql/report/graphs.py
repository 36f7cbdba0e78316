"""The session graph for machines and for drawing: rows, one JSON document, Graphviz, Mermaid."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

from trailql.forensics.graph import Edge, Node, Trace
from trailql.report.rows import Format, terminal_width, write_objects, write_text, write_values
from trailql.report.text import iso, plain, visible
from trailql.report.tree import api_text, clock, tree_text, who

_MOST_APIS = 10
NODE_COLUMNS = (
    "id",
    "kind",
    "principal",
    "account",
    "access_keys",
    "role",
    "source_identity",
    "first_event_time",
    "last_event_time",
    "calls",
    "errors",
    "regions",
    "source_ips",
    "user_agents",
    "apis",
    "depth",
    "asked",
    "notes",
    "minted_by",
)
"""The promise for json, jsonl and csv: columns are added at the end, not renamed."""


class GraphFormat(StrEnum):
    """Forms of a trace."""

    TREE = "tree"
    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    MD = "md"
    DOT = "dot"
    MERMAID = "mermaid"


def write_trace(trace: Trace, format: GraphFormat, output: Path | None, *, unfolded: bool = False) -> None:
    """Write a trace to a file, or to standard output; for `unfolded` see `tree_text`."""
    match format:
        case GraphFormat.TREE:
            write_text(tree_text(trace, width=None if output else terminal_width(), unfolded=unfolded), output)
        case GraphFormat.DOT:
            write_text(dot_text(trace), output)
        case GraphFormat.MERMAID:
            write_text(mermaid_text(trace), output)
        case GraphFormat.JSON:
            write_objects(trace_object(trace), Format.JSON, output)  # type: ignore[arg-type]
        case GraphFormat.TABLE | GraphFormat.MD:
            write_values(*_short_rows(trace), Format(format.value), output, whole=("access keys",))
            for note in trace.notes:
                print(visible(f"note: {note}"), file=sys.stderr)
        case _:
            rows = [[_full(trace, node)[name] for name in NODE_COLUMNS] for node in trace.nodes]
            write_values(NODE_COLUMNS, rows, Format(format.value), output)


def trace_object(trace: Trace) -> dict[str, Any]:
    """The whole graph as JSON can hold it."""
    return {
        "asked": trace.asked,
        "kind": trace.kind,
        "since": iso(trace.since) if trace.since else None,
        "until": iso(trace.until) if trace.until else None,
        "nodes": [{name: plain(value) for name, value in _full(trace, node).items()} for node in trace.nodes],
        "edges": [{name: plain(value) for name, value in _edge(edge).items()} for edge in trace.edges],
        "notes": list(trace.notes),
    }


def _full(trace: Trace, node: Node) -> dict[str, Any]:
    apis = [
        {
            "eventSource": api.service,
            "eventName": api.name,
            "calls": api.calls,
            "errors": api.errors,
            "read": api.is_read,
            "subjects": list(api.subjects),
        }
        for api in node.apis
    ]
    values: tuple[Any, ...] = (
        node.id,
        node.kind,
        node.principal,
        node.account,
        list(node.access_keys),
        node.role,
        node.source_identity,
        node.first,
        node.last,
        node.calls,
        node.errors,
        list(node.regions),
        [{"source_ip": ip, "calls": calls} for ip, calls in node.ips],
        node.user_agents,
        apis,
        node.depth,
        node.is_asked,
        list(node.notes),
        [_edge(edge) for edge in trace.edges_into(node.id)],
    )
    return dict(zip(NODE_COLUMNS, values, strict=True))


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "source": edge.source,
        "target": edge.target,
        "name": edge.name,
        "event_id": edge.event_id,
        "event_time": edge.time,
        "region": edge.region,
        "source_ip": edge.source_ip,
        "accounts": list(edge.accounts),
        "shared_event_id": edge.shared_event_id,
        "detail": edge.detail,
    }


def _short_rows(trace: Trace) -> tuple[list[str], list[list[Any]]]:
    names = ["step", "kind", "who", "access keys", "first (UTC)", "last (UTC)", "calls", "errors", "from", "minted by"]
    rows = []
    for node in trace.nodes:
        minted = [f"{edge.name} {clock(edge.time)}" for edge in trace.edges_into(node.id) if edge.time]
        rows.append(
            [
                node.depth,
                node.kind,
                who(node.principal),
                ", ".join(node.access_keys),
                clock(node.first) if node.first else "",
                clock(node.last) if node.last else "",
                node.calls,
                node.errors,
                ", ".join(ip for ip, _ in node.ips[:2]) + (" …" if len(node.ips) > 2 else ""),
                minted[0] if minted else "",
            ]
        )
    return names, rows


def dot_text(trace: Trace) -> str:
    """The graph for Graphviz."""

    def quoted(text: str) -> str:
        return '"' + visible(text).replace("\\", "\\\\").replace('"', '\\"') + '"'

    def lined(lines: list[str]) -> str:
        return '"' + "\\n".join(quoted(line)[1:-1] for line in lines) + '"'

    shapes = {"key": "box", "session": "box", "service": "hexagon"}
    lines = ["digraph trace {", "  rankdir=LR;", '  node [fontname="sans-serif", fontsize=10];']
    numbers = {node.id: f"n{number}" for number, node in enumerate(trace.nodes)}
    for node in trace.nodes:
        style = ', style=filled, fillcolor="#ffe9b0"' if node.is_asked else ""
        shape = shapes.get(node.kind, "ellipse")
        lines.append(f"  {numbers[node.id]} [label={lined(_label(node))}, shape={shape}{style}];")
    for edge in trace.edges:
        label = lined([edge.name, *([clock(edge.time)] if edge.time else [])])
        lines.append(f"  {numbers[edge.source]} -> {numbers[edge.target]} [label={label}];")
    return "\n".join([*lines, "}"]) + "\n"


def mermaid_text(trace: Trace) -> str:
    """The graph for Mermaid, as GitHub and wikis draw it."""

    def quoted(lines: list[str]) -> str:
        safe = [visible(line).replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;") for line in lines]
        return '"' + "<br/>".join(line.replace("`", "'").replace("#", "&num;") for line in safe) + '"'

    lines = ["flowchart LR"]
    numbers = {node.id: f"n{number}" for number, node in enumerate(trace.nodes)}
    for node in trace.nodes:
        left, right = ("[", "]") if node.kind in ("key", "session") else ("([", "])")
        lines.append(f"  {numbers[node.id]}{left}{quoted(_label(node))}{right}")
    for edge in trace.edges:
        label = quoted([edge.name, *([clock(edge.time)] if edge.time else [])])
        lines.append(f"  {numbers[edge.source]} -->|{label}| {numbers[edge.target]}")
    asked = [numbers[node.id] for node in trace.nodes if node.is_asked]
    if asked:
        lines += ["  classDef asked fill:#ffe9b0", f"  class {','.join(asked)} asked"]
    return "\n".join(lines) + "\n"


def _label(node: Node) -> list[str]:
    lines = [f"{node.kind} {node.access_keys[0]}"] if node.access_keys else []
    lines.append(who(node.principal, None if node.access_keys else node.kind))
    if node.calls:
        lines.append(f"{node.calls:,} calls" + (f", {node.errors:,} failed" if node.errors else ""))
        changes = [api for api in node.apis if not api.is_read]
        lines += [", ".join(map(api_text, changes[:3])) + (" …" if changes[3:] else "")] if changes else []
    return lines
