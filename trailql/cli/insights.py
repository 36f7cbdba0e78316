"""`trailql insights`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trailql.cli.options import Lake, Output, OutputFormat, Quiet, Since, Until, span
from trailql.errors import UsageError
from trailql.report.rows import Format
from trailql.report.text import count_of, tell

if TYPE_CHECKING:
    from trailql.insights.anomaly import Insight
    from trailql.insights.find import History


app = typer.Typer(invoke_without_command=True)
_VERDICTS = ("both", "only AWS", "only ours")
_Id = Annotated[str, typer.Argument(help="The insight's id, or how it begins.", metavar="ID")]


@app.callback()
def insights(
    context: typer.Context,
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    baseline: Annotated[int, typer.Option("--baseline", help="Days of history to compare with.", min=7)] = 28,
    false_rate: Annotated[
        float, typer.Option("--false-rate", help="Insights to expect per account and week where nothing is unusual.")
    ] = 0.5,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="all, aws (CloudTrail's own two), or calls, errors, writes, reads, refusals (by principal), "
            "resources, new_apis, regions; again for another. By default all; of a file, aws.",
        ),
    ] = None,
    from_rates: Annotated[
        Path | None,
        typer.Option("--from-rates", help="Parquet file of minute counts to look at instead of a lake's events."),
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the insights, and the minute counts they come from, in the lake.")
    ] = False,
    format: OutputFormat = Format.TABLE,
    output: Output = None,
    quiet: Quiet = False,
) -> None:
    """
    Find unusual rates of API calls and errors, as CloudTrail Insights does, over any past window.

    "instead of" is what the days before allow for; "by chance" how often a week of the account would bring such an
    insight by itself. json and jsonl print AWS's own record shape, a Start and an End record for each insight.

    Example: trailql insights --since 7d --format jsonl
    """
    if context.invoked_subcommand:
        return
    from trailql.cli.streams import as_far_as_read
    from trailql.insights.find import Asked, find_insights_in_rates, kinds_named
    from trailql.insights.run import find_insights_and_history

    _check_format(format)
    if from_rates and save:
        raise UsageError("--save keeps what was found in a lake, --from-rates reads none")
    begin, end = span(since, until)
    asked = Asked(begin, end, baseline, false_rate, kinds_named(kind or ["aws" if from_rates else "all"]))
    if from_rates:
        found, history = find_insights_in_rates(from_rates, asked)
    else:
        told = None if quiet or not sys.stderr.isatty() else _tell_progress
        found, history = find_insights_and_history(lake, asked, save=save, on_progress=told)
    with as_far_as_read():
        _write(found, format, output)
    _tell_history(history)


@app.command("list")
def list_(
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    format: OutputFormat = Format.TABLE,
    output: Output = None,
) -> None:
    """
    List the insights that are kept in the lake (trailql insights --save), with their ids.

    Example: trailql insights list --since 30d
    """
    from trailql.cli.streams import as_far_as_read
    from trailql.report.findings import insight_rows
    from trailql.report.rows import write_values

    if format not in (Format.TABLE, Format.CSV, Format.MD):
        raise UsageError("a list is printed as table, csv or md", hint="trailql insights export prints records")
    found = _kept(lake, since, until)
    names, rows = insight_rows(found)
    with as_far_as_read():
        ids = [[insight.id[:8], *row] for insight, row in zip(found, rows, strict=True)]
        write_values(["id", *names], ids, format, output, whole=("id",))
    if format is Format.TABLE and not output:
        print(count_of(len(found), "insight"), file=sys.stderr)


@app.command()
def export(
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    format: OutputFormat = Format.JSONL,
    output: Output = None,
) -> None:
    """
    Print the kept insights as AWS's own records, a Start and an End record for each.

    Example: trailql insights export --format json --output insights.json
    """
    from trailql.insights.anomaly import insight_records
    from trailql.report.rows import write_objects, write_text
    from trailql.report.text import json_text

    if format not in (Format.JSON, Format.JSONL):
        raise UsageError("records are printed as json or jsonl", hint="trailql insights list prints a table")
    records = [record for insight in _kept(lake, since, until) for record in insight_records(insight)]
    if format is Format.JSON:
        write_text(json_text({"Records": records}, indent=2) + "\n", output)
    else:
        write_objects(records, format, output)


@app.command()
def explain(
    id: _Id,
    lake: Lake = "lake",
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the curve into this file as well: .html, .svg or .png.")
    ] = None,
) -> None:
    """
    Explain an insight: the evidence, the curve over the band of the days before, who was behind it.

    Example: trailql insights explain 7a0d2c11 --plot insight.html
    """
    from trailql.insights.run import curve_in
    from trailql.insights.store import kept_insight
    from trailql.lake.lake import open_lake_folder
    from trailql.report.curve import check_plot, insight_text, write_plot
    from trailql.report.rows import terminal_width, write_text

    if plot:
        check_plot(plot)
    insight = kept_insight(open_lake_folder(lake), id)
    curve = curve_in(lake, insight)
    write_text(insight_text(insight, curve, terminal_width() or 100), None)
    if plot:
        write_plot(insight, curve, plot)
        print(f"drawn into {plot}", file=sys.stderr)


@app.command()
def compare(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Copies of the bucket: folders, files, archives. Without, what the lake has ingested."),
    ] = None,
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    false_rate: Annotated[
        float, typer.Option("--false-rate", help="Insights of ours to expect per account and week by chance.")
    ] = 0.5,
    format: OutputFormat = Format.TABLE,
    output: Output = None,
) -> None:
    """
    Compare CloudTrail's own Insights with ours: those in the lake (table aws_insights), or in a copy of the bucket.

    Ours are those of --kind aws, CloudTrail's own two.

    Example: trailql insights compare --since 30d

    Example: trailql insights compare evidence/AWSLogs --lake case-17
    """
    from trailql.cli.streams import as_far_as_read
    from trailql.insights.compare import compared, kept_aws_insights, read_aws_insights
    from trailql.insights.find import Asked
    from trailql.insights.kinds import AWS_KINDS
    from trailql.insights.run import find_insights_and_history
    from trailql.lake.lake import open_lake_folder
    from trailql.report.findings import compared_rows
    from trailql.report.rows import write_values

    _check_format(format)
    begin, end = span(since, until)
    theirs, bad = read_aws_insights(sources) if sources else (kept_aws_insights(open_lake_folder(lake)), [])
    theirs = [each for each in theirs if (begin is None or each.end > begin) and (end is None or each.start < end)]
    ours, history = find_insights_and_history(
        lake, Asked(begin, end, false_per_account_week=false_rate, kinds=AWS_KINDS)
    )
    pairs = compared(theirs, ours)
    with as_far_as_read():
        write_values(*compared_rows(pairs), format, output)
    for error in bad:
        tell(error)
    if format is Format.TABLE and not output:
        counts = {verdict: sum(pair.verdict == verdict for pair in pairs) for verdict in _VERDICTS}
        print(", ".join(f"{count:,} {verdict}" for verdict, count in counts.items()), file=sys.stderr)
    if not theirs:
        where = "the sources" if sources else "the lake (table aws_insights)"
        when = " in that time" if begin or end else ""
        print(f"no Insights of CloudTrail's own in {where}{when}", file=sys.stderr)
    _tell_history(history)
    if bad:
        raise typer.Exit(3)


def _kept(lake: str, since: str | None, until: str | None) -> list[Insight]:
    from trailql.insights.store import kept_insights
    from trailql.lake.lake import open_lake_folder

    begin, end = span(since, until)
    return [
        each
        for each in kept_insights(open_lake_folder(lake))
        if (begin is None or each.end > begin) and (end is None or each.start < end)
    ]


def _check_format(format: Format) -> None:
    if not format.is_text:
        raise UsageError("insights are printed as table, json, jsonl, csv or md")


def _write(found: list[Insight], format: Format, output: Path | None) -> None:
    from trailql.insights.anomaly import insight_records
    from trailql.report.findings import insight_rows
    from trailql.report.rows import write_objects, write_values

    if format in (Format.JSON, Format.JSONL):
        records: list[dict[str, Any]] = [record for insight in found for record in insight_records(insight)]
        write_objects(records, format, output)
    else:
        names, rows = insight_rows(found, is_folded=format is Format.TABLE and not output)
        write_values(names, rows, format, output)
    if format is Format.TABLE and not output:
        folded = f" in {count_of(len(rows), 'row')}; --format csv shows each" if len(rows) < len(found) else ""
        print(f"{count_of(len(found), 'insight')}{folded}", file=sys.stderr)


def _tell_progress(done: int, all: int) -> None:
    print(f"\r{done:,} of {all:,} days counted", end="\n" if done == all else "", file=sys.stderr, flush=True)


def _tell_history(history: History) -> None:
    """Say what could not be looked at."""
    from trailql.insights.surprise import LEAST_DAYS

    if history.accounts > history.enough:
        print(_too_little(history, LEAST_DAYS), file=sys.stderr)
    elif not history.accounts:
        print("no events in that time", file=sys.stderr)


def _too_little(history: History, needed: int) -> str:
    """What could not be tested, and why."""
    rule = f"{needed} are needed (days with events before the day that is tested, the first one not counted)"
    if not history.enough:
        days = count_of(history.most_days, "day")
        return f"too little history, nothing was tested: there are {days} of baseline, {rule}"
    short = history.accounts - history.enough
    return f"{short:,} of {history.accounts:,} accounts have too little history and were not tested: {rule}"
