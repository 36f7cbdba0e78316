"""The session graph as a tree for the terminal: origin first, what came of it below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from trailql.forensics.graph import Api, Edge, Node, Trace, by_frequency
from trailql.report.table import cells_of, fold
from trailql.report.text import count_of, iso, visible

WIDTH = 100
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_MOST_ALIKE = 3
"""More siblings of a kind that lead nowhere share one place."""
_MOST_CHANGES = 20
_MOST_READS = 6
_MOST_SUBJECTS = 3
_MOST_IPS = 5
_OWN_WORDS = {"owns": "", "invoked": "calls that AWS services made for it", "instance role": "instance role"}


def tree_text(trace: Trace, *, width: int | None = None, unfolded: bool = False) -> str:
    """
    A trace as a tree.

    Args:
        trace: The graph; a node with two origins is drawn under the first and named under the others.
        width: Columns to fold lines into; 100 without.
        unfolded: Every session in a place of its own.
    """
    drawing = _Drawing(trace, width or WIDTH, unfolded)
    blocks = ["\n".join(drawing.lines_of_root(node)) for node in drawing.roots()]
    notes = [visible(f"note: {note}") for note in trace.notes]
    if notes:
        blocks.append("\n".join(notes))
    return "\n\n".join(blocks) + "\n" if blocks else ""


@dataclass(frozen=True, slots=True)
class _Branch:
    """One place in the tree: an edge and its node, or several alike."""

    edges: tuple[Edge, ...]
    nodes: tuple[Node, ...]


class _Drawing:
    """A tree while it is drawn; remembers what has been."""

    def __init__(self, trace: Trace, width: int, unfolded: bool) -> None:
        self._trace = trace
        self._width = width
        self._unfolded = unfolded
        self._nodes = {node.id: node for node in trace.nodes}
        self._from: dict[str, list[Edge]] = {}
        for edge in trace.edges:
            self._from.setdefault(edge.source, []).append(edge)
        self._drawn: set[str] = set()

    def roots(self) -> Iterator[Node]:
        """Nodes nothing leads to, the earliest first; then whatever lies on a circle."""
        targets = {edge.target for edge in self._trace.edges}
        tops = [node for node in self._trace.nodes if node.id not in targets]
        yield from sorted(tops, key=lambda node: (self._begins(node.id, set()), node.id))
        for node in self._trace.nodes:
            if node.id not in self._drawn:
                yield node

    def _begins(self, id: str, seen: set[str]) -> str:
        seen.add(id)
        node = self._nodes[id]
        own = [iso(node.first)] if node.first else []
        below = [self._begins(edge.target, seen) for edge in self._from.get(id, ()) if edge.target not in seen]
        return min([*own, *below], default="~")

    def lines_of_root(self, node: Node) -> list[str]:
        self._drawn.add(node.id)
        return [*self._folded(_head(node), "", ""), *self._body((node,), "", bool(self._from.get(node.id)))]

    def _body(self, nodes: tuple[Node, ...], indent: str, has_children: bool) -> Iterator[str]:
        stem = indent + ("│  " if has_children else "   ")
        for line in _said(nodes):
            yield from self._folded(line, stem, stem + "  ")
        if len(nodes) == 1:
            yield from self._children(nodes[0], indent)

    def _children(self, node: Node, indent: str) -> Iterator[str]:
        branches = self._branches(node)
        for number, branch in enumerate(branches):
            is_last = number == len(branches) - 1
            below = indent + ("   " if is_last else "│  ")
            again = len(branch.nodes) == 1 and branch.nodes[0].id in self._drawn
            head = _heads(branch) + ("  (drawn above)" if again else "")
            first = indent + ("└─ " if is_last else "├─ ")
            for text in filter(None, [_edge_line(branch), head]):
                yield from self._folded(text, first, below + "  ")
                first = below
            if not again:
                self._drawn |= {each.id for each in branch.nodes}
                leads_on = len(branch.nodes) == 1 and bool(self._from.get(branch.nodes[0].id))
                yield from self._body(branch.nodes, below, leads_on)

    def _branches(self, node: Node) -> list[_Branch]:
        groups: dict[tuple[str, ...], list[Edge]] = {}
        for edge in self._from.get(node.id, ()):
            target = self._nodes[edge.target]
            is_alone = self._unfolded or edge.target in self._from or target.kind != "session"
            alike = ("", edge.target) if is_alone else (edge.name, target.role or target.principal, *target.notes)
            groups.setdefault(alike, []).append(edge)
        branches = []
        for edges in groups.values():
            parts = [edges] if len(edges) > _MOST_ALIKE else [[edge] for edge in edges]
            branches += [_Branch(tuple(part), tuple(self._nodes[edge.target] for edge in part)) for part in parts]
        return sorted(branches, key=_when)

    def _folded(self, text: str, first: str, rest: str) -> Iterator[str]:
        text = visible(text)
        if not text:
            return
        for number, line in enumerate(fold(text, max(self._width - cells_of(rest), 30))):
            yield ((first if not number else rest) + line.strip()).rstrip()


def _when(branch: _Branch) -> tuple[str, str]:
    edge, node = branch.edges[0], branch.nodes[0]
    time = edge.time or node.first
    return iso(time) if time else "~", node.id


def _edge_line(branch: _Branch) -> str:
    edge = branch.edges[0]
    if edge.name in _OWN_WORDS:
        return _OWN_WORDS[edge.name]
    if len(branch.edges) > 1:
        times = [each.time for each in branch.edges if each.time]
        return f"{edge.name} ×{len(branch.edges):,}" + (f", {span(min(times), max(times))}" if times else "")
    parts = [edge.name, clock(edge.time) if edge.time else "", f"from {edge.source_ip}" if edge.source_ip else ""]
    text = " ".join(filter(None, parts))
    if edge.detail:
        text += f": {edge.detail}"
    if len(edge.accounts) > 1:
        text += f"; recorded in {' and '.join(edge.accounts)}"
    return text + (f"  {edge.event_id}" if edge.event_id else "")


def _heads(branch: _Branch) -> str:
    if len(branch.nodes) == 1:
        return _head(branch.nodes[0])
    node = branch.nodes[0]
    names = sorted({each.principal.rsplit("/", 1)[-1] for each in branch.nodes if ":assumed-role/" in each.principal})
    named = f" ({', '.join(names[:3])}{f' and {len(names) - 3:,} more' if len(names) > 3 else ''})" if names else ""
    asked = "  ◀ asked for" if any(each.is_asked for each in branch.nodes) else ""
    return f"{len(branch.nodes):,} sessions of {who(node.role or node.principal)}{named}{asked}"


def _head(node: Node) -> str:
    asked = "  ◀ asked for" if node.is_asked else ""
    if node.kind not in ("key", "session"):
        account = f" ({node.account})" if node.account and node.kind in ("user", "role") else ""
        return f"{who(node.principal, node.kind)}{account}{asked}"
    keys = ", ".join(node.access_keys[:2]) + (
        f" and {len(node.access_keys) - 2:,} more" if node.access_keys[2:] else ""
    )
    word = {"key": "access key", "session": "session"}[node.kind]
    return f"{word} {keys} of {who(node.principal)}{asked}".replace("  of", " of")


def who(principal: str, kind: str | None = None) -> str:
    """A principal in a few words: `user web-developer`, `role ops-lead/ops-engineer`, `root of 111122223333`."""
    parts = principal.split(":", 5)
    if len(parts) == 3 and parts[0] == "user":  # of a failed sign-in, which has no ARN
        return "user (name hidden)" if parts[2] == _HIDDEN else f"user {parts[2]}"
    if len(parts) < 6 or parts[0] != "arn":
        return f"{kind} {principal}" if kind else principal or "nobody named"
    if parts[5] == "root":
        return f"root of {parts[4]}"
    word, _, name = parts[5].partition("/")
    if word in ("user", "role"):
        return f"{word} {name.rsplit('/', 1)[-1]}"
    return f"{ {'assumed-role': 'role', 'federated-user': 'federated user'}.get(word, word) } {name}"


def _said(nodes: Sequence[Node]) -> Iterator[str]:
    """What was done, and what could not be followed."""
    node = nodes[0] if len(nodes) == 1 else _together(nodes)
    if node.first and node.last:
        failed = f", {node.errors:,} failed" if node.errors else ""
        ips = [ip or "nowhere" for ip, _ in node.ips]
        more = f" and {len(ips) - _MOST_IPS:,} more" if len(ips) > _MOST_IPS else ""
        yield f"{span(node.first, node.last)}: {count_of(node.calls, 'call')}{failed}; " + "; ".join(
            [_regions(node.regions), ", ".join(ips[:_MOST_IPS]) + more, count_of(node.user_agents, "user agent")]
        )
    changes = [api for api in node.apis if not api.is_read]
    reads = [api for api in node.apis if api.is_read]
    if changes:
        yield f"changed: {_apis(changes, _MOST_CHANGES)}"
    if reads:
        yield f"read: {_apis(reads, _MOST_READS)}"
    if node.source_identity:
        yield f"source identity: {node.source_identity}"
    for note in node.notes:
        yield f"! {note}"


def _together(nodes: Sequence[Node]) -> Node:
    """What several did, added up."""
    ips: dict[str, int] = {}
    apis: dict[tuple[str, str], Api] = {}
    for node in nodes:
        for ip, calls in node.ips:
            ips[ip] = ips.get(ip, 0) + calls
        for api in node.apis:
            had = apis.get((api.service, api.name), replace(api, calls=0, errors=0))
            apis[api.service, api.name] = Api(
                api.service,
                api.name,
                had.calls + api.calls,
                had.errors + api.errors,
                had.is_read and api.is_read,
            )
    return replace(
        nodes[0],
        first=min((node.first for node in nodes if node.first), default=None),
        last=max((node.last for node in nodes if node.last), default=None),
        calls=sum(node.calls for node in nodes),
        errors=sum(node.errors for node in nodes),
        regions=tuple(sorted({region for node in nodes for region in node.regions})),
        ips=by_frequency(list(ips.items())),
        user_agents=max(node.user_agents for node in nodes),
        apis=tuple(sorted(apis.values(), key=lambda api: (-api.calls, api.service, api.name))),
    )


def _regions(regions: Sequence[str]) -> str:
    return ", ".join(regions) if len(regions) <= 4 else f"{len(regions)} Regions"


def _apis(apis: Sequence[Api], most: int) -> str:
    shown = ", ".join(map(api_text, apis[:most]))
    return shown + (f" and {len(apis) - most:,} more APIs" if len(apis) > most else "")


def api_text(api: Api) -> str:
    """`TerminateInstances ×9 (2 failed)`, `AttachUserPolicy [build-bot, AdministratorAccess]`."""
    times = f" ×{api.calls:,}" if api.calls > 1 else ""
    failed = "" if not api.errors else " (failed)" if api.errors == api.calls else f" ({api.errors:,} failed)"
    left = len(api.subjects) - _MOST_SUBJECTS
    more = f" and {left:,} more" if left > 0 else ""
    about = f" [{', '.join(api.subjects[:_MOST_SUBJECTS])}{more}]" if api.subjects else ""
    return f"{api.name}{times}{failed}{about}"


def clock(moment: datetime) -> str:
    """`2026-10-15 03:11:53`."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def span(first: datetime, last: datetime) -> str:
    """Two times; the day once when it is the same."""
    if first == last:
        return clock(first)
    return f"{clock(first)} to {f'{last:%H:%M:%S}' if first.date() == last.date() else clock(last)}"
