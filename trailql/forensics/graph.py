"""The session graph: principals, keys and sessions, and the events that led from one to the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

KINDS = ("user", "root", "role", "service", "account", "provider", "key", "session")


@dataclass(frozen=True, slots=True)
class Api:
    """
    Calls of one API operation.

    Args:
        service: `iam.amazonaws.com`.
        name: `CreateAccessKey`.
        calls, errors: How many, and how many of them failed.
        is_read: All of them were `readOnly`.
        subjects: Names and ids in the requests, where few calls changed something.
    """

    service: str
    name: str
    calls: int
    errors: int
    is_read: bool
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """
    Somebody, or credentials.

    Args:
        id: Unique in its graph.
        kind: `key` (long-lived), `session` (temporary credentials), or whose they are: `user`, `root`, `role`,
            `service`, `account` (a caller whose own account's logs are not in the lake), `provider` (of identities).
        principal: ARN, service or account.
        account: Its account.
        access_keys: Of a key or session; a console session has several.
        created: When a session's credentials were issued, as the records write it.
        role: ARN of the role behind a session.
        source_identity: The source identity the session carries.
        first, last: Times of the first and last event in the window; None where there is none.
        calls, errors: Events, and how many of them failed.
        regions: Regions called.
        ips: Addresses and services called from, the most frequent first.
        user_agents: How many different ones.
        apis: What was called, the most frequent first.
        depth: Steps from what was asked for: 0 itself, below it towards the origin, above it what came after.
        is_asked: It is what was asked for.
        notes: What could not be followed from here, and why; and what else there is to know.
    """

    id: str
    kind: str
    principal: str
    account: str | None = None
    access_keys: tuple[str, ...] = ()
    created: str = ""
    role: str | None = None
    source_identity: str | None = None
    first: datetime | None = None
    last: datetime | None = None
    calls: int = 0
    errors: int = 0
    regions: tuple[str, ...] = ()
    ips: tuple[tuple[str, int], ...] = ()
    user_agents: int = 0
    apis: tuple[Api, ...] = ()
    depth: int = 0
    is_asked: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """
    How one led to the other.

    Args:
        source, target: Ids of nodes.
        name: The event's name, such as AssumeRole; RunInstances leads to the sessions of the instance's role; `owns`
            from a user to a key nobody was seen to make; `invoked` from a user to calls AWS services made for it.
        event_id, time, region, source_ip: Of the event; None where there is none.
        accounts: The accounts that recorded it.
        shared_event_id: Equal in their copies.
        detail: In words, such as `no MFA, after 17 failed sign-ins`.
    """

    source: str
    target: str
    name: str
    event_id: str | None = None
    time: datetime | None = None
    region: str | None = None
    source_ip: str | None = None
    accounts: tuple[str, ...] = ()
    shared_event_id: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """
    What `trace_from` found.

    Args:
        asked: What was asked for.
        kind: What that was taken for: `access key`, `ARN`, `address`, `event`, `instance`, `name`.
        nodes: By depth, then by first event.
        edges: By time.
        notes: What is missing in the whole.
        since, until: The window activity was counted in.
    """

    asked: str
    kind: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    notes: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def node(self, id: str) -> Node:
        """The node of that id."""
        return next(node for node in self.nodes if node.id == id)

    def edges_into(self, id: str) -> list[Edge]:
        """How a node came to be, the earliest first."""
        return [edge for edge in self.edges if edge.target == id]


def in_order(nodes: Iterable[Node], edges: Iterable[Edge]) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Nodes by depth and first event, edges by time, both to the end in an order that repeats."""
    late = "~"
    return (
        tuple(sorted(nodes, key=lambda n: (n.depth, n.first.isoformat() if n.first else late, n.id))),
        tuple(sorted(edges, key=lambda e: (e.time.isoformat() if e.time else "", e.source, e.target, e.name))),
    )


def by_frequency(counts: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """The most frequent first."""
    return tuple(sorted(counts, key=lambda pair: (-pair[1], pair[0])))
