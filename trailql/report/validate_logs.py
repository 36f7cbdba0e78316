"""
Results as `aws cloudtrail validate-logs` prints them: its lines, its counts, its streams.

Valid files stand on standard output and only when asked for, everything else on standard error, as it does it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from trailql.integrity.names import ChainName
from trailql.integrity.verdict import AWS_VALID, DigestResult, Gap, GapKind, LogResult, Result
from trailql.report.rows import write_text
from trailql.report.text import iso, visible

_NAMES = ("digest", "backfill digest", "log")


@dataclass(slots=True)
class _Block:
    """What is printed of one trail in one account and Region."""

    since: datetime
    until: datetime
    valid: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None
    ends_blank: bool = True


def write_as_aws(
    results: Iterable[Result], since: datetime, until: datetime, *, arn: str = "", verbose: bool = False
) -> bool:
    """
    Print results, a block for each trail, account and Region.

    Args:
        results: What is found, while it is found.
        since, until: The time asked for.
        arn: The trail's, where it was told.
        verbose: Valid files as well.

    Returns:
        Whether the AWS CLI would find something invalid, and end with 1.
    """
    block, home, is_invalid = _Block(since, until), None, False
    for result in results:
        if result.chain is None:
            continue
        ours = (result.chain.account, result.chain.region, result.chain.trail, result.chain.home_region)
        if ours != home:
            if home is not None:
                is_invalid = _finish(block) or is_invalid
                write_text("\n", None)
            block, home = _Block(since, until), ours
            _begin(arn or _arn(result.chain), block)
        if isinstance(result, Gap):
            if result.kind is GapKind.RESTART:
                between = f"{iso(result.since)} and {iso(result.until)}"
                prefix = "(backfill) " if result.chain.is_backfill else ""
                _error(f"{prefix}No log files were delivered by CloudTrail between {between}", block)
        else:
            _file(result, block, verbose)
    if home is None:
        _begin(arn, block)
    return _finish(block) or is_invalid


def _begin(arn: str, block: _Block) -> None:
    trail = f"trail {arn} " if arn else ""
    head = f"Validating log files for {trail}between {iso(block.since)} and {iso(block.until)}\n\n"
    write_text(visible_lines(head), None)


def _file(result: DigestResult | LogResult, block: _Block, verbose: bool) -> None:
    if not result.aws or result.chain is None:
        return
    name = "log"
    if isinstance(result, DigestResult):
        name = "backfill digest" if result.chain.is_backfill else "digest"
    block.total[name] += 1
    what = {"log": "Log file", "digest": "Digest file", "backfill digest": "(backfill) Digest file"}[name]
    line = f"{what}\t{result.uri}\t{result.aws}"
    if result.aws != AWS_VALID:
        _error(line, block)
        return
    block.valid[name] += 1
    if isinstance(result, DigestResult) and result.start and result.end:
        block.first = min(block.first or result.start, result.start)
        block.last = max(block.last or result.end, result.end)
    if verbose:
        write_text(visible_lines(line) + "\n", None)
        block.ends_blank = False


def _error(line: str, block: _Block) -> None:
    sys.stdout.flush()
    sys.stderr.write(("" if block.ends_blank else "\n") + visible_lines(line) + "\n\n")
    sys.stderr.flush()
    block.ends_blank = True


def _finish(block: _Block) -> bool:
    lines = [] if block.ends_blank else [""]
    lines.append(f"Results requested for {iso(block.since)} to {iso(block.until)}")
    if not block.total.total():
        lines.append("No digests found")
    elif block.first is None or block.last is None:
        lines.append("No valid digests found in range")
    else:
        first, last = max(block.first, block.since), min(block.last, block.until)
        lines.append(f"Results found for {iso(first)} to {iso(last)}:")
    write_text("\n".join(lines) + "\n", None)
    counted = []
    for name in _NAMES:
        total, valid = block.total[name], block.valid[name]
        if total:
            invalid = f", {total - valid}/{total} {name} files INVALID" if valid < total else ""
            counted.append(f"{valid}/{total} {name} files valid{invalid}\n")
    if counted:
        write_text("\n" + "".join(counted), None)
    return block.total.total() > block.valid.total()


def visible_lines(text: str) -> str:
    """Made harmless for terminals; tabs and ends of lines are the form's own."""
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in text.split("\n"))


def _arn(chain: ChainName) -> str:
    """The trail's ARN, as far as a digest's name tells: an organization's trail belongs to another account."""
    partition = next(
        (name for start, name in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")) if chain.region.startswith(start)),
        "aws",
    )
    return f"arn:{partition}:cloudtrail:{chain.home_region}:{chain.account}:trail/{chain.trail}"
