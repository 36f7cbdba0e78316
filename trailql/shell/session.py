"""A conversation with a lake: statements and dot commands in, answers out. No terminal is needed for it."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from trailql.errors import OutputError, QueryError, TrailqlError, UsageError
from trailql.lake.describe import table_summaries
from trailql.query.describe import describe_table
from trailql.query.engine import OpenLake
from trailql.query.library import SqlFile, bundled_files, did_you_mean, find_bundled
from trailql.report.progress import query_progress
from trailql.report.rows import Format, render, render_values, terminal_width, write_rows
from trailql.report.table import fold
from trailql.report.tables import columns_text, table_rows
from trailql.report.text import count_of, tell, visible
from trailql.shell import pager
from trailql.shell.words import COMMANDS, topics

_IN_THE_SHELL = {
    "trailql describe events": ".schema events",
    "trailql describe TABLE": ".schema TABLE",
    "trailql query --list": ".queries",
    "trailql tables": ".tables",
}
"""What hints name, and how the shell calls it."""


class Leave(Exception):
    """`.quit`."""


@dataclass(slots=True)
class Settings:
    """
    How answers are written.

    Args:
        format: A format that is text.
        wide: One record below the other.
        limit: Most rows shown; None for all.
        timer: Say how long it took.
        output: Where the next answer goes, instead of the screen.
    """

    format: Format = Format.TABLE
    wide: bool = False
    limit: int | None = None
    timer: bool = False
    output: Path | None = None


class Session:
    """
    A lake, opened, and how its answers are to be written. Use it as a context manager, or close it.

    Args:
        open_lake: Opens the lake; called again by `.refresh`.
        is_interactive: Somebody looks on: long answers are paged, and what is no answer goes to the screen as well.
        span: The time that is seen of the lake, in words; nothing when it is all.
    """

    def __init__(self, open_lake: Callable[[], OpenLake], *, is_interactive: bool = False, span: str = "") -> None:
        self._open_lake = open_lake
        self._span = f"; seen are those {span}" if span else ""
        self._is_interactive = is_interactive
        self.settings = Settings(limit=1000 if is_interactive else None, timer=is_interactive)
        self._lake = open_lake()
        self._version = self._lake.lake.snapshot("events").version
        self._told_version = self._version

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the lake."""
        self._lake.close()

    def run(self, text: str) -> int:
        """
        Run one statement or command; what goes wrong is said on stderr.

        Returns:
            0, or the exit code of what went wrong.

        Raises:
            Leave: The command was `.quit`.
        OutputError: Nobody looks on, and standard output takes no more.
            KeyboardInterrupt: The user cancelled it.
        """
        try:
            self._run(text)
        except TrailqlError as error:
            if isinstance(error, OutputError) and not self._is_interactive:
                raise
            hint = error.hint
            for outside, inside in _IN_THE_SHELL.items():
                hint = hint.replace(outside, inside) if hint else hint
            if ".parquet" in error.message and isinstance(error, QueryError):
                hint = ".refresh opens the lake anew: files of it have been rewritten"
            error.hint = hint
            tell(error)
            return error.exit_code
        return 0

    def greeting(self) -> str:
        """The lake in a line."""
        events = next(each for each in table_summaries(self._lake.lake) if each.table == "events")
        days = f" of {events.first_day} to {events.last_day}" if events.first_day else ""
        return f"{visible(self._lake.lake.root)}: {count_of(events.rows, 'event')}{days}{self._span}"

    def growth(self) -> str | None:
        """A line when the lake has new commits since the last look; None without, or where looking is not cheap."""
        newest = self._lake.lake.newest_version("events", self._told_version)
        if newest is None or newest == self._told_version:
            return None
        self._told_version = newest
        return "the lake has changed since it was opened: .refresh shows what is new"

    def _run(self, text: str) -> None:
        words = text.split(maxsplit=1)
        name, rest = words[0], words[1] if len(words) > 1 else ""
        if name.lower() in ("help", "quit", "exit") and not rest:
            name = f".{name.lower()}"
        if name.startswith("."):
            self._command(name.lower(), rest.strip())
        elif (file := find_bundled(name)) and ("=" in rest or not rest):
            self._bundled(file, rest)
        elif not rest and name.replace("_", "").replace(".", "").isalnum() and not name.isdecimal():
            near = did_you_mean(name, bundled_files())
            raise UsageError(f"no bundled query is called {name!r}", hint=f"{near}trailql query --list")
        else:
            self._ask(text, {})

    def _command(self, name: str, rest: str) -> None:
        match name:
            case ".help":
                self._show(_help_text(terminal_width()))
            case ".quit" | ".exit":
                raise Leave
            case ".tables":
                self._show_values(*table_rows(self._lake.lake, self.settings.format))
            case ".schema" | ".describe":
                columns = describe_table(rest.rstrip(";") or "events")
                self._show(columns_text(columns, None, terminal_width()))
            case ".queries":
                self._show(_queries_text(rest, terminal_width()))
            case ".run":
                query, _, given = rest.partition(" ")
                file = find_bundled(query)
                if file is None:
                    near = did_you_mean(query, bundled_files())
                    raise UsageError(f"no bundled query is called {query!r}", hint=f"{near}.queries lists them")
                self._bundled(file, given)
            case ".refresh":
                self._refresh()
            case _:
                self._set(name, rest)

    def _set(self, name: str, value: str) -> None:
        match name:
            case ".timer":
                self.settings.timer = _is_on(name, value)
            case ".wide":
                self.settings.wide = _is_on(name, value)
            case ".format":
                if value not in [each.value for each in Format if each.is_text]:
                    hint = ".format jsonl; parquet and arrow go to a file: .output FILE.parquet"
                    raise UsageError(f".format takes table, csv, json, jsonl or md, not {value!r}", hint=hint)
                self.settings.format = Format(value)
            case ".limit":
                if not (value.isascii() and value.isdigit()):
                    raise UsageError(f".limit takes a number, not {value!r}", hint=".limit 100, or .limit 0 for all")
                self.settings.limit = int(value) or None
            case ".output":
                if not value:
                    raise UsageError("no file given", hint=".output calls.csv")
                self.settings.output = Path(shlex.split(value)[0] if value[0] in "'\"" else value).expanduser()
            case _:
                near = did_you_mean_command(name)
                raise UsageError(f"there is no command {name!r}", hint=f"{near}.help lists them")

    def _bundled(self, file: SqlFile, given: str) -> None:
        self._ask(file.sql, file.values_over_all(_pairs(given)))

    def _ask(self, sql: str, parameters: Mapping[str, Any]) -> None:
        begun = time.monotonic()
        with query_progress(quiet=not self._is_interactive) as on_progress:
            rows = self._lake.sql(sql, parameters, on_progress=on_progress).arrow()
        seconds = time.monotonic() - begun
        if self.settings.output:
            self._write(rows)
        else:
            self._show_rows(rows, seconds)

    def _show_rows(self, rows: pa.Table, seconds: float) -> None:
        limit = self.settings.limit
        shown = rows.slice(0, limit) if limit is not None else rows
        width = terminal_width()
        self._show(
            render(shown, self.settings.format, width=width, wide=self.settings.wide, terminal=sys.stdout.isatty())
        )
        if self.settings.format is Format.TABLE or self.settings.timer:
            count = count_of(rows.num_rows, "row")
            if shown.num_rows < rows.num_rows:
                count = f"the first {shown.num_rows:,} of {count} (.limit 0 shows all)"
            self.say(count + (f", {seconds:.2f} s" if self.settings.timer else ""))

    def _write(self, rows: pa.Table) -> None:
        output, self.settings.output = self.settings.output, None
        assert output
        ending = output.suffix.lower().removeprefix(".")
        format = Format(ending) if ending in {each.value for each in Format} else self.settings.format
        write_rows(rows, format, output, wide=self.settings.wide)
        self.say(f"{count_of(rows.num_rows, 'row')} as {format} in {visible(str(output))}")

    def _show_values(self, names: list[str], values: list[list[Any]]) -> None:
        self._show(
            render_values(names, values, self.settings.format, width=terminal_width(), terminal=sys.stdout.isatty())
        )

    def _show(self, text: str) -> None:
        if self._is_interactive:
            pager.show(text)
        else:
            sys.stdout.write(text)
            sys.stdout.flush()

    def say(self, text: str) -> None:
        """What is no answer: to the screen, and not among answers that go to a file or a pipe."""
        on_screen = self._is_interactive and sys.stdout.isatty()
        print(text, file=sys.stdout if on_screen else sys.stderr, flush=True)

    def _refresh(self) -> None:
        opened = self._open_lake()
        self._lake.close()
        self._lake = opened
        self._version = self._told_version = opened.lake.snapshot("events").version
        self.say(self.greeting())


def did_you_mean_command(name: str) -> str:
    """`did you mean .format? ` for a command that is none, or nothing."""
    near = [known for known in COMMANDS if known.startswith(name[:3])] if len(name) > 2 else []
    return f"did you mean {near[0]}? " if near else ""


def _is_on(name: str, value: str) -> bool:
    if value.lower() not in ("on", "off"):
        raise UsageError(f"{name} is on or off", hint=f"{name} on")
    return value.lower() == "on"


def _pairs(text: str) -> dict[str, str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"a quote does not end: {text}", hint="name='a value'") from error
    pairs = [word.partition("=") for word in words]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise UsageError(f"{name!r} is no param=value", hint=".run api_calls_by_name from_date=2026-10-01")
    return {name: value for name, _, value in pairs}


def _help_text(width: int | None) -> str:
    heads = {name: f"{name} {takes}".rstrip() for name, (takes, _) in COMMANDS.items() if name != ".describe"}
    size = max(map(len, heads.values())) + 2
    lines = [
        *fold("SQL ends with a ; and may go over several lines. Tab completes, Ctrl-C cancels, Ctrl-D leaves.", width),
        *fold("A bundled query runs by its name: api_calls_by_name from_date=2026-10-01", width),
        *fold("DESCRIBE and SUMMARIZE take a table or a query: SUMMARIZE events;", width),
        "",
    ]
    for name, head in heads.items():
        first, *more = fold(COMMANDS[name][1], max(width - size, 20) if width else None)
        lines += [head.ljust(size) + first, *(" " * size + line for line in more)]
    return "\n".join(lines) + "\n"


def _queries_text(topic: str, width: int | None) -> str:
    files = [file for file in bundled_files() if not topic or file.id.partition(".")[0] == topic]
    if not files:
        raise UsageError(f"there is no topic {topic!r}", hint=f"the topics are {', '.join(topics())}")
    size = max(len(file.id.partition(".")[2]) for file in files) + 2
    lines: list[str] = []
    for name, group in groupby(files, key=lambda file: file.id.partition(".")[0]):
        lines += [*([""] if lines else []), name]
        for file in group:
            kind = "  (detection)" if file.is_detection else ""
            parameters = "".join(f"  {each.name}={each.default}" for each in file.parameters)
            folded = fold(f"{file.title}{kind}{parameters}", max(width - size - 2, 20) if width else None)
            lines.append("  " + file.id.partition(".")[2].ljust(size) + folded[0])
            lines += [" " * (size + 2) + line.lstrip() for line in folded[1:]]
    return "\n".join(lines) + "\n"
