"""`trailql rules`: look at the detections, and write ones of your own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from trailql.cli.choosing import Config, Packs, Rules, chosen_detections
from trailql.cli.options import Output, OutputFormat
from trailql.cli.streams import as_far_as_read
from trailql.errors import DetectionError, UsageError
from trailql.report.rows import Format, write_text, write_values
from trailql.report.text import count_of, visible

app = typer.Typer(no_args_is_help=True, help="Look at the detections, and write ones of your own.")

_Ids = Annotated[list[str] | None, typer.Argument(help="Ids, short names, or globs: 'iam.*'.", metavar="[ID…]")]


@app.command("list")
def list_rules(
    pack: Packs = None,
    rules: Rules = None,
    config: Config = None,
    format: OutputFormat = Format.TABLE,
    output: Output = None,
) -> None:
    """
    List the detections, or those of a pack.

    Example: trailql rules list --pack persistence
    """
    from trailql.detect.choice import tactics

    if not format.is_text:
        raise UsageError("detections are listed as table, json, jsonl, csv or md")
    chosen, _ = chosen_detections(rules=rules, packs=pack, config=config)
    names = ["id", "severity", "attack", "cis", "kind", "title"]
    rows: list[list[object]] = [
        [d.id, d.severity.name.lower(), " ".join(d.attack), d.file.header.get("cis", ""), d.kind, d.file.title]
        for d in chosen
    ]
    if format not in (Format.TABLE, Format.MD):
        names.append("tactics")
        rows = [[*row, list(tactics(each))] for row, each in zip(rows, chosen, strict=True)]
    with as_far_as_read():
        write_values(names, rows, format, output, whole=("id",))


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="Id or short name.", metavar="ID")],
    rules: Rules = None,
    config: Config = None,
    output: Output = None,
) -> None:
    """
    Show a detection: what its header says, its parameters, its samples and its SQL.

    Example: trailql rules show iam.user_created
    """
    from trailql.detect.choice import tactics
    from trailql.detect.samples import cases_of, samples_path

    chosen, _ = chosen_detections(rules=rules, only=[id], config=config)
    parts = []
    for each in chosen:
        told = {"id": each.id, "file": str(each.file.path), "kind": each.kind, **each.file.header}
        told["severity"] = each.severity.name.lower()
        told["tactics"] = ", ".join(tactics(each))
        lines = [f"{key}: {value}" for key, value in told.items() if value]
        for parameter in each.file.parameters:
            lines.append(f"parameter: {parameter.name} {parameter.type} = {parameter.default}  {parameter.meaning}")
        if samples_path(each.file.path).exists():
            for case in cases_of(each.id, each.file.path):
                lines.append(f"{'fires' if case.fires else 'quiet'}: {case.name}")
        parts.append("\n".join([*map(visible, lines), "", *map(visible, each.file.sql.splitlines())]) + "\n")
    with as_far_as_read():
        write_text("\n".join(parts), output)


@app.command("test")
def try_rules(ids: _Ids = None, rules: Rules = None) -> None:
    """
    Run detections over their samples: those of --rules, or the bundled ones; exit code 1 if a case fails.

    Example: trailql rules test --rules rules
    """
    from trailql.detect.catalog import bundled_detections
    from trailql.detect.choice import choose
    from trailql.detect.own import own_detections
    from trailql.detect.trial import try_samples

    chosen = choose(own_detections(rules) if rules else bundled_detections(), only=ids or ())
    trials = try_samples(chosen)
    failed = [each for each in trials if each.failure]
    with as_far_as_read():
        for each in failed:
            kind = "fires" if each.case.fires else "quiet"
            write_text(visible(f"{each.case.detection}: {kind}: {each.case.name}: {each.failure}") + "\n", None)
    cases = count_of(len(trials), "case")
    print(f"{cases} of {count_of(len(chosen), 'detection')}, {len(failed):,} failed", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


@app.command()
def new(
    id: Annotated[str, typer.Argument(help="<service>.<what_happened>", metavar="SERVICE.NAME")],
    rules: Annotated[Path, typer.Option("--rules", help="Folder of your own detections; made if it is not there.")],
) -> None:
    """
    Begin a detection: write its SQL and its samples, to be filled in where they say TODO.

    Example: trailql rules new iam.break_glass_used --rules rules
    """
    from trailql.detect.template import write_template

    for path in write_template(id, rules):
        write_text(f"{path}\n", None)
    print(f"fill in what says TODO, then: trailql rules lint {rules}", file=sys.stderr)


@app.command()
def lint(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders; the bundled detections without.", metavar="[PATH…]")
    ] = None,
    notes: Annotated[bool, typer.Option("--notes", help="Print what is worth knowing, too.")] = False,
) -> None:
    """
    Say what is wrong with detections, and where: header, SQL, parameters, samples; exit code 7 if anything is.

    Example: trailql rules lint rules
    """
    from trailql.detect.lint import files_to_lint
    from trailql.detect.lint import lint as look_through

    files = files_to_lint(paths or ())
    remarks = list(look_through(files))
    wrong = [each for each in remarks if not each.is_note]
    with as_far_as_read():
        for each in remarks if notes else wrong:
            note = "note: " if each.is_note else ""
            write_text(visible(f"{_near(each.path)}:{each.line}: {note}{each.message}") + "\n", None)
    told = f"{count_of(len(files), 'detection')}, {count_of(len(wrong), 'thing')} to mend"
    noted = len(remarks) - len(wrong)
    print(told + (f", {count_of(noted, 'note')} (--notes)" if noted and not notes else ""), file=sys.stderr)
    if wrong:
        raise typer.Exit(DetectionError.exit_code)


def _near(path: Path) -> str:
    """The path as seen from here, where that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)
