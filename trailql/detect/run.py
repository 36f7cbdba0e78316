"""Run detections over a window of a lake: those that only filter in one scan, the others one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from trailql.detect.catalog import Detection, bundled_detections
from trailql.detect.finding import Finding, Severity, fingerprint
from trailql.detect.fuse import CALLS_PRESENT, Condition, conditions_of, fused_sql, of_calls
from trailql.detect.own import error_line, first_line
from trailql.errors import DetectionError, LakeError, QueryError, UsageError
from trailql.lake.lake import Lake, open_lake_folder
from trailql.query.engine import OpenLake, window

_MOST_EVENT_IDS = 1000
_MOST_NAMES = 5
_OWN_COLUMNS = frozenset("first_event_time last_event_time event_ids account region actor source_ip".split())
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Timing:
    """How long a detection took, in seconds; all that ran in one scan share a line."""

    what: str
    detections: int
    seconds: float
    findings: int


def run_detections(
    lake: str | Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    ids: Iterable[str] = (),
    min_severity: Severity = Severity.INFO,
    parameters: Mapping[str, str] | None = None,
    on_progress: Callable[[str], None] | None = None,
    timings: list[Timing] | None = None,
    detections: Sequence[Detection] | None = None,
) -> list[Finding]:
    """
    Run the bundled detections, or those given.

    Args:
        lake: The lake's folder.
        since, until: Findings whose last event lies in `since <= time < until`; a detection that compares with the
            past sees the events before as well.
        ids: Only these detections.
        min_severity: Only detections of this severity or a higher one.
        parameters: Changed `$parameters`, as text; `id.name` or, for a single detection, `name`.
        on_progress: Called with each detection's id before it runs.
        timings: Filled with how long each took.
        detections: Instead of the bundled ones.

    Returns:
        Findings, the most severe first, then the latest.

    Raises:
        LakeError, UsageError, DetectionError: See there.
    """
    offered = bundled_detections(ids) if detections is None else detections
    chosen = [each for each in offered if each.severity >= min_severity]
    values = _values(chosen, parameters or {})
    with _Run(open_lake_folder(lake), since, until) as run:
        return run.all(chosen, values, on_progress or (lambda id: None), timings if timings is not None else [])


class _Run:
    """One window of one lake, opened once for each span that detections look back."""

    def __init__(self, lake: Lake, since: datetime | None, until: datetime | None) -> None:
        self._lake = lake
        self._since = since
        self._until = until
        self._open: dict[datetime | None, OpenLake] = {}
        self._things = ExitStack()

    def __enter__(self) -> _Run:
        return self

    def __exit__(self, *exception: object) -> None:
        self._things.close()

    def all(
        self,
        detections: Sequence[Detection],
        values: Mapping[str, Mapping[str, Any]],
        on_progress: Callable[[str], None],
        timings: list[Timing],
    ) -> list[Finding]:
        con = self._opened(timedelta(0)).connection
        asked = {
            number: (each.file.sql, values[each.id]) for number, each in enumerate(detections) if not each.lookback
        }
        conditions = conditions_of(con, asked)
        filters = {number: (detections[number], condition) for number, condition in conditions.items()}
        others = [each for number, each in enumerate(detections) if number not in filters]
        found: list[Finding] = []
        if filters:
            for each, _ in filters.values():
                on_progress(each.id)
            found += self._timed("one scan", len(filters), timings, lambda: self._scan(filters))
        for each in others:
            on_progress(each.id)
            found += self._timed(each.id, 1, timings, lambda each=each: self._alone(each, values[each.id]))  # type: ignore[misc]
        return sorted(found, key=lambda f: (-f.severity, -f.last_event_time.timestamp(), f.id, f.fingerprint))

    def _timed(
        self, what: str, detections: int, timings: list[Timing], work: Callable[[], list[Finding]]
    ) -> list[Finding]:
        started = time.perf_counter()
        found = work()
        timings.append(Timing(what, detections, time.perf_counter() - started, len(found)))
        return found

    def _scan(self, filters: Mapping[int, tuple[Detection, Condition]]) -> list[Finding]:
        opened = self._opened(timedelta(0))
        window = {"since": self._since or _BEGINNING, "until": self._until or _END}
        found: list[Finding] = []
        asked = {number: condition for number, (_, condition) in filters.items()}
        present = opened.connection.sql(CALLS_PRESENT, params=window).to_arrow_table()
        numbered = of_calls(asked, zip(*(column.to_pylist() for column in present.columns), strict=True))
        for sql, parameters in fused_sql(numbered, "$since", "$until"):
            try:
                table = opened.connection.sql(sql, params={**parameters, **window}).to_arrow_table()
            except duckdb.Error as error:
                for detection, condition in filters.values():  # which of them was it?
                    self._try(opened, detection, condition)
                raise QueryError(str(error).splitlines()[0]) from error
            found += [_grouped(filters[row["number"]][0], row) for row in table.to_pylist()]
        return found

    def _try(self, opened: OpenLake, detection: Detection, condition: Condition) -> None:
        sql = f"SELECT count(*) FROM events WHERE {condition.sql}"
        try:
            opened.connection.execute(sql, dict(condition.parameters) or None).fetchall()
        except duckdb.Error as error:
            wrong = _placed(opened, detection, QueryError(str(error).splitlines()[0]))
            raise _wrong(detection, wrong, self._lake) from error

    def _alone(self, detection: Detection, values: Mapping[str, Any]) -> list[Finding]:
        begin, end = self._since or _BEGINNING, self._until or _END
        try:
            rows = (
                self._opened(detection.lookback)
                .sql(detection.file.sql, {**values, "since": begin, "until": end}, dialect="duckdb")
                .dicts()
            )
        except QueryError as error:
            raise _wrong(detection, _placed(self._opened(detection.lookback), detection, error), self._lake) from error
        found = [_finding(detection, row) for row in rows]
        return [finding for finding in found if begin <= finding.last_event_time]

    def _opened(self, lookback: timedelta) -> OpenLake:
        begin = window(self._since, lookback)
        if begin not in self._open:
            self._open[begin] = self._things.enter_context(OpenLake(self._lake, begin, self._until))
        return self._open[begin]


def _placed(opened: OpenLake, detection: Detection, error: QueryError) -> QueryError:
    """The same error with its line, which DuckDB tells only when it is asked to explain the SQL as it was written."""
    values = {**detection.file.values({}), "since": _BEGINNING, "until": _END}
    try:
        opened.understood(detection.file.sql, values, "duckdb")
    except QueryError as placed:
        return placed
    return error


def _wrong(detection: Detection, error: QueryError, lake: Lake) -> DetectionError | LakeError:
    """A damaged file of the lake is not the detection's fault."""
    cause = error.__cause__
    if isinstance(cause, duckdb.IOException | duckdb.InvalidInputException | duckdb.HTTPException):
        return LakeError(error.message, at=lake.root, hint=f"trailql lake check --lake {lake.root}")
    line = first_line(detection.file) + error_line(cause)
    return DetectionError(error.message, at=f"{detection.file.path}:{line}", hint=error.hint)


def _grouped(detection: Detection, row: Mapping[str, Any]) -> Finding:
    """The events of one actor on one day that meet a condition, as one finding."""
    numbers: dict[str, Any] = {"calls": row["calls"]}
    for name, values in (("eventName", row["event_names"]), ("errorCode", row["error_codes"])):
        if values:
            numbers[name] = ", ".join(values[:_MOST_NAMES]) + (" …" if len(values) > _MOST_NAMES else "")
    if row["request"]:
        numbers["requestParameters"] = row["request"]
    return Finding(
        id=detection.id,
        title=detection.file.title,
        severity=detection.severity,
        attack=detection.attack,
        first_event_time=row["first_event_time"],
        last_event_time=row["last_event_time"],
        account=row["account"],
        region=row["region"],
        actor=row["actor"],
        source_ip=row["source_ip"],
        event_ids=tuple(id for id in row["event_ids"] if id is not None),
        numbers=numbers,
        fingerprint=fingerprint(detection.id, row["account"], row["actor"], row["day"].isoformat()),
    )


def _values(chosen: list[Detection], given: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    known = {detection.id: detection for detection in chosen}
    texts: dict[str, dict[str, str]] = {id: {} for id in known}
    for name, text in given.items():
        id, _, parameter = name.rpartition(".")
        if not id and len(chosen) == 1:
            id = chosen[0].id
        if id not in known:
            raise UsageError(
                f"--param {name}: no such detection is run", hint="--param ec2.terminate_instances_burst.instances=20"
            )
        texts[id][parameter] = text
    return {id: detection.file.values(texts[id]) for id, detection in known.items()}


def _finding(detection: Detection, row: dict[str, Any]) -> Finding:
    if "first_event_time" not in row:
        row = _of_one_event(row)
    ids = tuple(id for id in (row["event_ids"] or []) if id is not None)[:_MOST_EVENT_IDS]
    account, actor, source_ip = row.get("account"), row.get("actor"), row.get("source_ip")
    first: datetime = row["first_event_time"]
    anchor = ids[0] if ids else first.isoformat()
    return Finding(
        id=detection.id,
        title=detection.file.title,
        severity=detection.severity,
        attack=detection.attack,
        first_event_time=first,
        last_event_time=row["last_event_time"],
        account=account,
        region=row.get("region"),
        actor=actor,
        source_ip=source_ip,
        event_ids=ids,
        numbers={name: value for name, value in row.items() if name not in _OWN_COLUMNS},
        fingerprint=fingerprint(detection.id, account, actor, source_ip, anchor),
    )


def _of_one_event(event: dict[str, Any]) -> dict[str, Any]:
    """A whole event as the columns of a finding."""
    identity = event.get("userIdentity") or {}
    issuer = (identity.get("sessionContext") or {}).get("sessionIssuer") or {}
    named = f"user:{identity.get('accountId') or ''}:{identity['userName']}" if identity.get("userName") else None
    return {
        "first_event_time": event["eventTime"],
        "last_event_time": event["eventTime"],
        "event_ids": [event["eventID"]],
        "account": event["recipientAccountId"] or identity.get("accountId"),
        "region": event["awsRegion"],
        "actor": issuer.get("arn")
        or identity.get("arn")
        or named
        or identity.get("invokedBy")
        or identity.get("principalId"),
        "source_ip": event["sourceIPAddress"],
        "eventName": event["eventName"],
        **({"errorCode": event["errorCode"]} if event["errorCode"] else {}),
        "requestParameters": event["requestParameters"],
    }
