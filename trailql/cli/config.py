"""`trailql config`: look at trailql.toml, check it, begin one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from trailql.cli.hunt import ConfigFile
from trailql.errors import UsageError
from trailql.report.rows import write_text
from trailql.report.text import count_of, visible

app = typer.Typer(no_args_is_help=True, help="Look at trailql.toml, check it, begin one.")


@app.command()
def check(config: ConfigFile = None) -> None:
    """
    Check the whole file: keys, values, detections, exceptions, files it names, and whether its secrets can be had.

    Exit code 2 when something is wrong, 3 when a secret is not there.

    Example: trailql config check --config trailql.toml
    """
    from trailql.hunt.config import read_hunt
    from trailql.hunt.looking import rules_of
    from trailql.hunt.settings_shown import missing_secrets

    path = _path(config)
    settings = read_hunt(path, is_needed=False)
    rules = rules_of(settings)
    problems = missing_secrets(settings)
    for text in problems:
        print(visible(f"{path}: {text}"), file=sys.stderr)
    if not (settings.sources or settings.queue):
        print(f"{path}: hunt.sources and hunt.queue are missing: nothing is ingested", file=sys.stderr)
    if not settings.sinks:
        print(f"{path}: hunt.sinks is missing: nobody is told", file=sys.stderr)
    sinks = count_of(len(settings.sinks), "sink")
    told = f"{count_of(len(rules.detections), 'detection')}, {count_of(len(rules.tuning.exceptions), 'exception')}"
    print(visible(f"{path}: {told}, {sinks}"), file=sys.stderr)
    if problems:
        raise typer.Exit(3)


@app.command()
def show(config: ConfigFile = None) -> None:
    """
    Print what [hunt] means, with what is left out filled in. Secrets are shown by where they come from.

    Example: trailql config show --config trailql.toml
    """
    from trailql.hunt.config import read_hunt
    from trailql.hunt.settings_shown import shown
    from trailql.report.text import json_text, plain

    found = {name: value for name, value in shown(read_hunt(_path(config))).items() if value is not None}
    write_text(json_text(plain(found), indent=2) + "\n", None)


@app.command()
def init(
    output: Annotated[Path, typer.Option("--output", help="The file to write.")] = Path("trailql.toml"),
) -> None:
    """
    Write a trailql.toml to begin with; a file that is there is left alone.

    Example: trailql config init --output trailql.toml
    """
    from trailql.hunt.settings_shown import TEMPLATE

    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise UsageError("it is there already", at=str(output), hint="--output other.toml") from None
    except OSError as error:
        raise UsageError(f"cannot be written: {(error.strerror or str(error)).lower()}", at=str(output)) from error
    print(f"{output} is written; look through it, then: trailql config check", file=sys.stderr)


def _path(config: Path | None) -> Path:
    from trailql.detect.tuning import tuning_file

    path = tuning_file(config)
    if path is None:
        raise UsageError("there is no trailql.toml", hint="trailql config init")
    return path
