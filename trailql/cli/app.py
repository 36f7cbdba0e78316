"""The command line: one file per command, and the one place where errors become words and exit codes."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from trailql.cli import (
    case,
    config,
    coverage,
    detect,
    export,
    findings,
    hunt,
    iam_policy,
    ingest,
    insights,
    keys,
    lake,
    profile,
    query,
    report,
    resource,
    rules,
    shell,
    tables,
    timeline,
    trace,
    verify,
)
from trailql.cli.streams import ReaderGone, drop_stdout, watch_stdout
from trailql.errors import OutputError, TrailqlError
from trailql.report.text import tell


class _Interrupted(Exception):
    """Ctrl-C: Typer ends without a word at a KeyboardInterrupt, so its commands do not let one out."""


class _Commands(TyperGroup):
    def invoke(self, context: Any) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            raise _Interrupted from None


_CALCULATE = frozenset({"case", "hunt", "insights", "timeline"})
"""Commands that look for insights, which takes numpy."""


class _NotNeeded:
    """pyarrow loads numpy and pandas where they are installed, and seldom needs them: 0.3 s that can be spared."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name in {"numpy", "pandas"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


app = typer.Typer(
    name="trailql",
    cls=_Commands,
    help="The CloudTrail lake you own: log files in, SQL, detections and insights out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog="Example: trailql ingest ./AWSLogs && trailql detect",
)
app.command()(ingest.ingest)
app.command()(query.query)
app.command()(shell.shell)
app.command()(tables.tables)
app.command()(tables.describe)
app.command()(export.export)
app.command()(detect.detect)
app.add_typer(insights.app, name="insights")
app.command()(coverage.coverage)
app.command()(trace.trace)
app.command()(timeline.timeline)
app.command()(case.case)
app.command()(profile.profile)
app.command()(resource.resource)
app.command()(verify.verify)
app.command()(hunt.hunt)
app.add_typer(findings.app, name="findings")
app.add_typer(config.app, name="config")
app.add_typer(keys.app, name="keys")
app.add_typer(lake.app, name="lake")
app.add_typer(report.app, name="report")
app.add_typer(rules.app, name="rules")
app.command("iam-policy")(iam_policy.iam_policy)


@app.callback(invoke_without_command=True)
def _common(
    context: typer.Context, version: bool = typer.Option(False, "--version", help="Print the version.")
) -> None:
    if version:
        from trailql import __version__

        typer.echo(f"trailql {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; a TrailqlError becomes a message on stderr and its exit code."""
    _keep_freed_memory()
    if not _CALCULATE.intersection(sys.argv[1:2]):
        sys.meta_path.insert(0, _NotNeeded())
    watch_stdout()
    try:
        try:
            app(standalone_mode=True)
        finally:
            sys.stdout.flush()
    except TrailqlError as error:
        if isinstance(error, OutputError):
            drop_stdout()
        tell(error)
        raise SystemExit(error.exit_code) from None
    except ReaderGone:
        drop_stdout()  # nothing is wrong
        raise SystemExit(0) from None
    except (_Interrupted, RuntimeError) as error:
        # DuckDB, interrupted while it answers, says so in an error of its own.
        if not isinstance(error, _Interrupted) and "Query interrupted" not in str(error):
            raise
        print("trailql: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    finally:
        gc.freeze()  # the process ends: nothing has to be searched for cycles before


def _keep_freed_memory() -> None:
    """
    Allocators hand memory back to the system as soon as they can, and every batch then pays for fresh pages again.

    Arrow's reads its environment when pyarrow is loaded, which the commands do later; glibc's is told by `mallopt`.
    """
    os.environ.setdefault("MIMALLOC_ALLOW_LARGE_OS_PAGES", "1")
    trim_threshold, mmap_threshold = -1, -3
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # not glibc: nothing to tell
        return
    mallopt(mmap_threshold, 32 * 1024 * 1024)
    mallopt(trim_threshold, 1024 * 1024 * 1024)
