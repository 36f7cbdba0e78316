"""What is said of digest files, log files and the times between them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from trailql.integrity.names import ChainName

if TYPE_CHECKING:
    from trailql.forensics.trail_changes import TrailChange


class Verdict(StrEnum):
    """
    What became of a file since CloudTrail delivered it.

    VALID         its content is what CloudTrail delivered
    MODIFIED      it is not, or it lies elsewhere
    MISSING       CloudTrail delivered it, and it is not there
    UNLISTED      it is said to have been delivered in a time of which valid digests list every file, and is in none
    UNCOVERED     there is no valid digest for that time, so that nothing is known of it
    UNVERIFIABLE  there is a digest, and something is lacking to verify it with
    """

    VALID = "valid"
    MODIFIED = "modified"
    MISSING = "missing"
    UNLISTED = "unlisted"
    UNCOVERED = "uncovered"
    UNVERIFIABLE = "unverifiable"

    @property
    def is_invalid(self) -> bool:
        """Whether it is evidence that something was tampered with."""
        return self in (Verdict.MODIFIED, Verdict.MISSING, Verdict.UNLISTED)


AWS_VALID = "valid"
"""What the AWS CLI prints of a good file; everything else begins with `INVALID: `."""


@dataclass(frozen=True, slots=True)
class DigestResult:
    """
    A digest file judged.

    Args:
        chain: Its chain.
        uri: Where CloudTrail put it: `s3://bucket/key`; the copy's own path where its content does not tell.
        file: The copy that was read; empty for a missing one.
        verdict, reason: What, and why; no reason for a valid one.
        start, end: The hour it speaks of; None where that is not known.
        aws: What the AWS CLI says of it.
        version_tag: Of the copy, as the ledger has it.
    """

    chain: ChainName
    uri: str
    file: str
    verdict: Verdict
    reason: str
    start: datetime | None
    end: datetime | None
    aws: str
    version_tag: str = ""


@dataclass(frozen=True, slots=True)
class LogResult:
    """
    A log file judged.

    Args:
        account, region: Whose; empty where the name does not tell.
        uri: Where CloudTrail put it, as a digest says; empty where none does.
        file: The copy that was read; empty for a missing one.
        verdict, reason: What, and why.
        digest: URI of the digest that lists it; empty where none does.
        chain: That digest's chain.
        aws: What the AWS CLI says of it; empty where it says nothing.
        version_tag: Of the copy, as the ledger has it.
    """

    account: str
    region: str
    uri: str
    file: str
    verdict: Verdict
    reason: str
    digest: str = ""
    chain: ChainName | None = None
    aws: str = ""
    version_tag: str = ""


class GapKind(StrEnum):
    """Why no digest speaks of a time."""

    RESTART = "logging or validation was off"
    LOST = "digest files are missing"
    END = "no digest files"


@dataclass(frozen=True, slots=True)
class Gap:
    """
    A time of which no digest of a chain speaks.

    Args:
        chain: Which.
        since, until: From when to when.
        kind: Why. RESTART: the chain begins anew after it, as CloudTrail has signed. LOST: the next digest names one
            that is not there. END: from the newest digest to the end of the time asked for.
        changes: Changes to trails that may explain it.
    """

    chain: ChainName
    since: datetime
    until: datetime
    kind: GapKind
    changes: tuple[TrailChange, ...] = ()


Result = DigestResult | LogResult | Gap


@dataclass(slots=True)
class ChainSummary:
    """Counts of one chain: digests and log files by verdict, and the time its valid digests speak of."""

    digests: Counter[Verdict] = field(default_factory=Counter)
    logs: Counter[Verdict] = field(default_factory=Counter)
    since: datetime | None = None
    until: datetime | None = None


@dataclass(slots=True)
class Summary:
    """
    Counts of a whole run.

    Args:
        chains: By chain.
        digests, logs: All of them, by verdict.
        uncovered: Log files that no digest speaks of, by account, Region and reason.
        beyond_aws: Files that are invalid and of which the AWS CLI does not say so.
        gaps: How many.
    """

    chains: dict[ChainName, ChainSummary] = field(default_factory=dict)
    digests: Counter[Verdict] = field(default_factory=Counter)
    logs: Counter[Verdict] = field(default_factory=Counter)
    uncovered: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    beyond_aws: int = 0
    gaps: int = 0

    def add(self, result: Result) -> None:
        """Count a result."""
        if isinstance(result, Gap):
            self.gaps += 1
            return
        self.beyond_aws += result.verdict.is_invalid and result.aws in ("", AWS_VALID)
        if isinstance(result, DigestResult):
            self.digests[result.verdict] += 1
            chain = self.chains.setdefault(result.chain, ChainSummary())
            chain.digests[result.verdict] += 1
            if result.verdict is Verdict.VALID and result.start and result.end:
                chain.since = min(chain.since or result.start, result.start)
                chain.until = max(chain.until or result.end, result.end)
            return
        self.logs[result.verdict] += 1
        if result.chain is not None:
            self.chains.setdefault(result.chain, ChainSummary()).logs[result.verdict] += 1
        elif result.verdict is Verdict.UNCOVERED:
            self.uncovered[result.account, result.region, result.reason] += 1

    @property
    def invalid(self) -> int:
        """Files that are modified, missing or unlisted."""
        return sum(n for counts in (self.digests, self.logs) for verdict, n in counts.items() if verdict.is_invalid)

    @property
    def unverifiable(self) -> int:
        """Files that could not be verified although a digest is there."""
        return self.digests[Verdict.UNVERIFIABLE] + self.logs[Verdict.UNVERIFIABLE]
