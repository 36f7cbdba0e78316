"""The session graph while it grows, and what ARNs say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from trailql.forensics.graph import Api, Edge, Node, by_frequency
from trailql.forensics.sessions import Activity, Mint, Sessions, SignIn

_FAILURES_BEFORE = timedelta(hours=24)
Triple = tuple[str, str, str]
"""Access key, principal, creation date: a session, as far as one event tells."""


@dataclass(slots=True)
class Draft:
    """A node while the graph grows."""

    id: str
    kind: str
    principal: str
    account: str | None = None
    created: str = ""
    role: str | None = None
    depth: int = 0
    is_asked: bool = False
    keys: set[str] = field(default_factory=set)
    rows: list[Activity] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    source_identity: str | None = None
    subjects: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def node(self) -> Node:
        """The node, what was done with all its keys added up."""
        ips: dict[str, int] = defaultdict(int)
        apis: dict[tuple[str, str], list[int]] = {}
        for row in self.rows:
            for ip, calls in row.ips.items():
                ips[ip] += calls
            for api in row.apis:
                numbers = apis.setdefault((api.service, api.name), [0, 0, 1])
                numbers[0] += api.calls
                numbers[1] += api.errors
                numbers[2] &= int(api.is_read)
        called = [
            Api(*name, calls, errors, bool(read), tuple(self.subjects.get(name, ())))
            for name, (calls, errors, read) in apis.items()
        ]
        return Node(
            id=self.id,
            kind=self.kind,
            principal=self.principal,
            account=self.account,
            access_keys=tuple(sorted(filter(None, self.keys))),
            created=self.created,
            role=self.role,
            source_identity=self.source_identity or next(filter(None, (r.source_identity for r in self.rows)), None),
            first=min((row.first for row in self.rows), default=None),
            last=max((row.last for row in self.rows), default=None),
            calls=sum(row.calls for row in self.rows),
            errors=sum(row.errors for row in self.rows),
            regions=tuple(sorted({region for row in self.rows for region in row.regions})),
            ips=by_frequency(list(ips.items())),
            user_agents=max((row.user_agents for row in self.rows), default=0),
            apis=tuple(sorted(called, key=lambda api: (-api.calls, api.service, api.name))),
            depth=self.depth,
            is_asked=self.is_asked,
            notes=tuple(self.notes),
        )


class GrowingGraph:
    """
    Nodes and edges while they are found.

    Args:
        sessions: What the lake says of them.
    """

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.drafts: dict[str, Draft] = {}
        self.of_key: dict[str, str] = {}
        self.edges: dict[tuple[str, str, str], Edge] = {}

    def nodes(self) -> list[Node]:
        """All nodes found."""
        return [draft.node() for draft in self.drafts.values()]

    def add(self, triples: Collection[Triple], depth: int, *, is_asked: bool = False) -> list[str]:
        """Sessions with what was done in them; returns the ids of the new nodes."""
        wanted = {triple for triple in triples if triple[0] or triple[2]}
        rows = self.sessions.activity(wanted)
        plain = {(row.principal, row.created) for row in rows if not row.by_service}
        new: dict[str, None] = {}
        for row in rows:
            id, kind = _place(row, plain)
            if id not in self.drafts:
                self.drafts[id] = Draft(id, kind, row.principal, row.account, row.created, row.issuer, depth, is_asked)
                new[id] = None
            draft = self.drafts[id]
            if row not in draft.rows:
                draft.rows.append(row)
            if row.access_key:
                draft.keys.add(row.access_key)
                self.of_key.setdefault(row.access_key, id)
        for key, principal, created in sorted(wanted):  # all that was done lies outside of the window
            if key and key not in self.of_key:
                id = f"session:{principal}@{created}" if created else f"key:{key}"
                if id not in self.drafts:
                    kind = "session" if created or key.startswith("ASIA") else "key"
                    account = account_of(principal)
                    self.drafts[id] = Draft(id, kind, principal, account, created, None, depth, is_asked)
                    self.drafts[id].notes.append("used, but not in the time asked for")
                    new[id] = None
                self.drafts[id].keys.add(key)
                self.of_key[key] = id
        return list(new)

    def add_unused(self, key: str, depth: int, *, mint: Mint | None = None, is_asked: bool = False) -> str | None:
        """Credentials that were made, and of which the lake holds no use."""
        if mint is None:
            mint = next(iter(self.sessions.mints_of([key])), None)
        if mint is None:
            return None
        id = f"key:{key}"
        kind = "session" if key.startswith("ASIA") else "key"
        principal = mint.minted_for or ""
        if mint.name == "CreateAccessKey":
            principal = f"arn:aws:iam::{mint.account}:user/{mint.minted_for}"
        account = account_of(principal) or mint.account
        self.drafts[id] = Draft(id, kind, principal, account, depth=depth, is_asked=is_asked, keys={key})
        self.drafts[id].notes.append("no use of it is in the lake")
        self.of_key[key] = id
        return id

    def add_principal(self, principal: str, depth: int, *, kind: str | None = None, is_asked: bool = False) -> str:
        """The node of a principal."""
        kind = kind or principal_kind(principal)
        id = f"{kind}:{principal}"
        if id not in self.drafts:
            self.drafts[id] = Draft(id, kind, principal, account_of(principal), depth=depth, is_asked=is_asked)
        return id

    def add_edge(self, source: str, target: str, mint: Mint, detail: str = "") -> None:
        """Draw how a mint led from one node to the other; the first of several counts."""
        accounts = tuple(sorted(filter(None, {mint.account})))
        self.edges.setdefault(
            (source, target, mint.name),
            Edge(
                source,
                target,
                mint.name,
                mint.event_id,
                mint.time,
                mint.region,
                mint.source_ip,
                accounts,
                mint.shared_event_id,
                detail,
            ),
        )
        if mint.source_identity:
            self.drafts[target].source_identity = mint.source_identity

    def add_sign_in(self, user: str, session: str, sign_in: SignIn, others: Iterable[SignIn]) -> None:
        """Draw a sign-in; `others` are the principal's, failed ones too."""
        said = [] if sign_in.used_mfa is None else ["with MFA" if sign_in.used_mfa else "no MFA"]
        before = [each for each in others if sign_in.time - _FAILURES_BEFORE <= each.time < sign_in.time]
        success = max((each.time for each in before if each.succeeded), default=sign_in.time - _FAILURES_BEFORE)
        failed = [each for each in before if not each.succeeded and each.time > success]
        if failed:
            ips = sorted({each.source_ip or "" for each in failed})
            count = "1 failed sign-in" if len(failed) == 1 else f"{len(failed)} failed sign-ins"
            said.append(f"after {count} from {', '.join(ips[:3])}{' …' if len(ips) > 3 else ''}")
        self.edges.setdefault(
            (user, session, sign_in.name),
            Edge(
                user,
                session,
                sign_in.name,
                sign_in.event_id,
                sign_in.time,
                sign_in.region,
                sign_in.source_ip,
                tuple(filter(None, [sign_in.account])),
                None,
                ", ".join(said),
            ),
        )

    def keys_of(self, ids: Iterable[str]) -> set[str]:
        """All access keys of nodes."""
        return {key for id in ids for key in self.drafts[id].keys}

    def has_origin(self, id: str) -> bool:
        """Whether something leads to it."""
        return any(target == id for _, target, _ in self.edges)


def _place(row: Activity, plain: set[tuple[str, str]]) -> tuple[str, str]:
    """The node an activity belongs to, and its kind."""
    if not row.created:
        return f"key:{row.access_key}", "session" if row.access_key.startswith("ASIA") else "key"
    if row.by_service and row.type in ("IAMUser", "Root") and (row.principal, row.created) not in plain:
        return f"via:{row.principal}", "session"
    return f"session:{row.principal}@{row.created}", "session"


def principal_kind(principal: str) -> str:
    """The kind of node a principal is."""
    if principal.endswith(":root"):
        return "root"
    if ":role/" in principal or ":assumed-role/" in principal:
        return "role"
    return "user" if principal.startswith("arn:") else "service" if "." in principal else "account"


def account_of(principal: str) -> str | None:
    """The account in an ARN."""
    parts = principal.split(":")
    return parts[4] if len(parts) > 5 and parts[0] == "arn" and parts[4] else None


def short_name(principal: str) -> str:
    """The name at the end of an ARN."""
    return principal.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
