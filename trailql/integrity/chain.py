"""
One chain of digests from the newest to the oldest, the way the AWS CLI goes.

A valid digest names the one before it. Where that is not there, or a digest is not valid, the next older one of the
listing follows; where a digest names none, CloudTrail began a new chain, and between the two nothing was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trailql.integrity.digest import Place
from trailql.integrity.evidence import DigestCopy, Evidence, ReadDigest
from trailql.integrity.judge import Judged, Later, Proof, judge_digest
from trailql.integrity.keys import PublicKeys
from trailql.integrity.names import ChainName, read_digest_name
from trailql.integrity.verdict import DigestResult, Gap, GapKind, Verdict

BEFORE, AFTER = timedelta(minutes=1), timedelta(hours=1)
"""Digests count whose hour ends from a minute before the time asked for to an hour after it, as for the AWS CLI."""
_AHEAD = 8


@dataclass(frozen=True, slots=True)
class Listed:
    """A digest that was listed: the end of its hour as its name has it, and the copies of it."""

    end_text: str
    copies: tuple[DigestCopy, ...]


def listing_of(copies: Sequence[DigestCopy]) -> list[Listed]:
    """The digests of one chain, oldest first, copies of one digest together."""
    by_end: dict[str, list[DigestCopy]] = {}
    for copy in copies:
        by_end.setdefault(copy.name.end_text, []).append(copy)
    return [Listed(end, tuple(by_end[end])) for end in sorted(by_end)]


def in_range(listing: Sequence[Listed], since: datetime | None, until: datetime | None) -> list[Listed]:
    """Those whose hour ends in the time asked for."""
    first = _text(since - BEFORE) if since else ""
    last = _text(until + AFTER) if until else "~"
    return [each for each in listing if first < each.end_text <= last]


def walk(
    chain: ChainName,
    listing: Sequence[Listed],
    evidence: Evidence,
    keys: PublicKeys,
    *,
    since: datetime | None,
    until: datetime | None,
    ahead: ReadAhead,
) -> Iterator[Judged | Gap]:
    """
    Judge a chain.

    Args:
        chain: Which.
        listing: Its digests, oldest first.
        evidence: Where they are.
        keys: The public keys there are.
        since, until: The time asked for.
        ahead: Reads them.

    Yields:
        Verdicts and gaps, newest first; then digests that lie there and that no other one leads to, which the AWS CLI
        does not look at.
    """

    def judge(copy: DigestCopy, later: Later | None) -> Judged | None:
        return judge_digest(ahead.read, copy, keys, later, is_bucket=evidence.is_bucket)

    remaining = in_range(listing, since, until)
    later = None if evidence.is_bucket else _after_the_newest(listing, remaining, judge)
    listed, visited = list(remaining), set[str]()
    step: Listed | Place | None = remaining.pop() if remaining else None
    last_start: datetime | None = None
    lost = False
    while step is not None and (since is None or last_start is None or since <= last_start):
        if isinstance(step, Listed):
            copies, end_text = step.copies, step.end_text
        else:
            named = read_digest_name(step.key)
            copies, end_text = tuple(evidence.find_digest(step)), named.end_text if named else ""
        ahead.look(remaining)
        visited.update(copy.file for copy in copies)
        judged = [each for copy in copies if (each := judge(copy, later)) is not None]
        judged.sort(key=lambda each: list(Proof).index(each.proof))
        if not judged:
            place = step if isinstance(step, Place) else step.copies[0].place
            yield _missing(chain, place, copies)
            step, later, lost = _older(remaining, end_text), None, True
            continue
        best = judged[0]
        if lost and best.result.end and last_start and best.result.end < last_start:
            yield Gap(chain, best.result.end, last_start, GapKind.LOST)
            lost = False
        yield best
        yield from _other_copies(judged)
        digest = best.digest
        if not best.is_aws_valid or digest is None:
            # What a digest says that is not valid leads nowhere, but what it says of the one before it can be tried.
            later = Later(digest.previous, False) if digest and digest.previous else None
            step = _older(remaining, end_text)
            if best.proof is not Proof.BROKEN and digest is not None:
                last_start = digest.start
            continue
        last_start = digest.start
        lost = False
        if digest.previous is None:
            later, step = None, _older(remaining, end_text)
            if step is not None:
                assert isinstance(step, Listed)
                yield Gap(chain, step.copies[0].name.end, last_start, GapKind.RESTART)
            continue
        later = Later(digest.previous, best.proof is Proof.SIGNED)
        step = digest.previous.place
    for copy in (copy for each in reversed(listed) for copy in each.copies if copy.file not in visited):
        aside = judge(copy, None)
        if aside is not None and aside.result.verdict is not Verdict.UNVERIFIABLE:
            yield Judged(replace(aside.result, aws=""), aside.proof)


def _after_the_newest(
    listing: Sequence[Listed], chosen: Sequence[Listed], judge: Callable[[DigestCopy, Later | None], Judged | None]
) -> Later | None:
    """What the digest just after the time asked for says of the newest one in it: copies need its signature."""
    if not chosen:
        return None
    behind = [each for each in listing if each.end_text > chosen[-1].end_text]
    for copy in behind[0].copies if behind else ():
        judged = judge(copy, None)
        if judged and judged.digest and judged.digest.previous:
            return Later(judged.digest.previous, judged.proof is Proof.SIGNED)
    return None


def _older(remaining: list[Listed], end_text: str) -> Listed | None:
    while remaining:
        found = remaining.pop()
        if found.end_text < end_text or not end_text:
            return found
    return None


def _missing(chain: ChainName, place: Place | None, copies: Sequence[DigestCopy]) -> Judged:
    uri = place.uri if place else copies[0].file
    named = read_digest_name(uri)
    result = DigestResult(
        chain, uri, "", Verdict.MISSING, "not found", None, named.end if named else None, "INVALID: not found"
    )
    return Judged(result, Proof.BROKEN)


def _other_copies(judged: Sequence[Judged]) -> Iterator[Judged]:
    """Further copies that are not the same: each has a verdict of its own, and leads nowhere."""
    best = judged[0]
    seen = {best.digest.sha256 if best.digest else ""}
    for each in judged[1:]:
        own = each.digest.sha256 if each.digest else each.result.file
        if own not in seen or each.proof is not best.proof:
            seen.add(own)
            yield Judged(each.result, each.proof)


class ReadAhead:
    """
    Reads the next digests of a listing while one is judged.

    Args:
        pool: Where.
        evidence: What is read.
    """

    def __init__(self, pool: ThreadPoolExecutor, evidence: Evidence) -> None:
        self._pool = pool
        self._evidence = evidence
        self._reading: dict[str, Future[ReadDigest | None]] = {}

    def look(self, remaining: Sequence[Listed]) -> None:
        """Begin to read the next ones."""
        for listed in remaining[-_AHEAD:]:
            for copy in listed.copies:
                if copy.file not in self._reading:
                    self._reading[copy.file] = self._pool.submit(self._evidence.read_digest, copy)

    def read(self, copy: DigestCopy) -> ReadDigest | None:
        """A digest, read already or now."""
        reading = self._reading.pop(copy.file, None)
        return reading.result() if reading else self._evidence.read_digest(copy)


def _text(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"
