"""From a key, a principal or an address to the session graph: where the credentials came from, what came of them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from trailql.forensics.asking import told_in_words
from trailql.forensics.graph import Edge, Trace, in_order
from trailql.forensics.growing import GrowingGraph, Triple, account_of, short_name
from trailql.forensics.sessions import Mint, Sessions
from trailql.forensics.start import CONDITIONS, kind_of, values_of
from trailql.forensics.subject import subjects_of
from trailql.lake.lake import open_lake_folder
from trailql.query.engine import OpenLake

DEPTH = 10
MOST_SESSIONS = 1000
_FEW = 3
_SAME_SECOND = timedelta(seconds=5)
"""Between a sign-in and the creation date of its session: none in records we have seen, a clock's step at most."""
_LAUNCHED = "started the instance, with its role"
_LOGIN_PROFILE = frozenset({"CreateLoginProfile", "UpdateLoginProfile"})
_INSTANCE_SESSION = re.compile(r":assumed-role/[^/]+/i-[0-9a-f]{8,17}$", re.IGNORECASE)


def trace_from(
    lake: str | Path,
    asked: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    depth: int = DEPTH,
    most_sessions: int = MOST_SESSIONS,
) -> Trace:
    """
    Follow credentials backwards to where they came from, and forwards to all that was done with them.

    Args:
        lake: The lake's folder.
        asked: An access key, ARN, address, network, instance id, eventID, or the name of a user, role or session.
        since, until: What is asked for is looked for, and calls are counted, in `since <= eventTime < until`; where
            credentials came from is looked for in the whole lake.
        depth: Most steps in either direction.
        most_sessions: Most sessions to begin with; the latest are kept.

    Raises:
        LakeError: No lake there.
        UsageError: Nothing was asked for.
    """
    kind = kind_of(asked)
    with OpenLake(open_lake_folder(lake)) as opened, told_in_words(opened.lake.root):
        tracer = _Tracer(Sessions(opened, since, until), most_sessions)
        tracer.begin(asked, kind)
        tracer.forwards(depth)
        tracer.backwards(depth)
        tracer.look_around()
        tracer.name_subjects()
        nodes, edges = in_order(tracer.nodes(), tracer.edges.values())
    return Trace(asked, kind, nodes, edges, tuple(tracer.notes), since, until)


class _Tracer(GrowingGraph):
    """The search itself; a node once seen is not expanded again, so that cycles end."""

    def __init__(self, sessions: Sessions, most_sessions: int) -> None:
        super().__init__(sessions)
        self._most_sessions = most_sessions
        self.notes: list[str] = []

    # Where to begin

    def begin(self, asked: str, kind: str) -> None:
        """Put in what was asked for."""
        values = values_of(asked, kind)
        found = self.sessions.found_by(CONDITIONS[kind], values)
        if kind == "event":
            found += self._of_event(asked, found)
        if kind in ("address", "network"):
            found += self._signed_in_from(asked, CONDITIONS[kind], values)
        with_key = [triple for triple in found if triple[0] or triple[2]]
        if len(with_key) > self._most_sessions:
            with_key.sort(key=lambda triple: triple[2] or "~")
            left = len(with_key) - self._most_sessions
            self.notes.append(f"{left:,} more sessions are left out, the oldest: ask for a shorter time with --since")
            with_key = with_key[-self._most_sessions :]
        self.add(with_key, 0, is_asked=True)
        if kind in ("ARN", "name", "root"):
            for principal in {triple[1] for triple in found}:
                if ":iam:" in principal and (kind != "name" or principal.endswith(f"/{asked}")):
                    self.add_principal(principal, 0, is_asked=True)
        if kind == "access key" and not found:
            self.add_unused(asked, 0, is_asked=True)

    def _of_event(self, event_id: str, found: Iterable[Triple]) -> list[Triple]:
        """The credentials that came out of an event; those of a sign-in are named by its time."""
        mints = self.sessions.mints_seen(event_id)
        triples = self.sessions.of_keys({mint.minted_key for mint in mints})
        for principal in {principal for key, principal, created in found if not key and not created and principal}:
            sign_ins = self.sessions.sign_ins([principal], [])
            times = [each.time for each in sign_ins if each.event_id == event_id and each.succeeded]
            triples += [t for t in self._of_principal(principal) if any(_is_at(t[2], time) for time in times)]
        return triples

    def _of_principal(self, principal: str) -> list[Triple]:
        return self.sessions.found_by("userIdentity.arn = $principal", {"principal": principal})

    def _signed_in_from(self, asked: str, condition: str, values: Mapping[str, Any]) -> list[Triple]:
        """Sessions of sign-ins from an address, wherever they went on; failed ones are told."""
        sign_ins = self.sessions.sign_ins_where(condition, values)
        failed = [each for each in sign_ins if not each.succeeded]
        if failed:
            names = sorted({short_name(each.user_name or each.principal) or "unknown" for each in failed})
            times = " to ".join(dict.fromkeys(f"{each.time:%Y-%m-%d %H:%M}" for each in (failed[0], failed[-1])))
            count = "1 failed sign-in" if len(failed) == 1 else f"{len(failed)} failed sign-ins"
            self.notes.append(f"{count} from {asked}, {times}, as {', '.join(names)}")
        triples = []
        for principal in {each.principal for each in sign_ins if each.succeeded and each.principal}:
            times_in = [each.time for each in sign_ins if each.succeeded and each.principal == principal]
            triples += [t for t in self._of_principal(principal) if any(_is_at(t[2], time) for time in times_in)]
        return triples

    # Forwards

    def forwards(self, depth: int) -> None:
        """From what was asked for to all that was made with it."""
        frontier = list(self.drafts)
        for step in range(1, depth + 2):
            keys = self.keys_of(frontier)
            mints = self.sessions.mints_by(keys)
            launched = self._launched(keys)
            if not mints and not launched:
                return
            if step > depth:
                self.notes.append(f"there is more after {depth} steps forwards: --depth {depth + 10}")
                return
            made = {mint.minted_key: mint for mint in mints if mint.minted_key}
            new = self.add(self.sessions.of_keys(set(made) - set(self.of_key)), step)
            for key, mint in made.items():
                if key not in self.of_key:
                    new += filter(None, [self.add_unused(key, step, mint=mint)])
            for mint in mints:
                if mint.minted_key:
                    self.add_edge(self.of_key[mint.access_key], self.of_key[mint.minted_key], mint)
                elif mint.name in _LOGIN_PROFILE and mint.minted_for:
                    new += self._password(mint, step)
            new += self._on_instances(launched, step)
            frontier = new

    def _launched(self, keys: set[str]) -> list[tuple[Mint, Triple]]:
        """Which instances were started with these keys, and sessions of the roles these instances were given."""
        launches = {(mint.account, mint.minted_for): mint for mint in self.sessions.launches_by(keys)}
        triples = self.sessions.on_instances({mint.minted_for or "" for mint in launches.values()})
        theirs = {t: (account_of(t[1]), short_name(t[1])) for t in triples}
        # Whoever takes a role may call the session like an instance.
        taken = {m.minted_key for m in self.sessions.mints_of({key for key, _, _ in triples}) if m.type != "AWSService"}
        return [(launches[it], t) for t, it in theirs.items() if it in launches and t[0] not in taken]

    def _on_instances(self, launched: Iterable[tuple[Mint, Triple]], step: int) -> list[str]:
        new = self.add([triple for _, triple in launched], step)
        for mint, (key, _, _) in launched:
            if key and self.of_key[key] != self.of_key[mint.access_key]:
                self.add_edge(self.of_key[mint.access_key], self.of_key[key], mint, _LAUNCHED)
        return new

    def _password(self, mint: Mint, step: int) -> list[str]:
        """A user that was given a password, and who signed in with it later."""
        name = mint.minted_for or ""
        later = [
            each
            for each in self.sessions.sign_ins([], [name])
            if each.account == mint.account and each.succeeded and each.time >= mint.time
        ]
        principal = next((each.principal for each in later), f"arn:aws:iam::{mint.account}:user/{name}")
        user = self.add_principal(principal, step)
        self.add_edge(self.of_key[mint.access_key], user, mint, "gave it a password")
        if not later:
            note = "no sign-in after it got its password is in the lake"
            if note not in self.drafts[user].notes:
                self.drafts[user].notes.append(note)
            return []
        triples = [t for t in self._of_principal(principal) if any(_is_at(t[2], each.time) for each in later)]
        new = self.add(triples, step + 1)
        for key, _, created in triples:
            sign_in = next(each for each in later if _is_at(created, each.time))
            if key in self.of_key:
                self.add_sign_in(user, self.of_key[key], sign_in, [])
        return new

    # Backwards

    def backwards(self, depth: int) -> None:
        """From what was asked for to where it came from."""
        frontier = [id for id, draft in self.drafts.items() if draft.depth >= 0]
        for step in range(1, depth + 2):
            lost = [id for id in frontier if self.drafts[id].kind in ("key", "session") and not self.has_origin(id)]
            if not lost:
                return
            if step > depth:
                self.notes.append(f"there is more after {depth} steps backwards: --depth {depth + 10}")
                return
            found = self._origins_by_mint(lost, -step)
            found += self._origins_by_sign_in([id for id in lost if not self.has_origin(id)], -step)
            found += self._origins_by_launch(lost, -step)
            for id in lost:
                if not self.has_origin(id):
                    self._owned(id, -step)
            found += self._who_gave_passwords(-step)
            frontier = found

    def _origins_by_mint(self, ids: list[str], depth: int) -> list[str]:
        copies: dict[str, list[Mint]] = defaultdict(list)
        for mint in self.sessions.mints_of(self.keys_of(ids)):
            copies[mint.minted_key].append(mint)
        chosen = {key: max(mints, key=_how_telling) for key, mints in copies.items()}
        new = self.add(
            self.sessions.of_keys({m.access_key for m in chosen.values() if m.access_key} - set(self.of_key)), depth
        )
        for key, mint in chosen.items():
            target = self.of_key[key]
            source = self.of_key.get(mint.access_key) if mint.access_key else self._caller(mint, depth)
            if source and source != target:
                self.add_edge(source, target, mint)
                shared = [m for m in copies[key] if m.shared_event_id and m.shared_event_id == mint.shared_event_id]
                accounts = {each.account for each in shared if each.account}
                if len(accounts) > 1:
                    edge = self.edges[source, target, mint.name]
                    self.edges[source, target, mint.name] = _recorded_in(edge, accounts)
        return new

    def _caller(self, mint: Mint, depth: int) -> str:
        """Whoever made credentials without an access key: a service, an identity provider, another account."""
        if mint.type in ("SAMLUser", "WebIdentityUser"):
            return self.add_principal(mint.provider or mint.principal, depth, kind="provider")
        if mint.type == "AWSService" or (mint.invoked_by and not mint.caller_account):
            return self.add_principal(mint.invoked_by or mint.principal, depth, kind="service")
        if mint.type == "AWSAccount":
            id = self.add_principal(f"{mint.caller_account} {mint.principal_id or ''}".strip(), depth, kind="account")
            self.drafts[id].account = mint.caller_account
            note = f"the logs of account {mint.caller_account}, which say with which key, are not in the lake"
            if note not in self.drafts[id].notes:
                self.drafts[id].notes.append(note)
            return id
        return self.add_principal(mint.principal, depth)

    def _origins_by_sign_in(self, ids: list[str], depth: int) -> list[str]:
        dated = [self.drafts[id] for id in ids if self.drafts[id].created]
        if not dated:
            return []
        principals = {draft.principal for draft in dated}
        all_of_them = self.sessions.sign_ins(principals, {short_name(principal) for principal in principals})
        for draft in dated:
            for each in all_of_them:
                if each.succeeded and each.principal == draft.principal and _is_at(draft.created, each.time):
                    user = self.add_principal(each.switched_from or draft.principal, depth)
                    mine = [
                        o
                        for o in all_of_them
                        if o.account == each.account
                        and (o.principal == each.principal or o.user_name == each.user_name)
                    ]
                    self.add_sign_in(user, draft.id, each, mine)
                    break
        return []

    def _origins_by_launch(self, ids: list[str], depth: int) -> list[str]:
        """Who started the instances whose roles' sessions these are; nobody where the session was taken by others."""
        taken = {edge.target for edge in self.edges.values() if self.drafts[edge.source].kind != "service"}
        drafts = [self.drafts[id] for id in ids if id not in taken]
        drafts = [draft for draft in drafts if _INSTANCE_SESSION.search(draft.principal)]
        launches = self.sessions.launches_of({short_name(draft.principal) for draft in drafts})
        new = self.add(
            self.sessions.of_keys({m.access_key for m in launches if m.access_key} - set(self.of_key)), depth
        )
        for draft in drafts:
            for mint in launches:
                if (mint.account, mint.minted_for) == (account_of(draft.principal), short_name(draft.principal)):
                    source = self.of_key[mint.access_key] if mint.access_key else self._caller(mint, depth)
                    if source != draft.id:
                        self.add_edge(source, draft.id, mint, _LAUNCHED)
        return new

    def _owned(self, id: str, depth: int) -> None:
        """What nobody was seen to make stands under its owner, and says so."""
        draft = self.drafts[id]
        if id.startswith("via:"):
            user = self.add_principal(draft.principal, depth)
            self.edges[user, id, "invoked"] = Edge(user, id, "invoked", detail="calls AWS services made for it")
            return
        if _INSTANCE_SESSION.search(draft.principal):
            ec2 = self.add_principal("ec2.amazonaws.com", depth)
            draft.notes.append("handed out on the instance; the AssumeRole of ec2.amazonaws.com is not in the lake")
            self.edges[ec2, id, "instance role"] = Edge(ec2, id, "instance role")
            return
        owner = self.add_principal(draft.role or draft.principal, depth)
        if draft.kind == "key":
            draft.notes.append("no CreateAccessKey for it is in the lake")
        elif ":assumed-role/" in draft.principal:
            draft.notes.append("the AssumeRole it came from is not in the lake")
        else:
            draft.notes.append("neither a sign-in nor an STS call for it is in the lake")
        self.edges[owner, id, "owns"] = Edge(owner, id, "owns")

    def _who_gave_passwords(self, depth: int) -> list[str]:
        """For users that signed in: who gave them their password before."""
        signed_in: dict[str, datetime] = {}
        for edge in self.edges.values():
            if edge.name == "ConsoleLogin" and edge.time and self.drafts[edge.source].kind == "user":
                signed_in[edge.source] = max(edge.time, signed_in.get(edge.source, edge.time))
        users = {id: self.drafts[id] for id in signed_in if not self.has_origin(id)}
        found: list[str] = []
        mints = self.sessions.passwords_for({short_name(draft.principal) for draft in users.values()})
        for id, draft in users.items():
            before = [
                m
                for m in mints
                if m.minted_for == short_name(draft.principal)
                and m.account == draft.account
                and m.time <= signed_in[id]
                and m.access_key
            ]
            for mint in before[-1:]:
                found += self.add(self.sessions.of_keys({mint.access_key} - set(self.of_key)), depth)
                if mint.access_key in self.of_key:
                    self.add_edge(self.of_key[mint.access_key], id, mint, "gave it a password")
        return found

    # Around

    def name_subjects(self) -> None:
        """Say of what changed something, and was called a few times only, whom or what it was done to."""
        few: dict[str, set[tuple[str, str]]] = {}
        for draft in self.drafts.values():
            apis = draft.node().apis
            few[draft.id] = {(api.service, api.name) for api in apis if not api.is_read and api.calls <= _FEW}
        names = {name for apis in few.values() for _, name in apis}
        for key, service, name, requests in self.sessions.requests(set(self.of_key), names):
            draft = self.drafts[self.of_key[key]]
            if (service, name) in few[draft.id]:
                known = draft.subjects.setdefault((service, name), [])
                known += [each for each in subjects_of(requests) if each not in known]

    def look_around(self) -> None:
        """Say of ancestors what else they made, and pair the two accounts' copies of one call."""
        ancestors = [d.id for d in self.drafts.values() if d.depth < 0 and d.kind in ("key", "session")]
        others: dict[str, set[str]] = defaultdict(set)
        for mint in self.sessions.mints_by(self.keys_of(ancestors)):
            if mint.minted_key and mint.minted_key not in self.of_key:
                others[self.of_key[mint.access_key]].add(mint.minted_key)
        for id, keys in others.items():
            self.drafts[id].notes.append(f"made {len(keys):,} other credentials, not followed: trace it to see them")
        crossing = {
            key: edge
            for key, edge in self.edges.items()
            if edge.shared_event_id
            and len(edge.accounts) < 2
            and self.drafts[edge.source].account != self.drafts[edge.target].account
            and self.drafts[edge.source].kind != "service"
        }
        copies: dict[str, set[str]] = defaultdict(set)
        for mint in self.sessions.mints_shared({edge.shared_event_id or "" for edge in crossing.values()}):
            copies[mint.shared_event_id or ""].add(mint.account or "")
        for key, edge in crossing.items():
            self.edges[key] = _recorded_in(edge, {*edge.accounts, *copies[edge.shared_event_id or ""]})


def _recorded_in(edge: Edge, accounts: Collection[str]) -> Edge:
    return replace(edge, accounts=tuple(sorted(accounts)))


def _how_telling(mint: Mint) -> int:
    return 2 if mint.access_key else 0 if mint.type == "AWSAccount" else 1


def _is_at(created: str, time: datetime) -> bool:
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return False
    return abs((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - time) <= _SAME_SECOND
