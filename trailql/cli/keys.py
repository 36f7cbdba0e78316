"""`trailql keys`: the public keys that digest files are signed with."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from trailql.cli.options import (
    ExternalId,
    Profile,
    RoleArn,
    Since,
    Until,
    aws_access,
    chosen_regions,
    span,
)
from trailql.errors import UsageError
from trailql.report.text import count_of, visible

app = typer.Typer(no_args_is_help=True, help="The public keys that digest files are signed with.")
_DAYS = 365


@app.callback()
def _group() -> None:
    """The public keys that digest files are signed with."""


@app.command()
def save(
    file: Annotated[Path, typer.Argument(help="Where to; keys that it holds already stay.", metavar="FILE")],
    region: Annotated[
        list[str] | None, typer.Option("--region", help="Region of the digest files; repeatable.")
    ] = None,
    since: Since = None,
    until: Until = None,
    profile: Profile = None,
    role_arn: RoleArn = None,
    external_id: ExternalId = None,
) -> None:
    """
    Fetch CloudTrail's public keys and keep them in a file, for `trailql verify` where there is no network.

    Each Region has its own. Without --since those of the last year.

    Example: trailql keys save keys.json --region eu-west-1 --region us-east-1 --since 2026-01-01
    """
    from trailql.integrity.keys import SIGNED_WITHIN, key_from_api, save_public_keys
    from trailql.sources.aws import Aws
    from trailql.sources.public_keys import list_public_keys

    regions = sorted(chosen_regions(region))
    if not regions:
        raise UsageError("--region is missing: each Region has its own keys", hint="--region eu-west-1")
    now = datetime.now(UTC).replace(microsecond=0)
    begin, end = span(since, until)
    aws = Aws(aws_access(profile, role_arn, external_id, None, False))
    keys = []
    for name in regions:
        found = list_public_keys(aws, name, begin or now - timedelta(days=_DAYS), (end or now) + SIGNED_WITHIN)
        print(f"{name}: {count_of(len(found), 'key')}", file=sys.stderr)
        keys += [key_from_api(entry, name) for entry in found]
    total = save_public_keys(keys, file)
    print(f"{count_of(total, 'key')} in {visible(str(file))}", file=sys.stderr)
