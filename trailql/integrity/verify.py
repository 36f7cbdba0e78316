"""
The whole verification on one screen: chains of digests, the log files they list, and the log files none lists.

Results come one by one, so that memory does not follow the bucket; log files are read by several threads, ahead of
whoever takes the results.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from trailql.errors import BadLogFile
from trailql.integrity.chain import ReadAhead, listing_of, walk
from trailql.integrity.changes import changes_in
from trailql.integrity.digest import ListedFile
from trailql.integrity.evidence import DigestCopy, Evidence, LogCopy
from trailql.integrity.judge import Judged, Proof
from trailql.integrity.keys import PublicKeys
from trailql.integrity.names import ChainName
from trailql.integrity.stored import NotRead, Stored, TrailingBytes
from trailql.integrity.verdict import AWS_VALID, Gap, GapKind, LogResult, Result, Summary, Verdict
from trailql.sources.keys import read_key
from trailql.sources.s3 import is_s3_uri

if TYPE_CHECKING:
    from trailql.forensics.trail_changes import TrailChange

_AHEAD = 256
_MOST_CHANGES = 10_000
_HOUR = timedelta(hours=1)

KeysFor = Callable[[ChainName, datetime, datetime], PublicKeys]
"""The public keys for a chain's digests whose hours end from one time to another."""


@dataclass(frozen=True, slots=True)
class Scope:
    """
    What to verify; the default is everything.

    Args:
        since, until: The time asked for, `since <= t < until`.
        accounts, regions, trails: Only these; empty for all.
    """

    since: datetime | None = None
    until: datetime | None = None
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    trails: frozenset[str] = frozenset()

    def takes(self, chain: ChainName) -> bool:
        """Whether a chain is meant."""
        return self.takes_home(chain.account, chain.region) and (not self.trails or chain.trail in self.trails)

    def takes_home(self, account: str, region: str) -> bool:
        """Whether an account and Region are meant."""
        return (not self.accounts or account in self.accounts) and (not self.regions or region in self.regions)


@dataclass(frozen=True, slots=True)
class _Window:
    """
    A time that a digest speaks of.

    Args:
        since, until: Which.
        organization: Whose trail it is, where that is known.
        reason: Why it cannot be relied on; empty where it can.
        delivered_to: Bucket and prefix, where these are known.
    """

    since: datetime
    until: datetime
    organization: str
    reason: str
    delivered_to: tuple[str, str] | None = None

    def speaks_of(self, organization: str, delivered_to: tuple[str, str] | None, moment: datetime) -> bool:
        """Whether a log file delivered then and there would stand in it, if it is of the same trail."""
        if not self.since <= moment < self.until:
            return False
        if self.organization and organization and self.organization != organization:
            return False
        # Elsewhere in the same bucket is another trail's; in another bucket lie copies, wherever they were put.
        mine = self.delivered_to
        return mine is None or delivered_to is None or mine[0] != delivered_to[0] or mine == delivered_to


class Verification:
    """
    One run.

    Args:
        evidence: Where digests and log files are.
        keys_for: The public keys.
        scope: What to verify.
        readers: Files read at once.
        on_progress: Called with the running counts.
    """

    def __init__(
        self,
        evidence: Evidence,
        keys_for: KeysFor,
        scope: Scope | None = None,
        *,
        readers: int = 4,
        on_progress: Callable[[Summary], None] | None = None,
    ) -> None:
        self._evidence = evidence
        self._keys_for = keys_for
        self._scope = scope or Scope()
        self._readers = readers
        self._on_progress = on_progress
        self._listed: set[str] = set()
        self._windows: dict[tuple[str, str], list[_Window]] = {}
        self.summary = Summary()
        self.changes: list[TrailChange] = []

    def results(self) -> Iterator[Result]:
        """
        Verify: digests newest first, each with its log files behind it, chain by chain; then log files in no digest.

        Raises:
            SourceError: The source cannot be listed, or credentials ran out.
        """
        pool = ThreadPoolExecutor(self._readers, "trailql-verify")
        try:
            for result in self._in_order(pool):
                self.summary.add(result)
                if self._on_progress:
                    self._on_progress(self.summary)
                yield result
        finally:
            pool.shutdown(cancel_futures=True)

    def explained(self, gap: Gap, more: Sequence[TrailChange] = ()) -> Gap:
        """
        A gap with the changes to trails that may explain it: those of the log files that were read, and others.

        Args:
            gap: Which.
            more: Changes known from elsewhere, such as a lake.
        """
        changes = {change.event_id or str(change): change for change in (*self.changes, *more)}
        if not changes:
            return gap
        from trailql.forensics.trail_changes import changes_near

        ordered = sorted(changes.values(), key=lambda change: (change.time, change.event_id or ""))
        return replace(gap, changes=changes_near(ordered, gap.chain.account, gap.since, gap.until))

    def _in_order(self, pool: ThreadPoolExecutor) -> Iterator[Result]:
        waiting: deque[Result | Future[list[LogResult]]] = deque()
        for item in self._items(pool):
            waiting.append(item)
            while len(waiting) > _AHEAD:
                yield from _done(waiting.popleft())
        while waiting:
            yield from _done(waiting.popleft())

    def _items(self, pool: ThreadPoolExecutor) -> Iterator[Result | Future[list[LogResult]]]:
        chains: dict[ChainName, list[DigestCopy]] = {}
        for copy in self._evidence.digests():
            if self._scope.takes(copy.name.chain):
                chains.setdefault(copy.name.chain, []).append(copy)
        for chain in sorted(chains):
            yield from self._chain(pool, chain, chains[chain])
        yield from self._unlisted()

    def _chain(
        self, pool: ThreadPoolExecutor, chain: ChainName, copies: list[DigestCopy]
    ) -> Iterator[Result | Future[list[LogResult]]]:
        evidence, scope = self._evidence, self._scope
        listing = listing_of(copies)
        first, last = listing[0].copies[0].name.end, listing[-1].copies[0].name.end
        keys = self._keys_for(chain, scope.since or first - _HOUR, scope.until or last)
        evidence.begin(chain)
        newest: datetime | None = None
        walked = walk(
            chain, listing, evidence, keys, since=scope.since, until=scope.until, ahead=ReadAhead(pool, evidence)
        )
        for each in walked:
            if isinstance(each, Gap):
                yield each
                continue
            yield each.result
            self._remember(chain, each)
            if newest is None and each.result.end is not None:
                newest = each.result.end
            if each.digest is not None and each.proof is not Proof.BROKEN:
                found = evidence.find_logs([listed.place for listed in each.digest.files])
                for listed, there in zip(each.digest.files, found, strict=True):
                    self._listed.update(copy.file for copy in there)
                    yield pool.submit(self._check, chain, each, listed, there)
        if scope.until and newest and newest + 2 * _HOUR < scope.until and not chain.is_backfill:
            yield Gap(chain, newest, scope.until, GapKind.END)

    def _remember(self, chain: ChainName, judged: Judged) -> None:
        result = judged.result
        if result.end is None:
            return
        if judged.proof is Proof.SIGNED:
            reason = ""
        elif result.verdict is Verdict.MISSING:
            reason = "the digest of that hour is missing"
        elif result.verdict is Verdict.UNVERIFIABLE:
            reason = "the digest of that hour cannot be verified, and does not list it"
        else:
            reason = "the digest of that hour is not valid"
        start = result.start or result.end - _HOUR
        window = _Window(start, result.end, chain.organization, reason, _delivered_to(result.uri))
        self._windows.setdefault((chain.account, chain.region), []).append(window)

    def _check(self, chain: ChainName, judged: Judged, listed: ListedFile, there: list[LogCopy]) -> list[LogResult]:
        """A listed log file against its copies; none of them is one verdict, too."""
        found = [result for copy in there if (result := self._check_one(chain, judged, listed, copy))]
        return found or [_log_result(chain, judged, listed, None, Verdict.MISSING, "not found", "INVALID: not found")]

    def _check_one(self, chain: ChainName, judged: Judged, listed: ListedFile, copy: LogCopy) -> LogResult | None:
        def told(verdict: Verdict, reason: str, aws: str) -> LogResult:
            return _log_result(chain, judged, listed, copy, verdict, reason, aws)

        try:
            stored = self._evidence.read_log(copy)
        except TrailingBytes as error:
            message = "INVALID: unexpected data after end of compressed stream"
            return told(Verdict.MODIFIED, error.message, message)
        except NotRead as error:
            return told(Verdict.UNVERIFIABLE, error.message, f"INVALID: {error.message}")
        except BadLogFile as error:
            return told(Verdict.MODIFIED, error.message, "INVALID: invalid format")
        if stored is None:
            return None
        if self._evidence.is_bucket and not stored.is_gzip:
            return told(Verdict.MODIFIED, "not gzip, as CloudTrail stores it", "INVALID: invalid format")
        if stored.sha256 != listed.sha256:
            broken = "" if stored.is_whole else ", and its gzip stream breaks off"
            return told(Verdict.MODIFIED, f"hash value doesn't match{broken}", "INVALID: hash value doesn't match")
        self._note_changes(stored)
        if judged.proof is Proof.UNKNOWN:
            reason = "as its digest says, which cannot be verified itself"
            return told(Verdict.UNVERIFIABLE, reason, AWS_VALID)
        return told(Verdict.VALID, "", AWS_VALID)

    def _note_changes(self, stored: Stored) -> None:
        if stored.body and len(self.changes) < _MOST_CHANGES:
            self.changes += changes_in(stored.body)

    def _unlisted(self) -> Iterator[LogResult]:
        scope = self._scope
        for account, region in sorted(self._evidence.homes()):
            if not scope.takes_home(account, region):
                continue
            windows = self._windows.get((account, region), [])
            for copy in self._evidence.logs(account, region, scope.since, scope.until):
                if copy.file not in self._listed:
                    verdict, reason = _not_in_a_digest(copy, windows)
                    yield LogResult(account, region, "", copy.file, verdict, reason, version_tag=copy.version_tag)


def _not_in_a_digest(copy: LogCopy, windows: Sequence[_Window]) -> tuple[Verdict, str]:
    moment, organization = copy.facts.delivered_at, copy.facts.organization or ""
    if moment is None:
        return Verdict.UNCOVERED, "its name does not tell when it was delivered"
    # The name has the minute: all of it must lie in the time of valid digests.
    place = _delivered_to(copy.file)
    reasons = [_covers(windows, organization, place, each) for each in (moment, moment.replace(second=59))]
    if reasons == ["", ""]:
        return Verdict.UNLISTED, "in none of the digests of that time, which are valid"
    return Verdict.UNCOVERED, next((reason for reason in reasons if reason), None) or "no digest for that time"


def _delivered_to(uri: str) -> tuple[str, str] | None:
    """Bucket and prefix of an object below `AWSLogs/`."""
    if not is_s3_uri(uri):
        return None
    bucket, _, key = uri.partition("://")[2].partition("/")
    prefix, found, _ = key.partition("AWSLogs/")
    return (bucket, prefix) if found else None


def _covers(
    windows: Sequence[_Window], organization: str, place: tuple[str, str] | None, moment: datetime
) -> str | None:
    """Empty where a valid digest speaks of a moment; why not, where another one does; None where none does."""
    found = [window for window in windows if window.speaks_of(organization, place, moment)]
    if any(not window.reason for window in found):
        return ""
    return found[0].reason if found else None


def _log_result(
    chain: ChainName, judged: Judged, listed: ListedFile, copy: LogCopy | None, verdict: Verdict, reason: str, aws: str
) -> LogResult:
    facts = read_key(listed.place.key)
    return LogResult(
        account=facts.account or chain.account,
        region=facts.region or chain.region,
        uri=listed.place.uri,
        file=copy.file if copy else "",
        verdict=verdict,
        reason=reason,
        digest=judged.result.uri,
        chain=chain,
        aws=aws if judged.is_aws_valid else "",
        version_tag=copy.version_tag if copy else "",
    )


def _done(item: Result | Future[list[LogResult]]) -> Iterable[Result]:
    return item.result() if isinstance(item, Future) else (item,)
