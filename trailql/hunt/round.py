"""
The whole of a round on one screen: ingest → detect → insights → alert → maintain.

A round may be killed anywhere and run again. Until its commit to `hunts` nothing of it counts, and the next one finds
the same again; after it, what it found is known and what it has to tell is in the outbox.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import duckdb

from trailql.detect.finding import Finding
from trailql.detect.tuning import today as utc_today
from trailql.errors import BusyError, LakeError, SinkError, TrailqlError, UsageError
from trailql.hunt import deadman
from trailql.hunt.config import HuntSettings
from trailql.hunt.findings import Change, ended, known_for, merged, rows_of
from trailql.hunt.keeping import let_go
from trailql.hunt.lock import alone
from trailql.hunt.looking import FORWARD, Looked, Rules, Span, look, pending_rules, rules_of, spans_of
from trailql.hunt.metrics import Measured, write_metrics
from trailql.hunt.outbox import Delivered, deliver, queue_rows, sinks_told
from trailql.hunt.state import Fresh, Past, Written, fresh_files, newest_delivery, past_rounds, write_round
from trailql.hunt.stored import CLOSED, count_open, stored_findings
from trailql.ingest import ingest_logs, ingest_queue
from trailql.lake.compact import compact
from trailql.lake.lake import Lake, open_lake_folder
from trailql.lake.retention import expire, vacuum
from trailql.lake.session import working_connection
from trailql.lake.writer import Writer, finish_after, recover, writing
from trailql.sinks.http import ping
from trailql.sources.aws import Aws

Clock = Callable[[], datetime]
_HEARTBEAT = timedelta(hours=1)
"""A round without news leaves a row once in this time, and looks for silences then."""
_MEMORY = "256MB"


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@dataclass(slots=True)
class RoundResult:
    """
    What a round did.

    Args:
        events_added: By its ingest.
        fresh: What was hunted.
        spans: Over which time.
        changes: Findings that are new, have grown, or are over.
        alerts: Alerts put in the outbox.
        delivered: What became of the outbox.
        pending_rules: Detections that are new or changed and have not seen the past.
        too_old: Days of new events that are older than `oldest`, or `first`, and were not looked at.
        is_first: It is the hunt's first round on this lake.
        errors: What went wrong, each in a sentence.
        seconds: How long it took.
        steps: Seconds by step.
    """

    events_added: int = 0
    fresh: Fresh = field(default_factory=Fresh)
    spans: list[Span] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    alerts: int = 0
    delivered: Delivered = field(default_factory=Delivered)
    pending_rules: list[str] = field(default_factory=list)
    too_old: int = 0
    is_first: bool = False
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)

    @property
    def new(self) -> list[Change]:
        """Findings that were not there before and are not excepted."""
        return [each for each in self.changes if each.is_new and not each.stored.exception]

    @property
    def waiting(self) -> int:
        """Alerts that are not delivered yet."""
        return sum(self.delivered.left.values())


def run_round(
    settings: HuntSettings,
    *,
    clock: Clock = utc_now,
    backfill: timedelta | None = None,
    on_step: Callable[[str], None] | None = None,
) -> RoundResult:
    """
    One round.

    Args:
        settings: The hunt.
        clock: Tells the time.
        backfill: Let detections that are new or changed see this much of the past.
        on_step: Called with each step's name as it begins.

    Raises:
        BusyError: Another round of this hunt is at work.
        LakeError: The lake cannot be read or written.
        UsageError, DetectionError: The settings or the detections are wrong.
    """
    rules = rules_of(settings)
    lake = open_lake_folder(settings.lake, create=True)
    with alone(lake, settings.name) as after_crash:
        return _Round(settings, rules, lake, clock, on_step or (lambda name: None), after_crash).run(backfill)


class _Round:
    """One round at work, alone."""

    def __init__(
        self,
        settings: HuntSettings,
        rules: Rules,
        lake: Lake,
        clock: Clock,
        on_step: Callable[[str], None],
        after_crash: bool,
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._lake = lake
        self._clock = clock
        self._on_step = on_step
        self._after_crash = after_crash
        self._started = clock()
        self._name = f"{self._started:%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
        self._broken: dict[str, str] = {}
        self._newest: datetime | None = None
        self._past = Past(frozenset(), None, None)
        self._heard: dict[str, frozenset[str]] = {}
        self.result = RoundResult()

    def run(self, backfill: timedelta | None) -> RoundResult:
        begun = time.monotonic()
        recover(self._lake)
        if self._after_crash:
            finish_after(self._lake, "hunts")  # what it found and had to tell, before anything is looked for again
        with self._step("ingest"):
            self._ingest()
        with working_connection(self._lake, _MEMORY) as con, writing(self._lake) as writer:
            with self._step("look"):
                self._past = past_rounds(con, self._lake, self._settings.name, to_write=True)
                self.result.fresh = fresh_files(con, self._lake, self._past.hunted)
                self._newest = newest_delivery(con, self._lake)
                self._find(con, backfill)
            with self._step("commit"):
                self._commit(writer, backfill)
            with self._step("alert"):
                self.result.delivered = deliver(con, self._lake, writer, self._settings, self._clock, round=self._name)
            open_findings = count_open(con, self._lake) if self._settings.metrics else {}
        with self._step("maintain"):
            self._maintain()
        self.result.seconds = time.monotonic() - begun
        self._tell(open_findings)
        return self.result

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self._on_step(name)
        begun = time.monotonic()
        yield
        self.result.steps[name] = time.monotonic() - begun

    def _ingest(self) -> None:
        """Every source by itself: one that cannot be read does not keep the others from being hunted."""
        settings = self._settings
        for source in settings.sources:
            with self._noted(source):
                summary = ingest_logs(
                    [source], settings.lake, relist_days=settings.relist_days, aws=Aws(settings.access)
                )
                self.result.events_added += summary.events_added
        if settings.queue:
            with self._noted(settings.queue):
                told = ingest_queue(
                    settings.queue,
                    settings.lake,
                    seconds=settings.queue_for.total_seconds(),
                    aws=Aws(settings.access),
                )
                self.result.events_added += told.ingest.events_added

    @contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        try:
            yield
        except LakeError:
            raise
        except TrailqlError as error:
            text = str(error)
            self.result.errors.append(text if what in text else f"{what}: {text}")

    def _find(self, con: duckdb.DuckDBPyConnection, backfill: timedelta | None) -> None:
        settings, now = self._settings, self._started
        fresh, past = self.result.fresh, self._past
        is_first = not past.hunted
        begin = now - (settings.first if is_first else settings.oldest)
        self.result.too_old = sum(day < begin.date() for day in fresh.days)
        self.result.is_first = is_first
        self.result.spans = spans_of(fresh.days, begin=begin if is_first else _midnight(begin))
        for span in self.result.spans:
            self._take(con, self._look(span))
            self._take_what_follows(con, span)
        pending = [] if is_first else pending_rules(past, self._rules)
        if backfill is not None and pending:
            self._take(con, self._look((now - backfill, now + timedelta(days=1)), only=pending))
        self.result.pending_rules = [] if backfill is not None else pending
        troubles = self._own_troubles()
        self._take(con, Looked(troubles, {}, []))
        self._end(con, troubles)

    def _take_what_follows(self, con: duckdb.DuckDBPyConnection, span: Span) -> None:
        """A late event may be what a detection with a long memory needed, to see what happened days after it."""
        reach = max((each.lookback for each in self._rules.detections), default=timedelta(0))
        until = min(span[1] + reach, self._started)
        long = [each.id for each in self._rules.detections if each.lookback > FORWARD]
        if long and until > span[1]:
            self._take(con, self._look((span[1], until), only=long))

    def _look(self, span: Span, only: list[str] | None = None) -> Looked:
        found = look(
            self._settings.lake,
            self._rules,
            span,
            insights=self._settings.insights and only is None,
            today=utc_today() if self._clock is utc_now else self._started.date(),
            only=only,
        )
        self._broken.update(found.broken)
        return found

    def _take(self, con: duckdb.DuckDBPyConnection, looked: Looked) -> None:
        known = known_for(con, self._lake, looked.findings)
        known |= {each.stored.finding.fingerprint: each.stored for each in self.result.changes}
        changes = merged(
            looked.findings,
            known,
            exceptions=looked.exceptions,
            hunt=self._settings.name,
            again_after=self._settings.alert_again_after,
            now=self._started,
        )
        self.result.changes = _latest([*self.result.changes, *changes])

    def _own_troubles(self) -> list[Finding]:
        wanted, hunt, now = self._settings.dead_man, self._settings.name, self._started
        found = list(deadman.broken_rules(self._broken.items(), hunt, now))
        self.result.errors += [f"{id}: {text}" for id, text in self._broken.items()]
        if wanted.failed:
            killed = ["the round before was killed, or its machine went down"] if self._after_crash else []
            told = {f"{id}: {text}" for id, text in self._broken.items()}
            found += deadman.failed([*killed, *(each for each in self.result.errors if each not in told)], hunt, now)
        if wanted.rejected:
            found += deadman.rejected(self.result.fresh.rejected, hunt, now)
        if not self._is_hour_over():
            return found
        silent = deadman.silences(self._lake, now) if wanted.silence else []
        found += silent
        if wanted.max_lag is not None and not any(each.account is None for each in silent):
            found += deadman.late(self._newest, wanted.max_lag, hunt, now)
        return found

    def _end(self, con: duckdb.DuckDBPyConnection, troubles: list[Finding]) -> None:
        """Close findings of troubles that are over; of one that lasted for days the last is told."""
        here = {each.fingerprint for each in troubles}
        condition = "hunt = $hunt AND detection IN (SELECT unnest($ids::VARCHAR[]))"
        parameters = {"hunt": self._settings.name, "ids": list(deadman.ENDING)}
        known = [
            each
            for each in stored_findings(con, self._lake, condition, parameters)
            if each.status != CLOSED and each.finding.fingerprint not in here
        ]
        over = self._over(con, [each.finding for each in known], {each.id for each in troubles})
        told: set[tuple[object, ...]] = set()
        for each in known:
            if each.finding.fingerprint in over:
                trouble = deadman.of_one_trouble(each.finding)
                is_told = each.alerted_at is not None and not each.exception and trouble not in told
                self.result.changes.append(ended(each, "it is over", self._started, is_told=is_told))
                told.add(trouble)
        self._heard = sinks_told(con, self._lake, self._settings.name, sorted(over))

    def _over(self, con: duckdb.DuckDBPyConnection, known: list[Finding], there: set[str]) -> set[str]:
        """Which of these troubles are known to be over: what is not looked for just now goes on."""
        wanted, rules = self._settings.dead_man, self._rules.hashes
        in_time = wanted.max_lag is not None and self._newest and self._started - self._newest <= wanted.max_lag
        over: set[str] = set()
        for each in known:
            rule = each.numbers.get("rule")
            if (
                (each.id == deadman.LAG and in_time)
                or (each.id == deadman.FAILED and wanted.failed and deadman.FAILED not in there)
                or (each.id == deadman.RULE and rule not in self._broken and (self.result.spans or rule not in rules))
            ):
                over.add(each.fingerprint)
        if wanted.silence and self._is_hour_over():
            over |= deadman.heard_again([each for each in known if each.id == deadman.SILENCE], con, self._lake)
        return over

    def _is_hour_over(self) -> bool:
        last = self._past.last
        return last is None or self._started - last >= _HEARTBEAT or _hour(last) != _hour(self._started)

    def _commit(self, writer: Writer, backfill: timedelta | None) -> None:
        result, fresh = self.result, self.result.fresh
        known = dict(self._past.rules or {})
        current = {id: value for id, value in self._rules.hashes.items() if id not in self._broken}
        if not self._past.hunted or backfill is not None:
            accepted = current
        else:
            accepted = {id: value for id, value in known.items() if id in self._rules.hashes and id not in self._broken}
        said = {**self._rules.said(), **deadman.SAID}
        outbox = queue_rows(
            result.changes, self._settings, said, round=self._name, now=self._started, heard=self._heard
        )
        result.alerts = len(outbox)
        rules_changed = self._past.rules is None or accepted != known
        if not (fresh.batches or result.changes or rules_changed or result.errors or self._is_hour_over()):
            return
        row = {
            "hunt": self._settings.name,
            "round": self._name,
            "status": "failed" if result.errors else "done",
            "started_at": self._started,
            "ended_at": self._clock(),
            "batches": json.dumps(fresh.batches),
            "files": fresh.files,
            "events": fresh.events,
            "first_event_time": fresh.first,
            "last_event_time": fresh.last,
            "rules": json.dumps(accepted) if rules_changed else None,
            "findings": len(result.new),
            "alerts": result.alerts,
            "reason": "; ".join(result.errors) or None,
        }
        rows = rows_of(result.changes, round=self._name)
        write_round(self._lake, writer, self._past, Written(row, rows, outbox))

    def _maintain(self) -> None:
        """Once a day, by the first round of it; what fails is tried the next day."""
        last, keep = self._past.last, self._settings.keep
        if last is None or last.date() == self._started.date():
            return
        try:
            if keep.events_days is not None:
                expire(self._lake, keep_days=keep.events_days, today=self._started.date())
            let_go(self._lake, self._settings.name, findings_days=keep.findings_days, now=self._started)
            if keep.compact:
                compact(self._lake)
            if keep.vacuum_hours is not None:
                vacuum(self._lake, hours=keep.vacuum_hours)
        except BusyError:
            raise
        except TrailqlError as error:
            self.result.errors.append(f"the lake could not be kept tidy: {error}")

    def _tell(self, open_findings: dict[str, int]) -> None:
        result, settings = self.result, self._settings
        if settings.dead_man.ping is not None and not result.errors:
            try:
                ping(settings.dead_man.ping)
            except SinkError as error:
                result.errors.append(f"hunt.dead_man.ping {error.message}")
        if settings.metrics is None:
            return
        measured = Measured(
            hunt=settings.name,
            ended=self._clock(),
            seconds=result.seconds,
            is_success=not result.errors,
            newest_delivery=self._newest,
            events=result.fresh.events,
            files=result.fresh.files,
            rejected=len(result.fresh.rejected),
            findings=len(result.new),
            alerts=result.alerts,
            errors=len(result.errors),
            open_findings=open_findings,
            waiting={sink.name: result.delivered.left.get(sink.name, 0) for sink in settings.sinks},
        )
        try:
            write_metrics(settings.metrics, measured)
        except OSError as error:
            raise UsageError(
                f"cannot be written: {(error.strerror or str(error)).lower()}", at=str(settings.metrics)
            ) from error


def _latest(changes: list[Change]) -> list[Change]:
    """Of several changes of one finding in a round the last, with the reason to tell of any and as new as the first."""
    found: dict[str, Change] = {}
    for change in changes:
        name = change.stored.finding.fingerprint
        before = found.get(name, change)
        found[name] = replace(
            change,
            alert=change.alert or before.alert,
            is_new=before.is_new,
            reopened=change.reopened or before.reopened,
        )
    return list(found.values())


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _hour(moment: datetime) -> tuple[int, int]:
    return moment.toordinal(), moment.hour
