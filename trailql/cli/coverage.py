"""`trailql coverage`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from trailql.cli.options import Lake, Output, OutputFormat, Since, Until, chosen_accounts, chosen_regions, span
from trailql.cli.streams import as_far_as_read
from trailql.errors import UsageError
from trailql.report.coverage import By, write_coverage
from trailql.report.rows import Format


def coverage(
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    account: Annotated[list[str] | None, typer.Option("--account", help="Only this account; repeatable.")] = None,
    region: Annotated[list[str] | None, typer.Option("--region", help="Only this Region; repeatable.")] = None,
    by: Annotated[By, typer.Option("--by", help="What a row is; json holds all three.")] = By.REGION,
    min_silence: Annotated[
        int, typer.Option("--min-silence", help="Hours without a delivery that are no hole, whoever it is.", min=1)
    ] = 3,
    chance: Annotated[
        float, typer.Option("--chance", help="How many holes to accept that are chance, in the whole lake.")
    ] = 0.001,
    chart: Annotated[bool, typer.Option("--chart", help="Draw the days of each account and Region.")] = False,
    limit: Annotated[int, typer.Option("--limit", help="Most rows of each table and md; 0 for all.", min=0)] = 40,
    format: OutputFormat = Format.TABLE,
    output: Output = None,
    fail_on_gap: Annotated[bool, typer.Option("--fail-on-gap", help="Exit with code 1 when there is a hole.")] = False,
) -> None:
    """
    Show what was delivered, and where the logs have holes.

    A hole is a silence that an account's or Region's own habits do not explain. Where --since is given without --until,
    silence up to now counts. Without any log file there is nothing to be sure of: --fail-on-gap is met.

    Example: trailql coverage --since 7d --fail-on-gap
    """
    from trailql.forensics.coverage import find_coverage, open_for_coverage
    from trailql.lake.lake import open_lake_folder

    if not format.is_text:
        raise UsageError("coverage is printed as table, json, jsonl, csv or md")
    if not 0 < chance < 1:
        raise UsageError("--chance lies between 0 and 1", hint="--chance 0.001")
    begin, end = span(since, until)
    if begin and begin > datetime.now(UTC):
        raise UsageError(f"--since {since} has not come yet", hint="--since 7d")
    with open_for_coverage(open_lake_folder(lake), begin, end) as opened:
        found = find_coverage(
            opened,
            begin,
            end,
            accounts=chosen_accounts(account),
            regions=chosen_regions(region),
            least_hours=min_silence,
            chance=chance,
        )
    with as_far_as_read():
        write_coverage(found, format, output, by=by, limit=limit, chart=chart)
    if fail_on_gap and not found.is_complete:
        raise typer.Exit(1)
