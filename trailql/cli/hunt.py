"""`trailql hunt`."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trailql.cli.options import seconds
from trailql.errors import BusyError, TrailqlError, UsageError
from trailql.report.text import count_of, iso, tell, visible

if TYPE_CHECKING:
    from trailql.hunt.config import HuntSettings
    from trailql.hunt.plan import Plan
    from trailql.hunt.round import RoundResult

_SHOWN = 5
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="The file, instead of ./trailql.toml or the user's.", show_default=False)
]


class LogFormat(StrEnum):
    """How stderr is written."""

    TEXT = "text"
    JSON = "json"


def hunt(
    config: ConfigFile = None,
    lake: Annotated[str | None, typer.Option("--lake", help="Another lake than the file's.")] = None,
    every: Annotated[
        str | None, typer.Option("--every", help="Go on, a round each so often: 5m. Without it one round is run.")
    ] = None,
    backfill: Annotated[
        str | None,
        typer.Option("--backfill", help="Let new and changed detections see this much of the past: 30d."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what a round would do, and do nothing.")] = False,
    log_format: Annotated[LogFormat, typer.Option("--log-format", help="How to write on stderr.")] = LogFormat.TEXT,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing of rounds in which nothing happened.")] = False,
) -> None:
    """
    Hunt: ingest what is new, run the detections over it, alert once, keep the lake tidy; by trailql.toml.

    Each event is hunted once per rule, also what comes late; what was told is not told again. Exit code 3 when
    something was rejected or an alert waits to be delivered, 9 when another round is at work.

    Example: trailql hunt --config trailql.toml

    Example: trailql hunt --every 5m --log-format json
    """
    from trailql.hunt.loop import hunt_forever, tell_failure
    from trailql.hunt.plan import plan_round
    from trailql.hunt.round import run_round

    say = _Log(log_format, quiet)
    settings = _settings(config, lake)
    past = _span(backfill, "--backfill")
    if dry_run:
        if every or backfill:
            raise UsageError("--dry-run shows one round", hint="trailql hunt --dry-run")
        for line in _plan_lines(settings, plan_round(settings)):
            print(visible(line))
        return
    if every is None:
        try:
            result = run_round(settings, backfill=past, on_step=say.step)
        except TrailqlError as error:
            tell_failure(settings, error)
            if log_format is LogFormat.JSON:
                say.error(error)
                raise typer.Exit(error.exit_code) from None
            raise
        say.round(settings, result)
        if result.errors or result.fresh.rejected or result.waiting:
            raise typer.Exit(3)
        return
    pause = _span(every, "--every")
    assert pause is not None
    if pause < timedelta(seconds=1):
        raise UsageError("--every must be a second or more", hint="--every 5m")
    stop = Event()
    before = {each: signal.signal(each, lambda *_: stop.set()) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        hunt_forever(
            lambda: _settings(config, lake),
            pause,
            stop,
            on_round=say.round,
            on_error=say.error,
            on_step=say.step,
            backfill=past,
        )
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    say("info", "stopped")


class _Log:
    """Lines on stderr, for people or for machines."""

    def __init__(self, format: LogFormat, quiet: bool) -> None:
        self._format = format
        self._quiet = quiet

    def __call__(self, level: str, message: str, **fields: Any) -> None:
        if self._format is LogFormat.JSON:
            line = json.dumps({"time": iso(datetime.now(UTC)), "level": level, "message": message, **fields})
        else:
            line = visible(message if level == "info" else f"{level}: {message}")
        print(line, file=sys.stderr, flush=True)

    def step(self, name: str) -> None:
        """Steps are told by how long they took."""

    def error(self, error: TrailqlError) -> None:
        """A round that came to nothing."""
        if self._format is LogFormat.TEXT:
            tell(error)
        else:
            level = "warning" if isinstance(error, BusyError) else "error"
            self(level, str(error), event="round", status="failed", exit_code=error.exit_code, hint=error.hint)

    def round(self, settings: HuntSettings, result: RoundResult) -> None:
        """How a round went."""
        for text in result.errors:
            self("error", text, event="trouble")
        for uri, reason in result.fresh.rejected[:_SHOWN]:
            self("warning", f"rejected: {uri}: {reason}", event="rejected")
        if len(result.fresh.rejected) > _SHOWN:
            self("warning", f"and {len(result.fresh.rejected) - _SHOWN:,} more log files rejected", event="rejected")
        for name, text in result.delivered.errors.items():
            left = count_of(result.delivered.left.get(name, 0), "alert waits", "alerts wait")
            self("warning", f"sink {name}: {text.removeprefix(f'{name}: ')}; {left}", event="sink", sink=name)
        if result.too_old:
            days = count_of(result.too_old, "day")
            from trailql.hunt.settings_shown import span_text

            setting, span = ("first", settings.first) if result.is_first else ("oldest", settings.oldest)
            self(
                "warning",
                f"new events on {days} are older than hunt.{setting} ({span_text(span)}): they count as hunted, and no "
                "detection has looked at them; trailql detect does",
                event="too_old",
            )
        if result.pending_rules:
            names = ", ".join(result.pending_rules[:_SHOWN]) + (" …" if len(result.pending_rules) > _SHOWN else "")
            what = count_of(len(result.pending_rules), "detection is new or changed", "detections are new or changed")
            self("info", f"{what} ({names}): trailql hunt --backfill 30d lets them see the past", event="rules")
        sent = sum(result.delivered.sent.values())
        is_idle = not (result.changes or result.fresh.batches or sent or result.errors)
        if self._quiet and is_idle:
            return
        self(
            "info",
            _round_line(result, sent),
            event="round",
            status="failed" if result.errors else "done",
            hunt=settings.name,
            files=result.fresh.files,
            events=result.fresh.events,
            findings_new=len(result.new),
            findings_changed=len(result.changes),
            alerts=result.alerts,
            sent=sent,
            waiting=result.waiting,
            seconds=round(result.seconds, 3),
            steps={name: round(spent, 3) for name, spent in result.steps.items()},
        )


def _round_line(result: RoundResult, sent: int) -> str:
    fresh = result.fresh
    parts = [f"{count_of(fresh.events, 'event')} of {count_of(fresh.files, 'log file')} hunted"]
    if fresh.first and fresh.last:
        parts[0] += f", {iso(fresh.first)[:16]} to {iso(fresh.last)[:16]}"
    grown = len(result.changes) - sum(each.is_new for each in result.changes)
    parts.append(count_of(len(result.new), "new finding") + (f", {grown:,} grown" if grown else ""))
    excepted = sum(bool(each.stored.exception) for each in result.changes)
    if excepted:
        parts.append(f"{excepted:,} excepted")
    parts.append(count_of(sent, "alert") + " sent" + (f", {result.waiting:,} waiting" if result.waiting else ""))
    return "; ".join(parts) + f"; {result.seconds:.1f} s"


def _plan_lines(settings: HuntSettings, plan: Plan) -> list[str]:
    lines = [f"hunt {settings.name} on {settings.lake}"]
    lines += [f"ingest   {source}: {what}" for source, what in plan.to_read] or ["ingest   nothing: no source is named"]
    fresh = plan.unhunted
    waiting = f"{count_of(fresh.events, 'event')} of {count_of(fresh.files, 'log file')} in the lake are not hunted yet"
    lines.append(f"detect   {count_of(plan.detections, 'detection')}; {waiting}")
    if fresh.days:
        lines[-1] += f", of {fresh.days[0]} to {fresh.days[-1]}"
    if plan.pending_rules:
        lines.append(
            f"         {len(plan.pending_rules)} of them new or changed: --backfill 30d lets them see the past"
        )
    lines.append(f"insights {'yes' if settings.insights else 'no'}")
    for name, what in plan.sinks:
        left = plan.waiting.get(name, 0)
        lines.append(f"alert    {name}: {what}" + (f"; {left:,} waiting" if left else ""))
    if not plan.sinks:
        lines.append("alert    nobody: no sink is named; trailql findings list shows what is found")
    lines += [f"maintain {text}" for text in plan.keep]
    return lines


def _settings(config: Path | None, lake: str | None) -> HuntSettings:
    from trailql.detect.tuning import tuning_file
    from trailql.hunt.config import read_hunt

    path = tuning_file(config)
    if path is None:
        raise UsageError("there is no trailql.toml", hint="trailql config init, or --config FILE")
    settings = read_hunt(path)
    return replace(settings, lake=lake) if lake else settings


def _span(text: str | None, option: str) -> timedelta | None:
    length = seconds(text, option) if text is None or text.strip()[-1:] != "w" else None
    if text is not None and length is None:
        length = (seconds(f"{text.strip()[:-1]}d", option) or 0) * 7
    return None if length is None else timedelta(seconds=length)
