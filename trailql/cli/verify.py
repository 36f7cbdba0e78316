"""`trailql verify`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trailql.cli.options import (
    EndpointUrl,
    ExternalId,
    Output,
    Profile,
    Quiet,
    RequestPayer,
    RoleArn,
    Since,
    Until,
    aws_access,
    chosen_accounts,
    chosen_regions,
    span,
)
from trailql.cli.streams import as_far_as_read
from trailql.errors import SourceError, UsageError
from trailql.report.rows import Format
from trailql.report.text import count_of, visible

if TYPE_CHECKING:
    from trailql.forensics.trail_changes import TrailChange
    from trailql.integrity.evidence import Evidence
    from trailql.integrity.keys import PublicKeys
    from trailql.integrity.names import ChainName
    from trailql.integrity.verdict import Gap, Result, Summary
    from trailql.integrity.verify import KeysFor, Scope, Verification
    from trailql.lake.lake import Lake
    from trailql.sources.aws import Aws

_READERS = {"bucket": 16, "copies": 2}
_EXAMPLE = "trailql verify ./AWSLogs --public-keys keys.json"


class VerifyFormat(StrEnum):
    """Output formats; `aws` is that of `aws cloudtrail validate-logs`."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    AWS = "aws"


def verify(
    source: Annotated[
        str | None,
        typer.Argument(
            help="Folder, archive, or s3://bucket/prefix; with --lake only the digest files are read from it.",
            metavar="[SOURCE]",
        ),
    ] = None,
    lake: Annotated[
        str | None,
        typer.Option("--lake", help="Verify what this lake was made of, by its ledger, and note the verdicts there."),
    ] = None,
    public_keys: Annotated[
        list[Path] | None,
        typer.Option("--public-keys", help="File of keys: `trailql keys save`, `aws cloudtrail list-public-keys`."),
    ] = None,
    since: Since = None,
    until: Until = None,
    account: Annotated[list[str] | None, typer.Option("--account", help="Only this account; repeatable.")] = None,
    region: Annotated[list[str] | None, typer.Option("--region", help="Only this Region; repeatable.")] = None,
    trail: Annotated[list[str] | None, typer.Option("--trail", help="Only this trail, name or ARN.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="List valid files as well.")] = False,
    limit: Annotated[int, typer.Option("--limit", help="Most files listed in a table; 0 for all.", min=0)] = 40,
    format: Annotated[VerifyFormat, typer.Option("--format", help="How to print the result.")] = VerifyFormat.TABLE,
    output: Output = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="With --lake: note nothing in the ledger.")] = False,
    quiet: Quiet = False,
    profile: Profile = None,
    role_arn: RoleArn = None,
    external_id: ExternalId = None,
    endpoint_url: EndpointUrl = None,
    request_payer: RequestPayer = False,
) -> None:
    """
    Verify log files with CloudTrail's digest files: signatures, the chain of digests, and every file they list.

    Exit code 1 when a file is modified, missing or unlisted; 3 when none is, and something could not be verified.

    Example: trailql verify ./AWSLogs --public-keys keys.json

    Example: trailql verify s3://central-trail-bucket --since 7d --format aws

    Example: trailql verify --lake case-17 --public-keys keys.json
    """
    from trailql.integrity.keys import PublicKeys, load_public_keys
    from trailql.integrity.verify import Scope, Verification
    from trailql.sources.aws import Aws
    from trailql.sources.s3 import is_s3_uri

    if source is None and lake is None:
        raise UsageError("nothing to verify", hint=_EXAMPLE)
    if format is VerifyFormat.AWS and output:
        raise UsageError("--format aws prints as the AWS CLI does, which writes no file", hint="a pipe: > FILE")
    begin, end = span(since, until)
    is_remote = bool(source and is_s3_uri(source))
    if is_remote and end is None:
        end = datetime.now(UTC).replace(microsecond=0)
    scope = Scope(
        begin, end, chosen_accounts(account), chosen_regions(region), frozenset(map(_trail_name, trail or ()))
    )
    aws = Aws(aws_access(profile, role_arn, external_id, endpoint_url, request_payer))
    keys = PublicKeys([key for path in public_keys or () for key in load_public_keys(path)]) if public_keys else None
    keys_for = _given(keys) if keys is not None else _fetched(aws) if is_remote else _given(PublicKeys(()))
    if keys is None and not is_remote:
        print("no --public-keys: no signature can be checked (trailql keys save FILE --region REGION)", file=sys.stderr)
    with ExitStack() as open_things:
        opened = _opened_lake(lake, aws) if lake else None
        evidence = _evidence(source, opened, aws, scope, open_things)
        with _progress(quiet) as on_progress:
            found = Verification(
                evidence,
                keys_for,
                scope,
                readers=_READERS["bucket" if is_remote else "copies"],
                on_progress=on_progress,
            )
            verdicts: list[tuple[str, str, str, str | None]] = []
            results = _noting(found.results(), verdicts) if opened and not read_only else found.results()
            is_invalid = _write(results, found, _explainer(found, opened), scope, format, output, verbose, limit, trail)
        if opened and not read_only:
            _note(opened, verdicts, quiet)
    _tell_unreadable(evidence)
    if format is VerifyFormat.AWS:
        if beyond := found.summary.beyond_aws:
            told = f"{count_of(beyond, 'more file')} invalid, of which the AWS CLI does not say so"
            print(f"{told}: see --format table", file=sys.stderr)
        raise typer.Exit(1 if is_invalid or found.summary.invalid else 0)
    if not found.summary.digests:
        raise SourceError(
            "no digest files of that time, account, Region and trail are there",
            at=source or lake,
            hint="aws cloudtrail update-trail --name NAME --enable-log-file-validation has them delivered from now on",
        )
    raise typer.Exit(1 if found.summary.invalid else 3 if found.summary.unverifiable else 0)


def _write(
    results: Iterator[Result],
    found: Verification,
    explain: Callable[[Gap], Gap],
    scope: Scope,
    format: VerifyFormat,
    output: Path | None,
    verbose: bool,
    limit: int,
    trail: list[str] | None,
) -> bool:
    """Print while it is found; whether the AWS CLI would call something invalid."""
    from trailql.report.integrity import write_results
    from trailql.report.validate_logs import write_as_aws

    with as_far_as_read():
        if format is VerifyFormat.AWS:
            since = scope.since or datetime(1970, 1, 1, tzinfo=UTC)
            until = scope.until or datetime.now(UTC).replace(microsecond=0)
            arn = trail[0] if trail and len(trail) == 1 and trail[0].startswith("arn:") else ""
            return write_as_aws(results, since, until, arn=arn, verbose=verbose)
        write_results(
            results,
            found.summary,
            explain,
            Format(format.value),
            output,
            requested=(scope.since, scope.until),
            verbose=verbose,
            limit=limit,
        )
    return False


def _evidence(source: str | None, lake: Lake | None, aws: Aws, scope: Scope, open_things: ExitStack) -> Evidence:
    from trailql.integrity.bucket import InBucket
    from trailql.integrity.copies import Copies
    from trailql.sources.local import local_log_files
    from trailql.sources.s3 import is_s3_uri

    def of_source(place: str) -> Evidence:
        if is_s3_uri(place):
            return InBucket(
                place, aws, accounts=scope.accounts, regions=scope.regions, since=scope.since, until=scope.until
            )
        return Copies(local_log_files([place]))

    if lake is None:
        assert source is not None
        return of_source(source)
    from trailql.integrity.ledger import InLedger, digest_uris, seen_digests
    from trailql.lake.session import working_connection

    con = open_things.enter_context(working_connection(lake))
    if source is not None:
        return InLedger(con, lake, of_source(source))
    return InLedger(con, lake, Copies(seen_digests(digest_uris(con, lake), lake.root)))


def _opened_lake(lake: str, aws: Aws) -> Lake:
    from trailql.lake.lake import open_lake_folder
    from trailql.sources.s3 import is_s3_uri

    return open_lake_folder(lake, aws=aws if is_s3_uri(lake) else None)


def _given(keys: PublicKeys) -> KeysFor:
    return lambda chain, since, until: keys


def _fetched(aws: Aws) -> KeysFor:
    """Keys asked of AWS, once for each Region and time."""
    from trailql.integrity.keys import SIGNED_WITHIN, PublicKeys, key_from_api
    from trailql.sources.public_keys import list_public_keys

    known: dict[tuple[str, datetime, datetime], PublicKeys] = {}

    def fetch(chain: ChainName, since: datetime, until: datetime) -> PublicKeys:
        last = until + SIGNED_WITHIN
        if chain.is_backfill:  # signed whenever it was made up for
            last = max(last, datetime.now(UTC).replace(minute=0, second=0, microsecond=0))
        asked = (chain.region, since, last)
        if asked not in known:
            told = list_public_keys(aws, *asked)
            known[asked] = PublicKeys(key_from_api(entry, chain.region) for entry in told)
        return known[asked]

    return fetch


def _explainer(found: Verification, lake: Lake | None) -> Callable[[Gap], Gap]:
    """Adds to a gap the changes to trails in the lake, and in the log files that were read."""

    def explain(gap: Gap) -> Gap:
        return found.explained(gap, _changes_in_lake(lake, gap) if lake else ())

    return explain


def _changes_in_lake(lake: Lake, gap: Gap) -> list[TrailChange]:
    from trailql.forensics.trail_changes import trail_changes
    from trailql.query.engine import OpenLake

    since, until = gap.since - timedelta(hours=2), gap.until + timedelta(hours=2)
    with OpenLake(lake, since, until) as opened:
        return trail_changes(opened, since, until)


def _noting(results: Iterator[Result], verdicts: list[tuple[str, str, str, str | None]]) -> Iterator[Result]:
    from trailql.integrity.verdict import Gap

    for result in results:
        if not isinstance(result, Gap) and result.file:
            verdicts.append((result.file, result.version_tag, result.verdict.value, result.reason or None))
        yield result


def _note(lake: Lake, verdicts: list[tuple[str, str, str, str | None]], quiet: bool) -> None:
    from trailql.lake.integrity import write_integrity

    count = write_integrity(lake, verdicts)
    if not quiet:
        print(f"{count_of(count, 'verdict')} written to the ledger of {visible(lake.root)}", file=sys.stderr)


def _tell_unreadable(evidence: Evidence) -> None:
    for uri, problem in getattr(evidence, "unreadable", ()):
        print(f"not read: {visible(uri)}: {visible(problem)}", file=sys.stderr)


def _trail_name(text: str) -> str:
    return text.rpartition("/")[2]


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[Summary], None] | None]:
    """A line on stderr that says how far it is, and goes again."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    begun, shown = time.monotonic(), 0.0

    def show(summary: Summary) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - begun < 1 or now - shown < 0.2:
            return
        shown = now
        digests, logs = count_of(summary.digests.total(), "digest file"), count_of(summary.logs.total(), "log file")
        print(f"\r\033[K{digests}, {logs}, {summary.invalid:,} invalid", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        if shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
