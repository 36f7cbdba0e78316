"""Run detections over a window of a lake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trailql.detect.catalog import Detection, bundled_detections
from trailql.detect.finding import Finding, Severity, fingerprint
from trailql.errors import DetectionError, QueryError, UsageError
from trailql.lake.lake import Lake, open_lake_folder
from trailql.query.engine import OpenLake, window

_MOST_EVENT_IDS = 1000
_OWN_COLUMNS = frozenset("first_event_time last_event_time event_ids account region actor source_ip".split())
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)


def run_detections(
    lake: str | Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    ids: Iterable[str] = (),
    min_severity: Severity = Severity.INFO,
    parameters: Mapping[str, str] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> list[Finding]:
    """
    Run the bundled detections.

    Args:
        lake: The lake's folder.
        since, until: Findings whose last event lies in `since <= time < until`; a detection that compares with the
            past sees the events before as well.
        ids: Only these detections.
        min_severity: Only detections of this severity or a higher one.
        parameters: Changed `$parameters`, as text; `id.name` or, for a single detection, `name`.
        on_progress: Called with each detection's id before it runs.

    Returns:
        Findings, the most severe first, then the latest.

    Raises:
        LakeError, UsageError, DetectionError: See there.
    """
    opened = open_lake_folder(lake)
    chosen = [each for each in bundled_detections(ids) if each.severity >= min_severity]
    values = _values(chosen, parameters or {})
    findings = []
    for detection in chosen:
        if on_progress:
            on_progress(detection.id)
        findings += run_detection(opened, detection, since=since, until=until, parameters=values[detection.id])
    return sorted(findings, key=lambda f: (-f.severity, -f.last_event_time.timestamp(), f.id, f.fingerprint))


def run_detection(
    lake: Lake,
    detection: Detection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """Run one detection; see `run_detections`."""
    values = {**detection.file.values({}), **(parameters or {})}
    values |= {"since": since or _BEGINNING, "until": until or _END}
    with OpenLake(lake, window(since, detection.lookback), until) as opened:
        try:
            rows = opened.sql(detection.file.sql, values).dicts()
        except QueryError as error:
            raise DetectionError(error.message, at=str(detection.file.path)) from error
    found = [_finding(detection, row) for row in rows]
    return [finding for finding in found if (since or _BEGINNING) <= finding.last_event_time]


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
